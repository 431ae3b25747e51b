"""A browser at what is served, without a server between: it keeps cookies, and follows nothing by itself."""

from dataclasses import dataclass, field

from starlette.types import ASGIApp
from tests.faces.asked import Answer, ask


@dataclass
class Visitor:
    """Somebody who asks, and what they were given to show again."""

    app: ASGIApp
    scheme: str = "http"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        shown = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"accept": "text/html"} | ({"cookie": shown} if shown else {})
        answer = ask(self.app, "GET", path, headers=headers, scheme=self.scheme)
        for name, given in answer.cookies.items():
            self.cookies[name] = given.value
            if given["max-age"] == "0":
                del self.cookies[name]
        return answer

    @property
    def me(self) -> dict | None:
        """Who they are to the API; None: nobody."""
        answer = self.get("/api/v1/me")
        return answer.json if answer.status == 200 else None
