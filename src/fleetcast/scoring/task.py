"""What one task of scoring is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from fleetcast.domain.versions import Snapshot
from fleetcast.scoring.standing import Standing


@dataclass(frozen=True)
class ScoringTask:
    """What one task scores: a partition, from a cutoff on, with the release that was live when the run began.

    A rehearsal writes nothing: it is how a release shows what it would publish before it is live. `out` is how champions
    stand that do not serve, or not yet again, and `in_alarm` whose errors are too large to be trusted, by their models' names.
    """

    partition: str
    cutoff: date
    release: str
    snapshot: Snapshot
    rehearsal: bool = False
    out: Mapping[str, Standing] = field(default_factory=dict)
    in_alarm: frozenset[str] = frozenset()
