"""The REST API: what programs ask of a fleet, described by an OpenAPI document."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import version

from fastapi import FastAPI

from fleetcast.faces.api import account, fleet, forecasts, orders, scoring, sending, work
from fleetcast.faces.api.examples import shown_in
from fleetcast.faces.api.problems import RESPONSES, told_as_problems
from fleetcast.workspace import Workspace

TITLE = "Fleetcast"
DESCRIPTION = (
    "Forecasts and everything behind them, for programs. Send a token of `fleetcast token create` as"
    " `Authorization: Bearer …`. Units are units per week, rates are fractions, moments are UTC. What lies in regions that"
    " the token was not granted is answered as if it were not there."
)


def application(open_: Callable[[str], Workspace], at: str) -> FastAPI:
    """The API over the environments of a workspace; `at` is the path it is served under."""
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=version("fleetcast"),
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        servers=[{"url": at}],
        responses=RESPONSES,
    )
    for part in (account, forecasts, orders, scoring, sending, fleet, work):
        app.include_router(part.routes(open_))
    told_as_problems(app)
    described = app.openapi
    app.openapi = cache(lambda: shown_in(described()))  # type: ignore[method-assign]  # FastAPI's way to extend it
    return app
