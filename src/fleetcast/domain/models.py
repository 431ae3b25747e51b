"""A model as a value: what is stored of it, and the states it passes through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

ModelKind = Literal["ensemble", "baseline", "pool"]  # a pool serves nobody by itself: it lends to ensembles
Serving = Literal["ensemble", "baseline"]
Form = Literal[
    "pooled", "alone"
]  # how an ensemble forecasts: beside its pool's members, or with its own only
INTERVALS: Mapping[Form, str] = {
    "pooled": "intervals with pool",
    "alone": "intervals",
}  # by the key of a pack
ModelState = Literal["registered", "promoted", "retired", "refused"]

# registered: awaiting promotion; a retired model serves again after a rollback; a refused one, as in quarantine, never does
TRANSITIONS: Mapping[ModelState, frozenset[ModelState]] = {
    "registered": frozenset({"promoted", "refused"}),
    "promoted": frozenset({"retired"}),
    "retired": frozenset({"promoted", "refused"}),
    "refused": frozenset(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Dumped:
    """A fitted model as data: `kind` names the code that loads it, `meta` is JSON, the rest arrays."""

    kind: str
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    meta: Mapping[str, object] = field(default_factory=dict)
