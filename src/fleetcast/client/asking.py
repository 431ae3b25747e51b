"""One request to a server, asked again where that may help, and its refusals as errors of ours."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fleetcast.domain.errors import (
    ConflictError,
    FleetcastError,
    InfrastructureError,
    NotFound,
    PolicyRefusal,
    UsageError,
)

if TYPE_CHECKING:
    from urllib3 import PoolManager

TRIES = 4
AGAIN = (429, 502, 503, 504)
REFUSALS: Mapping[int, Callable[[str], FleetcastError]] = {
    400: UsageError,
    401: PolicyRefusal,
    403: PolicyRefusal,
    404: NotFound,
    409: ConflictError,
    413: UsageError,
    422: UsageError,
}


class Asking:
    """Requests to one server by one token. Nothing is followed elsewhere, so that the token goes nowhere else."""

    def __init__(self, url: str, token: str, *, seconds: float) -> None:
        self._url, self._token, self._seconds = url.rstrip("/"), token, seconds
        self._opened: PoolManager | None = None

    def __repr__(self) -> str:
        return f"Asking({self._url!r}, token=…)"

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, object],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON; every request here may be asked twice without having two effects."""
        from urllib.parse import urlencode

        from urllib3.exceptions import HTTPError

        query = urlencode({name: value for name, value in fields.items() if value is not None})
        url = f"{self._url}/api/v1{path}" + (f"?{query}" if query else "")
        told = {"Authorization": f"Bearer {self._token}", "User-Agent": "fleetcast"} | dict(headers or {})
        try:
            answer = self._pool().request(method, url, body=body, headers=told, redirect=False)
        except HTTPError as error:
            raise InfrastructureError(f"{self._url} cannot be asked: {type(error).__name__}") from error
        if answer.status == 200:
            return json.loads(answer.data)
        raise REFUSALS.get(answer.status, InfrastructureError)(
            f"{self._url}: {_detail(answer.data, answer.status)}"
        )

    def _pool(self) -> "PoolManager":
        from urllib3 import PoolManager, Retry, Timeout

        if self._opened is None:
            again = Retry(
                TRIES,
                redirect=0,
                status_forcelist=AGAIN,
                allowed_methods=None,
                backoff_factor=0.5,
                raise_on_status=False,
            )
            self._opened = PoolManager(retries=again, timeout=Timeout(self._seconds))
        return self._opened


def _detail(body: bytes, status: int) -> str:
    """What a problem says in words, else its status."""
    try:
        said = json.loads(body)
        return str(said.get("detail") or said["title"])
    except (ValueError, KeyError, AttributeError):
        return f"it answers {status}"
