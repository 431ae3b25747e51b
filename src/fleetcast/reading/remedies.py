"""What the evidence of trouble with models suggests: to train them anew, or to go back to what served before."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from fleetcast.domain.incidents import Incident, Kind
from fleetcast.domain.week import of_label
from fleetcast.reading.fleet_health import ModelRow

Remedy = Literal["retrain", "roll_back"]

LEARN: frozenset[Kind] = frozenset({"degraded", "failover", "stale", "untrained", "demand"})


def remedies(one: Incident, touched: Sequence[ModelRow], *, earlier: bool) -> tuple[Remedy, ...]:
    """Of an incident about a segment or a region, by the models that it touches; `earlier`: something served before.

    Whatever a fit of newer weeks can mend suggests to retrain. Going back mends what came with a model: one that cannot
    be used, or one that served already in the week since which its errors grew.
    """
    if not touched or one.kind not in LEARN:
        return ()
    came_with_it = one.kind == "failover" or (one.kind == "degraded" and _served(one, touched))
    return ("roll_back", "retrain") if came_with_it and earlier else ("retrain",)


def _served(one: Incident, touched: Sequence[ModelRow]) -> bool:
    """Whether any of these models was trained before the week since which errors grew."""
    since = date.fromisoformat(str(one.evidence.get("since", one.opened)))
    return any(of_label(row.model.rpartition("/")[2].rpartition("-")[0]) < since for row in touched)
