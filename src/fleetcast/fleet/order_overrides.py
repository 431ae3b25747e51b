"""What people decide about recommended orders: they accept one, override it, or undo what was decided; audited."""

from dataclasses import replace
from datetime import date
from math import isfinite

import polars as pl

from fleetcast.domain.errors import ConflictError, NotFound, UsageError
from fleetcast.domain.overrides import Decision, Order, Override
from fleetcast.domain.tables import ORDERS
from fleetcast.fleet import order_sheets
from fleetcast.ledger.audit import AuditEvent
from fleetcast.ledger.overrides import standing
from fleetcast.workspace import Workspace

MOST = 1e6  # units of an order: more is a slip of the finger
LONGEST = 250  # characters of a reason, so that every database takes it


def recommended(w: Workspace, store: str, product: str, *, week: date | None = None) -> Order:
    """The order of the newest published cycle, for its first week or the one named; NotFound where there is none."""
    cycle = order_sheets.published_cycle(w)
    mine = (pl.col("cycle") == cycle) & (pl.col("store") == store) & (pl.col("product") == product)
    rows = w.lake.read(ORDERS, where=mine).sort("week")
    found = rows if week is None else rows.filter(pl.col("week") == week)
    if found.is_empty():
        for_week = f" for the week of {week}" if week else ""
        raise NotFound(f"cycle {cycle} has no order of {product} at {store}{for_week}")
    return Order(cycle, found["week"][0], store, product, found["order"][0])


def accept(w: Workspace, order: Order, *, actor: str, reason: str = "", seen: int | None = None) -> Override:
    """Say that the recommended order is right; UsageError where there is none to accept."""
    if order.recommended is None:
        raise UsageError(
            f"no order of {order.product} at {order.store} is recommended; say how much to bring instead"
        )
    return _decide(w, order, "accept", order.recommended, actor, _short(reason), seen)


def override(
    w: Workspace, order: Order, units: float, *, actor: str, reason: str, seen: int | None = None
) -> Override:
    """Say how much to bring instead, in whole units."""
    if not isfinite(units) or not 0 <= units <= MOST or units != int(units):
        raise UsageError(f"{units:g} is no order; name whole units from 0 to {MOST:,.0f}")
    return _decide(w, order, "override", float(units), actor, _said(reason), seen)


def undo(w: Workspace, order: Order, *, actor: str, reason: str, seen: int | None = None) -> Override:
    """Take back what was decided: the recommended order holds again; UsageError where nothing was."""
    return _decide(w, order, "undo", None, actor, _said(reason), seen)


def every(w: Workspace, *, by: str | None = None) -> list[Override]:
    """Every decision, the newest first; only those of a person, if asked so."""
    with w.ledger.view() as view:
        return [one for one in reversed(view.overrides()) if by in (None, one.by)]


def holding(w: Workspace, cycle: date) -> dict[Order, Override]:
    """The decisions that hold about a cycle's orders."""
    with w.ledger.view() as view:
        return standing(view.overrides(cycle=cycle))


def _decide(
    w: Workspace,
    order: Order,
    decision: Decision,
    units: float | None,
    actor: str,
    reason: str,
    seen: int | None,
) -> Override:
    """Keep it, unless somebody decided since `seen`, the decision that a person had before them (0: none; None: any)."""
    with w.ledger.transaction() as transaction:
        before = _held(transaction.overrides(cycle=order.cycle), order)
        if seen is not None and seen != (before.seq if before else 0):
            told = f"{before.by} decided on {before.units:g}" if before else "what was decided was undone"
            raise ConflictError(f"meanwhile {told}; look at the order again")
        if decision == "undo" and before is None:
            raise UsageError(f"nothing was decided about {order.product} at {order.store} in {order.week}")
        event = AuditEvent(actor, f"order.{decision}", "", reason)
        told_before = f"{before.units:g}" if before and before.units is not None else None
        return transaction.decide_order(order, decision, units, replace(event, before=told_before))


def _held(made: list[Override], order: Order) -> Override | None:
    """The decision that holds about an order, whatever was recommended when it was made."""
    about = (order.week, order.store, order.product)
    held = standing(made).values()
    return next((one for one in held if (one.order.week, one.order.store, one.order.product) == about), None)


def _said(reason: str) -> str:
    if not reason.strip():
        raise UsageError("say why: the audit log keeps the reason")
    return _short(reason)


def _short(reason: str) -> str:
    if len(reason) > LONGEST:
        raise UsageError(f"a reason has at most {LONGEST} characters; this one has {len(reason)}")
    return reason.strip()
