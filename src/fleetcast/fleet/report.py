"""What a cycle did, as plain values: the one thing faces show and programs read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from fleetcast.domain.incidents import Kind, Note, Severity
from fleetcast.domain.incidents import State as IncidentState
from fleetcast.domain.notices import Standing, Topic
from fleetcast.promotion import Decision
from fleetcast.settings import Change

State = Literal["passed", "over_gate", "failed"]
Served = Literal["champion", "last_known_good", "baseline", "carried_forward", "blocked"]

SERVED: tuple[Served, ...] = ("champion", "last_known_good", "baseline", "carried_forward", "blocked")


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Conservation of one source: rows in = accepted + quarantined + identical duplicates."""

    source: str
    files: int
    rows: int
    accepted: int
    quarantined: int
    duplicates: int

    @property
    def closes(self) -> bool:
        return self.rows == self.accepted + self.quarantined + self.duplicates


@dataclass(frozen=True, slots=True)
class Intake:
    """What a source had to say: new files of it, nothing new, not asked yet, nothing ever, or why it could not be asked.

    `late_since` is the day by which its newest week should have been there, where that has passed.
    """

    source: str
    state: Literal["new", "unchanged", "not_due", "absent", "failed"]
    files: int = 0
    error: str = ""
    late_since: date | None = None


@dataclass(frozen=True, slots=True)
class SegmentVerdict:
    """The gate's answer for one segment; metrics are fractions, None where there is nothing to measure.

    `limit` and `bias_limit` are those in force, `reason` says in words why it did not pass ("" when it did), and
    `ran` is false when its task died before the gate could judge it.
    """

    segment: str
    passed: bool
    reason: str
    served_by: Served
    mape: float | None = None
    baseline_mape: float | None = None
    skill: float | None = None
    bias: float | None = None
    limit: float = 0.45
    bias_limit: float = 0.15
    ran: bool = True

    @property
    def state(self) -> State:
        if not self.ran:
            return "failed"
        return "passed" if self.passed else "over_gate"


@dataclass(frozen=True, slots=True)
class RegionLine:
    """One partition of the fleet ("all" where the settings name none): its ensembles and its series.

    `failover` counts the series by where their published rows come from; metrics pool the region's rounds.
    """

    region: str
    states: tuple[State, ...]  # of its ensembles, in segment order
    series: int
    published: int
    mape: float | None
    skill: float | None
    bias: float | None
    failover: Mapping[Served, int] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        return sum(state == "passed" for state in self.states)

    @property
    def failed(self) -> int:
        return len(self.states) - self.passed


@dataclass(frozen=True, slots=True)
class SeriesCounts:
    """The completeness ledger in four numbers: active = published + coded + missing, and missing must be 0."""

    active: int
    published: int
    coded: int
    missing: int

    @property
    def closes(self) -> bool:
        return self.missing == 0 and self.active == self.published + self.coded


