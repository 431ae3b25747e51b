"""A page: what every template is given, and how it is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from fleetcast.domain.errors import UsageError
from fleetcast.faces.web import commands, numbers, states
from fleetcast.faces.web.assets import address
from fleetcast.faces.web.table import cells
from fleetcast.faces.web.words import called, catalogue
from fleetcast.people.roles import MAY, Action, Role
from fleetcast.reading.published import newest
from fleetcast.workspace import Workspace

THEMES = ("auto", "dark", "light")  # each is followed by the next
THEME = "theme"  # the cookie
NOBODY = "local"  # whoever is here, where nobody signs in
ASOF = "asof"  # the field of a query that pins a day
DONE = "done"  # the part of the text catalogue that says what was done, and the field of a query for it
LEFT = (ASOF, DONE, "page")  # what another day has others of


@dataclass(frozen=True)
class Section:
    """An entry of the navigation, and the least it takes to see it; `roles` None: everybody."""

    name: str
    path: str
    roles: frozenset[str] | None = None


SECTIONS = (
    Section("home", "/"),
    Section("fleet", "/fleet"),
    Section("orders", "/orders"),
    Section("summary", "/summary"),
    Section("scoring", "/scoring"),
    Section("training", "/training"),
    Section("data", "/data"),
    Section("runs", "/runs"),
    Section("ops", "/ops", frozenset({"scientist", "engineer", "operator", "admin"})),
    Section("audit", "/audit", frozenset(map(str, MAY[Action.read_audit]))),
    Section("admin", "/admin", frozenset({"admin"})),
)
FIRST = {  # by role, the section that is shown to whoever names no page; of any other role, what needs attention
    "viewer": "summary",
    "planner": "orders",
    "scientist": "fleet",
    "engineer": "data",
    "operator": "ops",
}


@dataclass(frozen=True)
class Visit:
    """Somebody asks for a page of an environment."""

    request: Request
    w: Workspace
    form: Mapping[str, str] = field(default_factory=dict)  # that was sent, where it is not only looked at

    def __post_init__(self) -> None:
        _day(self.query.get(ASOF, ""))  # what is no day is told at once, and not by half a page

    @property
    def environment(self) -> str:
        return self.w.environment

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def regions(self) -> frozenset[str] | None:
        """The regions that the visitor may see; None: all."""
        principal = principal_of(self.request)
        return None if principal is None else principal.regions

    @property
    def name(self) -> str:
        """The visitor, as the audit log will call them."""
        principal = principal_of(self.request)
        return NOBODY if principal is None else str(principal.name)

    def may(self, action: str) -> bool:
        """Whether the visitor's role allows an action; where nobody signs in, all are allowed. None is in an earlier week."""
        principal = principal_of(self.request)
        return self.asof is None and (principal is None or Role(principal.role).may(Action(action)))

    def named(self, name: str) -> str:
        """What a form that was sent says under a name, else what the address does."""
        return (self.form or self.query).get(name, "").strip()

    @property
    def news(self) -> str:
        """What was just done, where the address says so: a sentence of the catalogue, and nothing else."""
        return catalogue().get(f"{DONE}.{self.query.get(DONE, '')}", "")

    @property
    def asof(self) -> date | None:
        """The day that the visitor pinned."""
        return _day(self.query.get(ASOF, ""))

    @property
    def cycle(self) -> date | None:
        """The cycle that a pinned day shows."""
        return newest(self.w, self.asof)

    @property
    def pin(self) -> Mapping[str, str]:
        """What a pinned day is in a query."""
        return {ASOF: self.asof.isoformat()} if self.asof else {}

    def only(self, **query: str) -> str:
        """A query with nothing else in it than a pinned day, "" where it is empty; to be put behind a path."""
        asked = urlencode({**query, **self.pin})
        return f"?{asked}" if asked else ""

    @property
    def asked(self) -> str:
        """The query of this page, to be put behind another path."""
        return f"?{self.request.url.query}" if self.request.url.query else ""

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What is asked for besides a day and a page of a list: what a form for a day keeps."""
        return [(name, value) for name, value in self.request.query_params.multi_items() if name not in LEFT]

    def at(self, path: str, **query: str) -> str:
        """The address of a page of this environment; a pinned day goes along."""
        asked = self.only(**query)
        return f"/{self.environment}{path}" + (asked.replace("?", "&", 1) if "?" in path else asked)

    def series(self, store: str, product: str) -> str:
        """The address of a series; names may hold whatever people name things."""
        return self.at(f"/forecasts/{quote(store, safe='')}/{quote(product, safe='')}")

    def store(self, name: str) -> str:
        return self.at(f"/stores/{quote(name, safe='')}")

    def product(self, name: str) -> str:
        return self.at(f"/products/{quote(name, safe='')}")

    @property
    def now(self) -> str:
        """The address of this page as of now."""
        return self.request.url.path + (f"?{urlencode(self.kept)}" if self.kept else "")

    def elsewhere(self, environment: str) -> str:
        """The address of this page in another environment."""
        return f"/{environment}{self.request.url.path.removeprefix(f'/{self.environment}')}{self.only()}"

    def render(self, template: str, section: str, title: str, **context: Any) -> Response:
        """A page of this environment."""
        live = self.w.ledger.pointer()
        return render(
            self.request, template, title=title, section=section, visit=self, release=live, **context
        )


def _day(asked: str) -> date | None:
    """UsageError for what is no day."""
    try:
        return date.fromisoformat(asked) if asked else None
    except ValueError as error:
        raise UsageError(f"{asked!r} is no day; write {ASOF} like 2026-11-16") from error


def principal_of(request: Request) -> Any:
    """Who asks, as the sign-in layer found out; None where there is none."""
    return getattr(request.state, "principal", None)


def render(request: Request, template: str, *, title: str, status: int = 200, **context: object) -> Response:
    """A page that may be of no environment, as the one for signing in is."""
    principal = principal_of(request)
    theme = request.cookies.get(THEME, "auto")
    given: dict[str, object] = {
        "title": title,
        "section": "",
        "visit": None,
        "release": None,
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "principal": principal,
        "of_now": False,  # whether it shows how things are now, whatever day is pinned
        "sections": [one for one in SECTIONS if _open_to(one, principal)],
        "theme": theme if theme in THEMES else "auto",
    }
    content = templates().get_template(template).render(given | context)
    return HTMLResponse(content, status)


def first_view(role: str) -> str:
    """The path, in an environment, of the page that a role begins with.

    >>> first_view("operator"), first_view("admin")
    ('/ops', '/')
    """
    paths = {section.name: section.path for section in SECTIONS}
    return paths.get(FIRST.get(role, ""), "/")


def _open_to(section: Section, principal: Any) -> bool:
    return section.roles is None or principal is None or str(principal.role) in section.roles


@cache
def templates() -> Environment:
    """All templates, with the words and the number formats they may use; an unknown name in one is an error."""
    environment = Environment(
        loader=PackageLoader("fleetcast.faces.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    formats: dict[str, Callable[..., str]] = {
        name: getattr(numbers, name)
        for name in (
            "whole",
            "units",
            "error",
            "percent",
            "points",
            "change",
            "days",
            "duration",
            "day",
            "moment",
            "octets",
        )
    }
    environment.filters.update(formats, typed=commands.typed)
    environment.globals.update(
        say=commands.say,
        called=called,
        cells=cells,
        asset=address,
        looks=states.ALL,
        heat=states.heat,
        themes=THEMES,
    )
    return environment
