"""What a person decided about an order that was recommended: a row of its own, never a changed order."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Decision = Literal["accept", "override", "undo"]


@dataclass(frozen=True, slots=True)
class Order:
    """The order that a decision is about: a series in one week, as a cycle recommended it; units, None where it gave none."""

    cycle: date
    week: date
    store: str
    product: str
    recommended: float | None


@dataclass(frozen=True, slots=True)
class Override:
    """A decision, numbered by its audit record. `units` are to be brought; None: what was decided before was undone."""

    seq: int
    order: Order
    decision: Decision
    units: float | None
    by: str
    at: datetime
    reason: str