@dataclass(frozen=True, slots=True)
class LongTermLines:
    """What a cycle did beyond the weeks that orders are made for: the same questions, answered for its long-term models."""

    weeks: tuple[date, ...]  # forecast
    verdicts: tuple[SegmentVerdict, ...]
    series: SeriesCounts
    failover: Mapping[Served, int]

    @property
    def passed(self) -> int:
        return sum(verdict.passed for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a release would publish, beside what the live one would of the same week: volumes in units, by segment.

    `unserved` says of segments whose own model the release names and could not be used, why, in codes.
    """

    volumes: Mapping[str, tuple[float, float | None]]  # its own, and the live release's
    unserved: Mapping[str, str]
    failed: Mapping[str, str]  # partitions that could not be scored

    @property
    def passed(self) -> bool:
        return not (self.unserved or self.failed)

    @property
    def change(self) -> float | None:
        """Of the volume of segments that both serve, relative to the live release's."""
        both = [(ours, theirs) for ours, theirs in self.volumes.values() if theirs is not None]
        theirs = sum(volume for _, volume in both)
        return sum(volume for volume, _ in both) / theirs - 1 if theirs else None

    @property
    def text(self) -> str:
        change = "" if self.change is None else f", {self.change:+.1%} against the live release"
        ill = f"; {len(self.unserved)} segments not served by their own model" if self.unserved else ""
        lost = f"; {len(self.failed)} partitions could not be scored" if self.failed else ""
        return f"{sum(ours for ours, _ in self.volumes.values()):,.0f} units{change}{ill}{lost}"


@dataclass(frozen=True, slots=True)
class Held:
    """A cycle's forecasts are held: what was published last stays until people decide. Since when, and why."""

    cycle: date
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class FailedOver:
    """A segment whose champion does not serve, or not yet again: since which cycle, why, and what most of its rows are from.

    `good` is in how many cycles in a row its champion was good since; it serves again after `good_cycles` of the settings.
    """

    segment: str
    model: str
    state: Literal["failed", "on_probation"]
    since: date
    reason: str
    good: int
    served_by: Served


@dataclass(frozen=True, slots=True)
class CycleReport:
    """One environment's work for one week."""

    environment: str
    cycle: date  # the cutoff: the last week any of it has seen
    weeks: tuple[date, ...]  # forecast
    release: str | None
    promoted: bool
    quorum: bool  # enough segments passed or kept a verified model
    resumed: bool
    seconds: float
    regions: tuple[RegionLine, ...]
    verdicts: tuple[SegmentVerdict, ...]
    baselines: int
    sources: tuple[SourceLine, ...]
    series: SeriesCounts
    failover: Mapping[Served, int]  # series
    metrics: Mapping[str, float | None]  # mape, rmse0, rmse_all, wape, bias, skill of the whole fleet
    files: Mapping[str, Path]  # what → where
    stale: bool = False
    without_pool: int = 0  # series whose champion forecast without its pool, which is lost
    long_term: LongTermLines | None = None
    unclustered: int = 0  # stores that have no cluster, where segments are keyed by it
    rehearsed: Rehearsal | None = None  # where a release was validated and not published
    awaiting: str = ""  # why the release waits for people to approve it
    held: Held | None = None  # whether what was published last stays until people decide
    failed_over: tuple[FailedOver, ...] = ()
    unchanged: bool = False  # the week had been done with exactly these inputs
    intake: tuple[Intake, ...] = ()  # of sources that are pulled, and of those that are late

    @property
    def passed(self) -> int:
        return sum(verdict.passed for verdict in self.verdicts)

    @property
    def failed(self) -> int:
        return len(self.verdicts) - self.passed


Trigger = Literal["data", "timer", "stale", "alarm", "manual"]


@dataclass(frozen=True, slots=True)
class Fired:
    """What came of a trigger: the report of the cycle that it started, or why it started none."""

    kind: Trigger
    reason: str
    report: CycleReport | None = None


# ------------------------------------------------------------------ answers to questions about what is there


@dataclass(frozen=True, slots=True)
class Approved:
    """A person's approval was kept, and what the policy says of the release now."""

    environment: str
    release: str
    person: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Lifted:
    """People lifted the hold of a cycle: what it was held for."""

    environment: str
    cycle: date
    held: str


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """One release of an environment; `live` marks the one its pointer names."""

    release: str
    kind: Literal["full", "partial", "rollback"]
    cutoff: date
    models: int  # segments served by an ensemble
    baselines: int  # segments served by their baseline
    parent: str | None
    live: bool


@dataclass(frozen=True, slots=True)
class Member:
    """What a release serves for one segment; `model` is the name of a model version."""

    segment: str
    model: str
    serving: Literal["ensemble", "baseline"]
    reason: str
    mape: float | None = None
    pool: str | None = None  # the model version that lends it members
    donor: str | None = None  # the model version it started from, being young


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release with its members, segment by segment."""

    line: ReleaseLine
    members: tuple[Member, ...]
    lineage: Mapping[str, str]  # code, lock, snapshot, feature spec, settings: digests
    disagreements: Mapping[str, str] = field(default_factory=dict)  # members made otherwise than it says


@dataclass(frozen=True, slots=True)
class ReleaseChange:
    """A segment that two releases serve differently; None where one of them does not know it."""

    segment: str
    before: Member | None
    after: Member | None


@dataclass(frozen=True, slots=True)
class PackageChange:
    """An installed package of another version; None where one of the releases was made without it."""

    package: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What a release would change, held against another, by default the live one.

    `errors` are the MAPE of both over the rows both forecast out of sample, `volumes` the units of both for the week of a
    rehearsal, by segment; CPU seconds are those of training in their cycles. `decision` is None where it is live already.
    """

    before: str | None
    after: str
    kind: Literal["full", "partial", "rollback"]
    cutoff: date
    changes: tuple[Change, ...]
    segments: tuple[ReleaseChange, ...]
    of: int
    errors: Mapping[str, tuple[float | None, float | None]]
    volumes: Mapping[str, tuple[float, float | None]]
    volume: float | None
    packages: tuple[PackageChange, ...]
    cpu_seconds: float
    cpu_seconds_before: float | None
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A table of the lake as it stands: its content version, and the rows and weeks it holds."""

    table: str
    version: str
    rows: int
    first: str  # week, "" where the table has none
    last: str


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column's numbers in weeks known before: their sums then and now, and the stability index of their distribution."""

    column: str
    before: float
    after: float
    shift: float  # under 0.1 little moved, over 0.25 much


@dataclass(frozen=True, slots=True)
class TableChange:
    """How two content versions of a table differ, week by week touched.

    `rewritten` are known weeks that now hold other rows, `shrunk` those that hold fewer; `columns` says what their numbers
    did. `segments` counts those with series in the partitions touched.
    """

    table: str
    kind: Literal["none", "append", "correction", "deletion", "schema"]
    weeks: tuple[str, ...]
    rows_before: int
    rows_after: int
    rewritten: tuple[str, ...] = ()
    shrunk: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    segments: int = 0
    columns: tuple[ColumnChange, ...] = ()

    @property
    def moved(self) -> float | None:
        """The relative change of the first column's sum in weeks known before; None where there is none to compare."""
        first = next(iter(self.columns), None)
        return first.after / first.before - 1 if first is not None and first.before else None

    @property
    def sentence(self) -> str:
        dated = [week for week in self.weeks if week]
        span = f", weeks {dated[0]} to {dated[-1]}" if dated else ""
        moved = "" if self.moved is None else f", known weeks {self.moved:+.1%}"
        return f"{self.kind}, {self.rows_after - self.rows_before:+,} rows{span}{moved}"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A lock of data as it would be written now, and what it changes against the one that is there."""

    snapshot: str
    week: date
    text: str
    changes: tuple[TableChange, ...]
    blocking: tuple[str, ...]
    same: bool
    sentence: str
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the doctor looked at; `instead` says what to do when it is not well."""

    name: str
    well: bool
    detail: str
    instead: str = ""


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident and what it is about: a segment, a source, or neither. `week` is the one it was opened in."""

    id: str
    kind: Kind
    segment: str | None
    source: str | None
    subject: str
    week: date
    seen: date
    closed: date | None
    state: IncidentState
    severity: Severity
    cause: str
    owner: str | None
    evidence: Mapping[str, Any]
    closed_by: str | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """What a channel was told, or is to be told: `state` says how it stands, `due` when it is tried again."""

    id: str
    at: datetime
    channel: str
    topic: Topic
    title: str
    state: Standing
    sent: datetime | None
    tries: int
    due: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Move:
    """The pointer of an environment was moved from one release to another."""

    environment: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A model was refused for good; `served` says what serves its segments now, `move` is None where it was not live."""

    environment: str
    model: str
    served: Mapping[str, str]
    move: Move | None
