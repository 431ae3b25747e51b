"""The order worklist: every order of the next week, the largest change first."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.deciding import just_decided
from fleetcast.faces.web.page import DONE, Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.words import called, say
from fleetcast.people.roles import Action
from fleetcast.reading.orders import DECISIONS, OrderRow, Worklist, worklist

SORT = "change"
CHOSEN = ("region", "store", "product", "decision")  # by the address


def orders(visit: Visit) -> Response:
    """What is chosen by region, store and product, a page at a time."""
    found = _chosen(visit)
    query = {name: value for name, value in visit.query.items() if name != DONE and value}
    decided = Counter(row.decision for row in found.rows)
    return visit.render(
        "orders.html",
        "orders",
        say("orders.title"),
        found=found,
        shown=Listing(_columns(visit), found.rows, SORT).shown(query),
        chosen={name: visit.query.get(name, "") for name in CHOSEN},
        decisions=DECISIONS,
        decided=decided,
        total=sum(row.order or 0.0 for row in found.rows),
        bring=sum(row.bring or 0.0 for row in found.rows),
        without=sum(row.bring is None for row in found.rows),
        done=just_decided(visit),
    )


def orders_twin(visit: Visit, kind: Kind) -> Response:
    columns = (*_columns(visit), *WHO_DECIDED)
    return listed(kind, "orders", Listing(columns, _chosen(visit).rows, SORT), visit.query)


def _chosen(visit: Visit) -> Worklist:
    region, store, product, asked = (visit.query.get(name, "").strip() for name in CHOSEN)
    decision = next((one for one in DECISIONS if one == asked), None)
    chosen = {"region": region, "store": store, "product": product}
    return worklist(visit.w, visit.regions, **chosen, decision=decision, asof=visit.asof)


def _columns(visit: Visit) -> Sequence[Column[OrderRow]]:
    back = urlencode({name: visit.query[name] for name in (*CHOSEN, "sort", "page") if visit.query.get(name)})
    open_to_visitor = visit.may(Action.override_orders)

    def deciding(row: OrderRow) -> str | None:
        at = visit.at("/orders/decide", store=row.store, product=row.product, back=back)
        return at if open_to_visitor else None

    def decision(row: OrderRow) -> str:
        if row.decision == "open":
            return say("orders.decide") if open_to_visitor else numbers.MISSING
        return say("orders.by_" + row.decision, by=row.override_by)

    return (
        Column(
            "store",
            lambda row: row.store,
            link=lambda row: visit.store(row.store),
        ),
        Column("product", lambda row: row.product, link=lambda row: visit.series(row.store, row.product)),
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
        Column("order", lambda row: row.order, lambda row: numbers.whole(row.order), number=True),
        Column(
            "change",
            lambda row: row.change,
            lambda row: numbers.change(row.change),
            number=True,
            order=lambda row: None if row.change is None else -abs(row.change),
        ),
        Column("reason", lambda row: row.reason, lambda row: called(row.reason, "reason")),
        Column(
            "bring",
            lambda row: row.bring,
            lambda row: numbers.whole(row.bring),
            number=True,
            css=lambda _: "strong",
        ),
        Column(
            "decision",
            lambda row: row.decision,
            decision,
            css=lambda row: "on-screen" if row.decision == "open" else "",
            link=deciding,
        ),
        Column("failover", lambda row: row.failover, lambda row: called(row.failover, "failover")),
    )


WHO_DECIDED: Sequence[Column[OrderRow]] = (
    Column("override", lambda row: row.override),
    Column("override_by", lambda row: row.override_by),
    Column("override_reason", lambda row: row.override_reason),
)
