"""What was done in an environment: cycles, their steps, incidents, the audit chain, and the data that were there."""

from dataclasses import dataclass
from datetime import date, datetime

from fleetcast.domain.errors import NotFound
from fleetcast.fleet import arrived, audit, incidents, tables
from fleetcast.fleet.report import IncidentLine, TableVersion
from fleetcast.ledger.audit import AuditRecord
from fleetcast.ledger.steps import CycleRecord, StepRecord
from fleetcast.reading.grants import Regions, everything, sees
from fleetcast.reading.published import newest
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RunLine:
    """A cycle: the week it was of, how it stands; seconds by the clock."""

    cycle: str
    state: str
    attempt: int
    started: datetime
    ended: datetime | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step of a cycle, and the part of the fleet that it was done for."""

    step: str
    part: str
    state: str
    attempt: int
    started: datetime
    ended: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Quality:
    """What one source brought, all files together: rows = accepted + quarantined + duplicates; `until` is an ISO day."""

    source: str
    files: int
    refused: int
    rows: int
    accepted: int
    quarantined: int
    duplicates: int
    until: str | None


def runs(w: Workspace) -> list[RunLine]:
    """Every cycle, the newest first."""
    return [_run(one) for one in reversed(w.ledger.cycles())]


def steps(w: Workspace, regions: Regions, cycle: str) -> list[StepLine]:
    """The steps of a cycle, in order; of a part of the fleet, those of regions that were granted."""
    if cycle not in {one.cycle for one in w.ledger.cycles()}:
        raise NotFound(f"there is no run {cycle!r}")
    found = w.ledger.steps(cycle)
    return [_step(one) for one in found if _theirs(w, one.part, regions)]


def incident_lines(
    w: Workspace, regions: Regions, *, standing: bool, asof: date | None = None
) -> list[IncidentLine]:
    """Incidents, the newest first; of segments in regions that were granted, and of nothing else where not all were.

    As of a day, as they stood after its cycle.
    """
    every = incidents.every(w, standing=standing and asof is None)
    if asof is not None:
        cycle = newest(w, asof) or date.min
        stood = [(one.as_of(cycle), one) for one in every if one.opened <= cycle]
        every = [then or one for then, one in stood if then or not standing]
    found = incidents.lines(w, every)
    return [
        one for one in found if regions is None or (one.segment is not None and sees(w, one.segment, regions))
    ]


def incident(w: Workspace, regions: Regions, name: str) -> IncidentLine:
    """One incident by its id; NotFound where there is none, or none for this reader."""
    found = [one for one in incident_lines(w, regions, standing=False) if one.id == name]
    if not found:
        raise NotFound(f"there is no incident {name!r}")
    return found[0]


def records(w: Workspace, regions: Regions, *, action: str | None, limit: int) -> list[AuditRecord]:
    """The newest audit records, the newest first: of the whole fleet, so for those who have all of it."""
    everything(regions, "audit log")
    return audit.log(w, limit=limit, action=action)[::-1]


def data(w: Workspace) -> list[TableVersion]:
    """Every table of the lake as it stands: versions and sizes, and nothing of what is in it."""
    return tables.versions(w)


def quality(w: Workspace, regions: Regions) -> list[Quality]:
    """What each source brought when it was conditioned last: a source is of the whole fleet, so for those who have all of it."""
    everything(regions, "quality of data")
    return [Quality(**one.counts, until=one.until) for one in arrived.accounts(w)]


def _theirs(w: Workspace, part: str, regions: Regions) -> bool:
    """Whether a step is told: parts are partitions, which mostly are regions, or segments."""
    return regions is None or part in regions or sees(w, part, regions)


def _run(one: CycleRecord) -> RunLine:
    seconds = (one.ended - one.started).total_seconds() if one.ended else None
    return RunLine(one.cycle, one.state, one.attempt, one.started, one.ended, seconds)


def _step(one: StepRecord) -> StepLine:
    return StepLine(one.step, one.part, one.state, one.attempt, one.started, one.ended, one.error)
