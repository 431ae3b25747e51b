"""How a model stands, in one word: the worst of what is known of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from fleetcast.domain.incidents import Incident, Kind

State = Literal["failed", "over_gate", "stale", "watch", "ok", "unknown"]
STATES: tuple[State, ...] = get_args(State)  # the worst first

NEED_WORK: frozenset[State] = frozenset({"failed", "over_gate", "stale"})
NEAR = 0.95  # of the limit: from there on a model is watched
FAILED: frozenset[Kind] = frozenset(
    {"untrained", "failover", "failed"}
)  # incidents of models that did not do their work


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one model. `ran` is false where its training died before a gate could judge it."""

    ran: bool
    passed: bool
    mape: float | None
    limit: float
    age: Literal["fresh", "warning", "stale"] | None
    incidents: Sequence[Incident] = ()


def state_of(known: Known) -> State:
    """The worst that holds.

    >>> state_of(Known(ran=True, passed=True, mape=0.44, limit=0.45, age="fresh"))
    'watch'
    """
    kinds = {one.kind for one in known.incidents}
    if not known.ran or kinds & FAILED:
        return "failed"
    if not known.passed:
        return "over_gate"
    if known.age == "stale" or "stale" in kinds:
        return "stale"
    if kinds or known.age == "warning" or (known.mape is not None and known.mape > NEAR * known.limit):
        return "watch"
    return "unknown" if known.mape is None else "ok"


def worst(states: Collection[State]) -> State:
    """The worst of several.

    >>> worst(["ok", "stale"])
    'stale'
    """
    return min(states, key=STATES.index, default="unknown")
