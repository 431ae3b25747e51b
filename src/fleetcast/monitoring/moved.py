"""What it means that columns moved, by a jump or a drift: trouble of a segment, a region, or the fleet, told once each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from fleetcast.domain.incidents import FLEET, Kind, Signal
from fleetcast.gate import percent
from fleetcast.monitoring.drift import Drift
from fleetcast.monitoring.levels import Jump

TARGET = "demand.units"


@dataclass(frozen=True, slots=True)
class _Move:
    """A column of a subject that moved, in words; `gravity` tells which of several to show."""

    subject: str
    column: str
    words: str
    gravity: float


def moved(
    drifts: Sequence[Drift],
    jumps: Iterable[Jump],
    *,
    week: date,
    region_of: Callable[[str], str],
    common_share: float,
) -> list[Signal]:
    """The signals behind the drifts and jumps of a week, one of each kind and place.

    A column that moved in more than this share of its subjects, and in several regions, moved in the fleet; one that moved
    in several segments of a region, in the region. What moved in the same place is told together.
    """
    moves = [*_drifted(drifts), *_jumped(jumps, week)]
    told: dict[tuple[Kind, str], list[_Move]] = {}
    for column in sorted({one.column for one in moves}):
        mine = [one for one in moves if one.column == column]
        decided = {one.subject for one in drifts if one.column == column and one.state != "no decision"}
        everyone = len(decided | {one.subject for one in mine})
        kind: Kind = "demand" if column == TARGET else "drift"
        for place, there in _places(mine, everyone, region_of, common_share):
            told.setdefault((kind, place), []).extend(there)
    return [_signal(kind, place, week, there) for (kind, place), there in told.items()]


def _drifted(drifts: Iterable[Drift]) -> Iterator[_Move]:
    for one in drifts:
        if one.state == "drift" and one.psi is not None and one.limit is not None:
            yield _Move(one.subject, one.column, f"has drifted: {one.reason}", one.psi / one.limit)


def _jumped(jumps: Iterable[Jump], week: date) -> Iterator[_Move]:
    for one in jumps:
        side = "above" if one.by > 0 else "below"
        words = f"is {percent(round(abs(one.by), 3))} {side} its usual level in week {week}"
        yield _Move(one.subject, one.column, words, float("inf"))  # of both, what is said in its own unit


def _places(
    moves: Sequence[_Move], everyone: int, region_of: Callable[[str], str], common_share: float
) -> Iterator[tuple[str, list[_Move]]]:
    subjects = {one.subject for one in moves}
    regions = sorted({region_of(subject) for subject in subjects})
    if len(regions) > 1 and len(subjects) > common_share * everyone:
        yield FLEET, list(moves)
        return
    for region in regions:
        there = [one for one in moves if region_of(one.subject) == region]
        several = len({one.subject for one in there}) > 1
        yield region if several else there[0].subject, there


def _signal(kind: Kind, place: str, week: date, moves: Sequence[_Move]) -> Signal:
    columns: dict[str, list[_Move]] = {}
    for one in moves:
        columns.setdefault(one.column, []).append(one)
    causes = []
    for column, there in columns.items():
        subjects = sorted({one.subject for one in there})
        of = f" of {len(subjects)} of them" if len(subjects) > 1 else ""
        causes.append(f"{column}{of} {max(there, key=lambda one: one.gravity).words}")
    evidence = {column: sorted({one.subject for one in there}) for column, there in columns.items()}
    return Signal(kind, place, week, "; ".join(causes), evidence=evidence)
