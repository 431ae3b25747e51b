"""Which page answers to which address."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fleetcast.domain.errors import FleetcastError, NotFound, PolicyRefusal, UsageError
from fleetcast.faces.forms import fields
from fleetcast.faces.turns import Crowded, Turns
from fleetcast.faces.web.actions import PROMOTE, QUARANTINE, RETRAIN, ROLL_BACK
from fleetcast.faces.web.admin import admin, people_twin, person, tokens_twin
from fleetcast.faces.web.assets import static
from fleetcast.faces.web.audit import audit, audit_twin, audited, audited_twin
from fleetcast.faces.web.compare import compare, compare_twin
from fleetcast.faces.web.data import ACKNOWLEDGE as ACKNOWLEDGE_DATA
from fleetcast.faces.web.data import data, data_twin
from fleetcast.faces.web.deciding import DECIDE
from fleetcast.faces.web.deeds import Deed, acted, asked
from fleetcast.faces.web.fleet import fleet, fleet_twin
from fleetcast.faces.web.forecast import forecast, forecast_twin
from fleetcast.faces.web.home import home, home_twin
from fleetcast.faces.web.incident import ACKNOWLEDGE, CLOSE, NOTE, incident
from fleetcast.faces.web.items import product, product_twin, store, store_twin
from fleetcast.faces.web.lineage import lineage, lineage_twin
from fleetcast.faces.web.managing import ADD, CHANGE_ROLE, DISABLE, ENABLE, END_SESSIONS, REVOKE
from fleetcast.faces.web.model import model, model_twin
from fleetcast.faces.web.ops import deliveries_twin, incidents_twin, ops
from fleetcast.faces.web.orders import orders, orders_twin
from fleetcast.faces.web.page import THEME, THEMES, Visit, first_view, principal_of, render
from fleetcast.faces.web.runs import run, run_twin, runs, runs_twin
from fleetcast.faces.web.scoring import ages_twin, newest, scored, scored_twin
from fleetcast.faces.web.searching import searching, searching_twin
from fleetcast.faces.web.source import one_source, quarantine_twin, source_twin
from fleetcast.faces.web.steering import LIFT, TEST
from fleetcast.faces.web.summary import summed, summed_twin
from fleetcast.faces.web.training import training, training_twin, trainings
from fleetcast.faces.web.twins import KINDS, Kind
from fleetcast.faces.web.wall import wall
from fleetcast.faces.web.words import catalogue, say
from fleetcast.workspace import Workspace

Workspaces = Callable[[str], Workspace]
Page = Callable[[Visit], Response]
Twin = Callable[[Visit, Kind], Response]

YEAR = 365 * 86_400  # seconds
EXPORTS, WAITING = 2, 8  # at once, and that wait: each takes a core for as long as it is written
ENVIRONMENTS = ("prod", "dev")  # where a visitor who names none is led: the first that has a live release


def routes(workspaces: Workspaces) -> list[BaseRoute]:
    """Every page and file of the web face, for a server to mount behind its sign-in."""
    turns = Turns("files", at_once=EXPORTS, waiting=WAITING)

    def of(path: str, answer: Page, also: Twin | None = None) -> list[BaseRoute]:
        here = f"/{{environment}}{path}"
        twins = (
            [Route(f"{here}.{kind}", _twin(workspaces, also, kind, turns)) for kind in KINDS] if also else []
        )
        return [*twins, Route(here, _page(workspaces, answer))]

    def deed(path: str, what: Deed) -> list[BaseRoute]:
        here = f"/{{environment}}{path}"
        do = _form(workspaces, lambda visit: acted(visit, what))
        return [
            Route(here, _page(workspaces, lambda visit: asked(visit, what))),
            Route(here, do, methods=["POST"]),
        ]

    return [
        Route("/static/{name}", static),
        Route("/theme", _theme, methods=["POST"]),
        Route("/", _home(workspaces)),
        *of("/", home),
        *of("/attention", home, home_twin),
        *of("/fleet/wall", wall),
        *of("/fleet", fleet, fleet_twin),
        *of("/training", trainings),
        *of("/training/{run}", training, training_twin),
        *of("/models/{name:path}", model, model_twin),
        *of("/compare", compare, compare_twin),
        *deed("/promote", PROMOTE),
        *deed("/roll-back", ROLL_BACK),
        *deed("/quarantine", QUARANTINE),
        *deed("/retrain", RETRAIN),
        *of("/summary", summed, summed_twin),
        *deed("/orders/decide", DECIDE),
        *of("/orders", orders, orders_twin),
        *of("/search", searching, searching_twin),
        *of("/stores/{name}", store, store_twin),
        *of("/products/{name}", product, product_twin),
        *of("/forecasts/{store}/{product}", forecast, forecast_twin),
        *of("/data", data, data_twin),
        *of("/data/{source}/quarantine", one_source, quarantine_twin),
        *of("/data/{source}", one_source, source_twin),
        *deed("/acknowledge", ACKNOWLEDGE_DATA),
        *of("/runs", runs, runs_twin),
        *of("/runs/{cycle}", run, run_twin),
        *of("/audit", audit, audit_twin),
        *of("/audit/{seq}", audited, audited_twin),
        *of("/lineage", lineage),
        *of("/lineage/{kind}/{name:path}", lineage, lineage_twin),
        *of("/scoring", newest),
        *of("/scoring/{week}/ages", scored, ages_twin),
        *of("/scoring/{week}", scored, scored_twin),
        *of("/ops", ops),
        *of("/ops/incidents", ops, incidents_twin),
        *of("/ops/deliveries", ops, deliveries_twin),
        *of("/ops/incidents/{incident}", incident),
        *deed("/ops/incidents/{incident}/acknowledge", ACKNOWLEDGE),
        *deed("/ops/incidents/{incident}/note", NOTE),
        *deed("/ops/incidents/{incident}/close", CLOSE),
        *deed("/ops/hold", LIFT),
        *deed("/ops/test-alert", TEST),
        *of("/admin", admin),
        *of("/admin/people", admin, people_twin),
        *of("/admin/tokens", admin, tokens_twin),
        *deed("/admin/add", ADD),
        *of("/admin/people/{name}", person),
        *deed("/admin/people/{name}/role", CHANGE_ROLE),
        *deed("/admin/people/{name}/disable", DISABLE),
        *deed("/admin/people/{name}/enable", ENABLE),
        *deed("/admin/people/{name}/sign-out", END_SESSIONS),
        *deed("/admin/tokens/{token}/revoke", REVOKE),
    ]


def message(request: Request, status: int, text: str = "", *, visit: Visit | None = None) -> Response:
    """A page that says what is wrong, with the ways out of a visit; `text` in the words of whoever noticed."""
    known = status if f"error.{status}" in catalogue() else 400
    said = text or catalogue().get(f"error.{known}_what", "")
    heading = say(f"error.{known}")
    return render(
        request, "message.html", title=heading, status=status, heading=heading, text=said, visit=visit
    )


def sign_in(
    request: Request,
    *,
    problem: str = "",
    provider: object = None,
    passwords: bool = True,
    next_page: str = "/",
    status: int = 200,
) -> Response:
    """The form that posts `name`, `password` and `next` to /sign-in; a provider has a `name` and a `link`."""
    return render(
        request,
        "sign_in.html",
        title=say("sign_in.title"),
        status=status,
        problem=problem,
        provider=provider,
        passwords=passwords,
        next=next_page,
    )


def turned_away(request: Request, why: str, provider: str, status: int) -> Response:
    """Somebody came from a provider and is not let in: why, and what to do."""
    return render(
        request,
        "turned_away.html",
        title=say(f"turned_away.{why}", provider=provider),
        status=status,
        text=say(f"turned_away.{why}_what", provider=provider),
        instead=say(f"turned_away.{why}_do", provider=provider),
    )


def _form(workspaces: Workspaces, answer: Page) -> Callable[[Request], Awaitable[Response]]:
    """What a form does; a form that is none does nothing."""

    async def done(request: Request) -> Response:
        try:
            form = await fields(request)
        except UsageError as error:
            return message(request, HTTPStatus.BAD_REQUEST, str(error))
        return await run_in_threadpool(_page(workspaces, answer, form), request)

    return done


def _page(
    workspaces: Workspaces, answer: Page, form: Mapping[str, str] | None = None
) -> Callable[[Request], Response]:
    def served(request: Request) -> Response:
        visit = None
        try:
            visit = Visit(request, _opened(workspaces, request), form or {})
            return answer(visit)
        except HTTPException as error:
            return message(request, error.status_code, visit=visit)
        except FleetcastError as error:
            return message(request, _status(error), str(error), visit=visit)

    return served


def _twin(
    workspaces: Workspaces, answer: Twin, kind: Kind, turns: Turns
) -> Callable[[Request], Awaitable[Response]]:
    """A file, when it is its turn: many of them at once would take all memory, and the pages' threads."""
    page = _page(workspaces, lambda visit: answer(visit, kind))

    async def sent(request: Request) -> Response:
        try:
            async with turns.taken():
                return await run_in_threadpool(page, request)
        except Crowded as crowded:
            refused = message(request, HTTPStatus.SERVICE_UNAVAILABLE, str(crowded))
            refused.headers.update(crowded.headers)
            return refused

    return sent


