"""The page of one series: its order, its forecast, and the picture they come from."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.chart import HEIGHT, WIDTH, chart
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import called, say
from fleetcast.people.roles import Action
from fleetcast.reading.fleet_health import health
from fleetcast.reading.orders import OrderRow, worklist
from fleetcast.reading.series import Ahead, SeriesView, series

SPANS = (26, 52, 104, 156)  # weeks of history
USUAL = 52
RECENT = 13  # weeks of which a mean is shown


def forecast(visit: Visit) -> Response:
    """One series; its form leads to another one of the same store or of another."""
    moved = _moved(visit)
    if moved:
        return RedirectResponse(moved, HTTPStatus.SEE_OTHER)
    view = _found(visit)
    models = health(visit.w, visit.regions, visit.asof).rows
    model = next((row for row in models if row.segment == view.segment), None)
    recent = [one.delivered for one in view.sold[-RECENT:] if one.delivered is not None]
    return visit.render(
        "forecast.html",
        "orders",
        say("forecast.title", product=view.product, store=view.store),
        view=view,
        next=view.ahead[0],
        columns=COLUMNS,
        chart=chart(view),
        width=WIDTH,
        height=HEIGHT,
        model=model,
        model_at=visit.at("/fleet?" + urlencode({"q": view.segment})),
        mean=sum(recent) / len(recent) if recent else None,
        weeks=_weeks(visit),
        decided=_decided(visit, view),
        decide_at=_deciding(visit, view),
        spans=SPANS,
        lineage=visit.at(
            f"/lineage/forecast/{view.ahead[0].week}/{quote(view.store, safe='')}/{quote(view.product, safe='')}"
        ),
    )


def forecast_twin(visit: Visit, kind: Kind) -> Response:
    view = _found(visit)
    return twin(kind, f"forecast-{view.store}-{view.product}", COLUMNS, view.ahead)


def _found(visit: Visit) -> SeriesView:
    names = visit.request.path_params
    view = series(
        visit.w, names["store"], names["product"], visit.regions, weeks=_weeks(visit), asof=visit.asof
    )
    if view is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return view


def _decided(visit: Visit, view: SeriesView) -> OrderRow | None:
    """The order as a person decided about it; None where nobody did."""
    found = worklist(visit.w, visit.regions, store=view.store, product=view.product, asof=visit.asof).rows
    return next((row for row in found if row.override_by is not None), None)


def _deciding(visit: Visit, view: SeriesView) -> str | None:
    """Where its order is decided about; nowhere where none is open to the visitor."""
    if not view.ahead[0].reason or not visit.may(Action.override_orders):
        return None
    return visit.at("/orders/decide", store=view.store, product=view.product)


def _weeks(visit: Visit) -> int:
    asked = visit.query.get("weeks", "")
    return int(asked) if asked in map(str, SPANS) else USUAL


def _moved(visit: Visit) -> str:
    """The address of the series that the form names, where it is another one: without JavaScript a form can only ask."""
    names = visit.request.path_params
    store, product = visit.query.get("store", names["store"]), visit.query.get("product", names["product"])
    if "store" not in visit.query and "product" not in visit.query:
        return ""
    path = f"/forecasts/{quote(store, safe='')}/{quote(product, safe='')}"
    return visit.at(f"{path}?weeks={_weeks(visit)}")


COLUMNS: Sequence[Column[Ahead]] = (
    Column("week", lambda one: one.week, lambda one: numbers.day(one.week)),
    Column("low", lambda one: one.low, lambda one: numbers.units(one.low), number=True),
    Column("median", lambda one: one.median, lambda one: numbers.units(one.median), number=True),
    Column("high", lambda one: one.high, lambda one: numbers.units(one.high), number=True),
    Column(
        "order",
        lambda one: one.order,
        lambda one: numbers.whole(one.order),
        number=True,
        css=lambda _: "strong",
    ),
    Column(
        "reason",
        lambda one: one.reason,
        lambda one: called(one.reason, "reason") if one.reason else numbers.MISSING,
    ),
    Column("failover", lambda one: one.failover, lambda one: called(one.failover, "failover")),
)
