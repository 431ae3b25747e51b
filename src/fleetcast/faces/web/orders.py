"""The order worklist: every order of the next week, the largest change first."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from starlette.responses import Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, arrange, show
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import called, say
from fleetcast.reading.orders import OrderRow, Worklist, worklist


def orders(visit: Visit) -> Response:
    """What is chosen by region, store and product, a page at a time."""
    found, columns = _chosen(visit), _columns(visit)
    rows = arrange(found.rows, columns, visit.query, sort="change")
    kept = {name: value for name, value in visit.query.items() if name != "page" and value}
    return visit.render(
        "orders.html",
        "orders",
        say("orders.title"),
        found=found,
        shown=show(rows, columns, visit.query, sort="change"),
        chosen={name: visit.query.get(name, "") for name in ("region", "store", "product")},
        total=sum(row.order or 0.0 for row in found.rows),
        without=sum(row.order is None for row in found.rows),
        query=f"?{urlencode(kept)}" if kept else "",
    )


def orders_twin(visit: Visit, kind: Kind) -> Response:
    columns = _columns(visit)
    return twin(kind, "orders", columns, arrange(_chosen(visit).rows, columns, visit.query, sort="change"))


def _chosen(visit: Visit) -> Worklist:
    named = {name: visit.query.get(name, "").strip() for name in ("region", "store", "product")}
    return worklist(visit.w, visit.regions, **named)


def _columns(visit: Visit) -> Sequence[Column[OrderRow]]:
    def at(row: OrderRow) -> str:
        return visit.at(f"/forecasts/{quote(row.store, safe='')}/{quote(row.product, safe='')}")

    return (
        Column(
            "store",
            lambda row: row.store,
            link=lambda row: visit.at(f"/orders?{urlencode({'store': row.store})}"),
        ),
        Column("product", lambda row: row.product, link=at),
        Column("region", lambda row: row.region),
        Column(
            "delivered",
            lambda row: row.delivered,
            lambda row: numbers.whole(row.delivered),
            number=True,
        ),
        Column("low", lambda row: row.low, lambda row: numbers.units(row.low), number=True),
        Column("median", lambda row: row.median, lambda row: numbers.units(row.median), number=True),
        Column("high", lambda row: row.high, lambda row: numbers.units(row.high), number=True),
        Column(
            "order",
            lambda row: row.order,
            lambda row: numbers.whole(row.order),
            number=True,
            css=lambda _: "strong",
        ),
        Column(
            "change",
            lambda row: row.change,
            lambda row: numbers.change(row.change),
            number=True,
            order=lambda row: None if row.change is None else -abs(row.change),
        ),
        Column("reason", lambda row: row.reason, lambda row: called(row.reason, "reason")),
        Column("failover", lambda row: row.failover, lambda row: called(row.failover, "failover")),
    )
