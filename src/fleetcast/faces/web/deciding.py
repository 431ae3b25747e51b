"""Deciding about one order: accept it, bring another quantity, or undo what was decided."""

from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fleetcast.domain.errors import ConflictError, UsageError
from fleetcast.domain.overrides import Order, Override
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.words import say
from fleetcast.fleet import order_overrides
from fleetcast.people.roles import Action
from fleetcast.reading.orders import OrderRow, decisions, worklist

DONE = "done"  # the field of a query that names the decision that was just made


def deciding(visit: Visit) -> Response:
    """The order with all that speaks for it, and a form that says what is to be done."""
    return _page(visit, visit.query.get("store", ""), visit.query.get("product", ""))


def decide(visit: Visit) -> Response:
    """Do what the form says, and go back to the list it came from."""
    store, product = visit.form.get("store", ""), visit.form.get("product", "")
    _found(visit, store, product)  # of a region that the visitor may see
    try:
        made = _decided(visit, order_overrides.recommended(visit.w, store, product))
    except ConflictError as error:
        return _page(visit, store, product, str(error), HTTPStatus.CONFLICT)
    except UsageError as error:
        return _page(visit, store, product, str(error), HTTPStatus.BAD_REQUEST)
    back = [*parse_qsl(visit.form.get("back", "")), (DONE, str(made.seq))]
    return RedirectResponse(visit.at(f"/orders?{urlencode(back)}"), HTTPStatus.SEE_OTHER)


def just_decided(visit: Visit) -> Override | None:
    """The decision that the visitor has just made, as the ledger has it."""
    asked = visit.query.get(DONE, "")
    made = order_overrides.every(visit.w, by=visit.name) if asked.isdecimal() else []
    return next((one for one in made if one.seq == int(asked)), None)


def _decided(visit: Visit, order: Order) -> Override:
    form, seen = visit.form, visit.form.get("seen", "")
    told = {"actor": visit.name, "reason": form.get("reason", "")}
    known = int(seen) if seen.isdecimal() else None
    match form.get("decision"):
        case "accept":
            return order_overrides.accept(visit.w, order, **told, seen=known)
        case "override":
            return order_overrides.override(visit.w, order, _units(form.get("units", "")), **told, seen=known)
        case "undo":
            return order_overrides.undo(visit.w, order, **told, seen=known)
    raise UsageError(say("decide.nothing"))


def _units(asked: str) -> float:
    if not asked.strip().isdecimal():
        raise UsageError(say("decide.no_units", asked=asked[:20]))
    return float(asked)


def _found(visit: Visit, store: str, product: str) -> tuple[OrderRow, Order]:
    listed = worklist(visit.w, visit.regions, store=store, product=product)
    if not (store and product) or len(listed.rows) != 1 or listed.cycle is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    row = listed.rows[0]
    return row, Order(listed.cycle, row.week, store, product, row.order)


def _page(
    visit: Visit, store: str, product: str, problem: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    row, order = _found(visit, store, product)
    made = decisions(visit.w, row, order.cycle)
    return visit.render(
        "decide.html",
        "orders",
        say("decide.title", product=product, store=store),
        status=status,
        row=row,
        made=made,
        seen=made[0].seq if made and made[0].decision != "undo" else 0,
        problem=problem,
        units=visit.form.get("units", "" if row.bring is None else f"{row.bring:.0f}"),
        reason=visit.form.get("reason", ""),
        back=visit.form.get("back", visit.query.get("back", "")),
        allowed=visit.may(Action.override_orders),
    )
