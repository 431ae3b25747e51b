"""The drifts of a cycle: decided once by the kept histograms, recorded in the ledger, told as signals, and read again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.incidents import Signal
from fleetcast.domain.seeds import seed
from fleetcast.domain.segment import Segment
from fleetcast.domain.week import label
from fleetcast.fleet import histograms
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.steps import Steps
from fleetcast.monitoring.drift import Drift, drift
from fleetcast.monitoring.levels import Jump, jumps
from fleetcast.monitoring.moved import moved
from fleetcast.settings import SegmentSettings, branch_digest
from fleetcast.workspace import Workspace

STEP = "drift"
LEVEL_JUMPS = 0.05  # in logs, the least that a covariate that acts by ratios, as a price does, jumps by


@dataclass(frozen=True)
class Drifts:
    """What was decided in a cycle: of every column of every subject whether it drifted, and which levels jumped."""

    drifts: tuple[Drift, ...] = ()
    jumps: tuple[Jump, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Drifts":
        """As it was kept, JSON by now."""
        return cls(
            tuple(Drift.of(one) for one in body["drifts"]), tuple(Jump(**one) for one in body["jumps"])
        )

    @property
    def worst(self) -> list[Drift]:
        """The drifts, then what is nearest to being one; what no decision was made on comes last."""
        order = {"drift": 0, "none": 1, "no decision": 2}
        return sorted(self.drifts, key=lambda one: (order[one.state], one.p or 0.0, one.subject, one.column))

    def only(self, subject: str | None) -> "Drifts":
        """Those of one subject, where one is named."""
        if subject is None:
            return self
        known = {one.subject for one in self.drifts}
        if subject not in known:
            raise UsageError(
                f"no histograms of {subject} are kept; there are those of {', '.join(sorted(known))}"
            )
        return Drifts(
            tuple(one for one in self.drifts if one.subject == subject),
            tuple(one for one in self.jumps if one.subject == subject),
        )


def signals(cycle: Cycle) -> list[Signal]:
    """Keep the week's histograms, and tell what moved; not again for the same tables."""
    w, monitoring = cycle.w, cycle.w.settings.monitoring
    tables = histograms.counted(w, cycle.snapshot, cycle.week)
    inputs = {
        "tables": {one.table.name: one.version for one in tables},
        "stores": cycle.snapshot["stores"],
        "segments": cycle.snapshot["segments"],
        "settings": [branch_digest(monitoring), branch_digest(w.settings.segments)],
    }

    def decide() -> dict[str, Any]:
        histograms.keep(w, tables, week=cycle.week)
        found = asdict(_decided(cycle))
        return found | {"drifts": [one | {"week": str(one["week"])} for one in found["drifts"]]}

    found = Drifts.of(cycle.steps.once(STEP, inputs, decide).result)
    return moved(
        found.drifts,
        found.jumps,
        week=cycle.week,
        region_of=_region_of(w.settings.segments),
        common_share=monitoring.common_share,
    )


def newest(w: Workspace) -> Drifts:
    """What the newest cycle that looked for drifts decided; nothing where none did."""
    for cycle in reversed(w.ledger.cycles()):
        if found := of_week(w, cycle.cycle):
            return found
    return Drifts()


def of_week(w: Workspace, cycle: str) -> Drifts | None:
    """What a cycle decided; None where it looked for no drifts."""
    kept = Steps(cycle, w.ledger, w.bank).last(STEP)
    return None if kept is None else Drifts.of(kept)


def _decided(cycle: Cycle) -> Drifts:
    week, lake, jumped = cycle.week, cycle.w.lake, list[Jump]()
    by_ratios = {
        f"{name}.{column}" for name, spec in cycle.w.settings.covariates.items() for column in spec.log
    }

    def looked_at() -> Iterator[pl.DataFrame]:
        for kept in histograms.kept(lake):
            ratios = kept.filter(pl.col("column").is_in(sorted(by_ratios)))
            jumped.extend(jumps(ratios, week=week, least=LEVEL_JUMPS))
            yield kept

    monitoring = cycle.w.settings.monitoring
    drifts = drift(looked_at(), week=week, settings=monitoring, seed=seed(0, STEP, label(week)))
    return Drifts(tuple(drifts), tuple(sorted(jumped, key=lambda one: (one.subject, one.column))))


def _region_of(segments: SegmentSettings) -> Callable[[str], str]:
    """The partition that a segment is of; what is no segment stands for itself."""

    def found(subject: str) -> str:
        try:
            return (
                Segment.parse(subject, segments.keys)[segments.partition] if segments.partition else subject
            )
        except ValueError:
            return subject

    return found
