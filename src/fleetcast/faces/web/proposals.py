"""A table of what a release changes: the models of its segments before and after, with their errors on the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleetcast.faces.web import numbers
from fleetcast.faces.web.table import Column
from fleetcast.faces.web.words import called
from fleetcast.fleet.report import Member, ReleaseChange, ReleasePlan


@dataclass(frozen=True, slots=True)
class Change:
    """A segment that another model serves. MAPE are fractions, over the rows that both forecast out of sample."""

    segment: str
    before: str | None
    after: str | None
    serving: str
    mape_before: float | None
    mape_after: float | None
    why: str

    @property
    def difference(self) -> float | None:
        """MAPE after minus before: negative is better."""
        known = self.mape_before is not None and self.mape_after is not None
        return self.mape_after - self.mape_before if known else None  # type: ignore[operator]


def changes(plan: ReleasePlan) -> list[Change]:
    """What a plan would change, the largest loss of accuracy first."""
    rows = [_change(one, plan.errors.get(one.segment, (None, None))) for one in plan.segments]
    return sorted(rows, key=lambda row: (-(row.difference or 0.0), row.segment))


def moved(found: Sequence[ReleaseChange]) -> list[Change]:
    """Changes whose errors were not measured side by side: each has its gate's."""
    return [_change(one, (_mape(one.before), _mape(one.after))) for one in found]


def _change(one: ReleaseChange, errors: tuple[float | None, float | None]) -> Change:
    return Change(
        one.segment,
        _short(one.before),
        _short(one.after),
        one.after.serving if one.after else "",
        *errors,
        one.after.reason if one.after else "",
    )


def _short(member: Member | None) -> str | None:
    return member.model.rpartition("/")[2] if member else None


def _mape(member: Member | None) -> float | None:
    return member.mape if member else None


COLUMNS: Sequence[Column[Change]] = (
    Column("segment", lambda row: row.segment),
    Column("before", lambda row: row.before),
    Column("after", lambda row: row.after),
    Column(
        "serving",
        lambda row: row.serving or None,
        lambda row: called(row.serving, "serving") if row.serving else numbers.MISSING,
    ),
    Column(
        "mape_before", lambda row: row.mape_before, lambda row: numbers.percent(row.mape_before), number=True
    ),
    Column(
        "mape_after", lambda row: row.mape_after, lambda row: numbers.percent(row.mape_after), number=True
    ),
    Column(
        "difference",
        lambda row: row.difference,
        lambda row: numbers.points(row.difference),
        number=True,
        css=lambda row: "past" if (row.difference or 0) > 0 else "",
    ),
    Column("why", lambda row: row.why or None, css=lambda _: "wrap"),
)