def _opened(workspaces: Workspaces, request: Request) -> Workspace:
    try:
        return workspaces(request.path_params["environment"])
    except UsageError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND) from error


def _status(error: FleetcastError) -> HTTPStatus:
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, UsageError):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.FORBIDDEN if isinstance(error, PolicyRefusal) else HTTPStatus.SERVICE_UNAVAILABLE


def _home(workspaces: Workspaces) -> Callable[[Request], Response]:
    def led(request: Request) -> Response:
        principal = principal_of(request)
        view = first_view(str(principal.role)) if principal else "/"
        asked = f"?{request.url.query}" if request.url.query else ""
        for name in ENVIRONMENTS:
            w = workspaces(name)
            if w.state.is_dir() and w.ledger.pointer():
                return RedirectResponse(f"/{name}{view}{asked}")
        return RedirectResponse(f"/{ENVIRONMENTS[-1]}{view}{asked}")

    return led


async def _theme(request: Request) -> Response:
    """Remember a theme, and go back to where the visitor was: a page of ours, and no other address."""
    try:
        sent = await fields(request)
    except UsageError as error:
        return message(request, HTTPStatus.BAD_REQUEST, str(error))
    theme, back = sent.get("theme", ""), sent.get("next", "/")
    ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    answer = RedirectResponse(back if ours else "/", HTTPStatus.SEE_OTHER)
    if theme in THEMES:
        answer.set_cookie(THEME, theme, max_age=YEAR, samesite="lax", httponly=True)
    return answer
