"""Incidents: what went wrong with what, since when, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, get_args

from fleetcast.domain.versions import digest_of

Kind = Literal[
    # a source
    "late",  # its newest week is not there by its deadline
    "absent",  # it has no files, or does not answer
    "corrupted",  # files or rows of it cannot be used
    "corrected",  # weeks that were known before were restated
    "schema",  # its columns are not those that were declared
    "volume",  # far fewer or more rows than it usually has
    # the data
    "drift",  # a feature moved
    "demand",  # demand moved
    "events",  # events moved, came or went
    "closing",  # stores or products ended, far more than usual
    # a model
    "degraded",  # its errors grew
    "failover",  # something else than its champion is published
    "untrained",  # it was to be trained and was not
    "stale",  # it was trained too long ago
    # the fleet
    "shock",  # many segments at once
    "hold",  # much of the fleet would fail over at once: what was published last stays until people decide
    "quorum",  # too few of its models pass
    "failed",  # a cycle did not come to its end
    "resumed",  # a cycle was broken off, and went on
    "two_schedulers",  # a second one wanted to run the same environment
    "overdue",  # a cycle ended after its deadline
    "shadow",  # a challenger was to be scored beside the champion, and was not
]
KINDS: tuple[Kind, ...] = get_args(Kind)
PASSING: frozenset[Kind] = frozenset(
    {"corrected", "events", "closing", "failed", "resumed", "two_schedulers", "overdue", "shadow"}
)  # over once told
OF_A_SOURCE: frozenset[Kind] = frozenset({"late", "absent", "corrupted", "corrected", "schema", "volume"})
State = Literal["open", "acknowledged", "closed"]
Severity = Literal["warning", "alarm"]

FLEET = "fleet"  # the subject of what is about no segment and no source


@dataclass(frozen=True, slots=True)
class Signal:
    """Trouble as one cycle sees it."""

    kind: Kind
    subject: str  # a segment, a source, a region, or the fleet
    week: date
    cause: str  # in the users' words
    severity: Severity = "warning"
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote to an incident."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Trouble over the weeks it lasts. `seen` is the last week it was noticed in; `closed` the week it was over."""

    kind: Kind
    subject: str
    opened: date
    seen: date
    cause: str
    severity: Severity = "warning"
    state: State = "open"
    closed: date | None = None
    closed_by: str | None = None  # nobody: it ended by itself
    owner: str | None = None
    notes: tuple[Note, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same trouble of the same week has the same name, however often the week is done."""
        return digest_of([self.kind, self.subject, self.opened.isoformat()])[:12]

    @property
    def standing(self) -> bool:
        return self.state != "closed"

    def as_of(self, week: date) -> "Incident | None":
        """How it stood after the cycle of a week; None where it was not open yet, or over.

        Its cause and evidence are the newest ones: earlier ones are not kept.
        """
        if self.opened > week:
            return None
        if self.closed is None or self.closed > week or (self.closed_by is not None and self.closed == week):
            state: State = "open" if self.state == "closed" else self.state
            return replace(self, seen=min(self.seen, week), state=state, closed=None, closed_by=None)
        return None

    @classmethod
    def of(cls, signal: Signal) -> "Incident":
        """As it is when it is first noticed."""
        return cls(
            signal.kind,
            signal.subject,
            signal.week,
            signal.week,
            signal.cause,
            signal.severity,
            evidence=dict(signal.evidence),
        )
