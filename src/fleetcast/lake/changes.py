"""What a new version of a table changed: nothing, new weeks, old weeks, weeks lost, or its columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fleetcast.domain.versions import Leaf

Kind = Literal["none", "append", "correction", "deletion", "schema"]
Place = tuple[str, str]  # partition, week


@dataclass(frozen=True, slots=True)
class Change:
    """How one version differs from an earlier one; places are (partition, week), sorted.

    `append`: only weeks after the last known one of their partition, or whole new partitions. `correction`: an old week
    has other rows, or a week was filled in before the last (`backfilled`). `deletion`: a week is gone or has fewer rows.
    """

    kind: Kind
    appended: tuple[Place, ...]
    backfilled: tuple[Place, ...]
    corrected: tuple[Place, ...]
    shrunk: tuple[Place, ...]  # gone, or fewer rows than before
    rows_before: int
    rows_after: int

    @property
    def weeks(self) -> tuple[str, ...]:
        """Every week touched."""
        places = (*self.appended, *self.backfilled, *self.corrected, *self.shrunk)
        return tuple(sorted({week for _, week in places}))

    @property
    def partitions(self) -> tuple[str, ...]:
        """Every partition touched."""
        places = (*self.appended, *self.backfilled, *self.corrected, *self.shrunk)
        return tuple(sorted({partition for partition, _ in places}))


def classify(old: Iterable[Leaf], new: Iterable[Leaf], *, schema_changed: bool = False) -> Change:
    """Compare two versions of a table by their leaves; the gravest difference names the kind."""
    before = {(leaf.partition, leaf.week): leaf for leaf in old}
    after = {(leaf.partition, leaf.week): leaf for leaf in new}
    last = _last_weeks(before.values())

    fresh = sorted(after.keys() - before.keys())
    appended = tuple(place for place in fresh if place[1] > last.get(place[0], "") or place[0] not in last)
    backfilled = tuple(place for place in fresh if place not in set(appended))
    other = sorted(place for place in before if after.get(place) != before[place])
    shrunk = tuple(p for p in other if p not in after or after[p].rows < before[p].rows)
    corrected = tuple(place for place in other if place not in set(shrunk))
    return Change(
        kind=_kind(schema_changed, shrunk, corrected + backfilled, appended),
        appended=appended,
        backfilled=backfilled,
        corrected=corrected,
        shrunk=shrunk,
        rows_before=sum(leaf.rows for leaf in before.values()),
        rows_after=sum(leaf.rows for leaf in after.values()),
    )


def _kind(
    schema_changed: bool, shrunk: tuple[Place, ...], corrected: tuple[Place, ...], appended: tuple[Place, ...]
) -> Kind:
    if schema_changed:
        return "schema"
    if shrunk:
        return "deletion"
    if corrected:
        return "correction"
    return "append" if appended else "none"


def _last_weeks(leaves: Iterable[Leaf]) -> dict[str, str]:
    last: dict[str, str] = {}
    for leaf in leaves:
        last[leaf.partition] = max(last.get(leaf.partition, ""), leaf.week)
    return last
