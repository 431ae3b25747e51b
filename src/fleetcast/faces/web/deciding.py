"""Deciding about one order: accept it, bring another quantity, or undo what was decided."""

from urllib.parse import parse_qsl, urlencode

from fleetcast.domain.errors import NotFound, UsageError
from fleetcast.domain.overrides import Order, Override
from fleetcast.faces.web.deeds import Deed, Question, Sent
from fleetcast.faces.web.page import DONE, Visit
from fleetcast.faces.web.words import say
from fleetcast.fleet import order_overrides
from fleetcast.people.roles import Action
from fleetcast.reading.orders import OrderRow, decisions, worklist


def _ask(visit: Visit) -> Question:
    """The order with all that speaks for it, and a form that says what is to be done."""
    row, order = _found(visit)
    made = decisions(visit.w, row, order.cycle)
    back = visit.named("back")
    return Question(
        section="orders",
        title=say("decide.title", product=row.product, store=row.store),
        button=None,
        back=visit.at(f"/orders?{back}" if back else "/orders"),
        hidden={
            "store": row.store,
            "product": row.product,
            "seen": str(made[0].seq if made and made[0].decision != "undo" else 0),
            "back": back,
        },
        template="decide.html",
        more={"row": row, "made": made, "allowed": visit.may(Action.override_orders)},
    )


def _decide(visit: Visit, sent: Sent) -> str:
    """Back to the list it came from."""
    row, _ = _found(visit)  # of a region that the visitor may see
    made = _decided(visit, sent, order_overrides.recommended(visit.w, row.store, row.product))
    back = [*parse_qsl(sent.get("back", "")), (DONE, str(made.seq))]
    return visit.at(f"/orders?{urlencode(back)}")


DECIDE = Deed(_ask, _decide)


def just_decided(visit: Visit) -> Override | None:
    """The decision that the visitor has just made, as the ledger has it."""
    asked = visit.query.get(DONE, "")
    made = order_overrides.every(visit.w, by=visit.name) if asked.isdecimal() else []
    return next((one for one in made if one.seq == int(asked)), None)


def _decided(visit: Visit, sent: Sent, order: Order) -> Override:
    seen = sent.get("seen", "")
    told = {"actor": visit.name, "reason": sent.get("reason", "")}
    known = int(seen) if seen.isdecimal() else None
    match sent.get("decision"):
        case "accept":
            return order_overrides.accept(visit.w, order, **told, seen=known)
        case "override":
            return order_overrides.override(visit.w, order, _units(sent.get("units", "")), **told, seen=known)
        case "undo":
            return order_overrides.undo(visit.w, order, **told, seen=known)
    raise UsageError(say("decide.nothing"))


def _units(asked: str) -> float:
    if not asked.isdecimal():
        raise UsageError(say("decide.no_units", asked=asked[:20]))
    return float(asked)


def _found(visit: Visit) -> tuple[OrderRow, Order]:
    store, product = visit.named("store"), visit.named("product")
    listed = worklist(visit.w, visit.regions, store=store, product=product)
    if not (store and product) or len(listed.rows) != 1 or listed.cycle is None:
        raise NotFound("")
    row = listed.rows[0]
    return row, Order(listed.cycle, row.week, store, product, row.order)
