"""What did not arrive as it always does: weeks that are missing, files that cannot be read, far fewer rows than usual."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from fleetcast.domain.incidents import Kind, Signal
from fleetcast.domain.week import WEEK

LOOKED_BACK = 8  # weeks that say whether a source has rows in every week
MOST = 7  # of them that it takes
GAP = 4  # weeks back in which one that never came is told
USUAL = 12  # weeks that say how many rows are usual
FAR = 0.35  # in logs, the least that is far from usual: 30 % fewer, 42 % more
DEVIATIONS = 6.0  # robust ones, that it takes beside
MAD = 1.4826  # standard deviations of a normal law in its median absolute deviation
QUARANTINED = 0.05  # share of a file's rows that is set aside, from which on something is wrong with it
NAMED = 4  # partitions that a cause names
FEWEST = 20  # rows of a file that a share says something of

# A file that is not laid out as it was declared; all other codes say that it is damaged.
LAYOUT = frozenset({"header", "duplicate_header", "sheet", "delimiter", "columns"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that came in since the last look: how many rows, how many of them quarantined, or why it was `refused` whole."""

    file: str
    rows: int
    quarantined: int
    refused: str

    @property
    def of_other_layout(self) -> bool:
        """Whether it was refused because its columns are not those that were declared; else it is damaged."""
        return self.refused in LAYOUT


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a source brought: files that came in since the last look, and the rows of its weeks, by partition.

    `due` is the newest week that is over and should be there by now. Of a source that `matures`, as returns do that belong
    to the week of their delivery, rows of a week come in for so many weeks after it, and none before it is over.
    """

    source: str
    files: Sequence[Arrival]
    weeks: Mapping[str, Mapping[str, int]]
    due: date
    matures: int = 0
    tables: Sequence[str] = ()  # that it fills

    @property
    def first(self) -> date:
        """The newest week of which there should be rows."""
        return self.due - WEEK if self.matures else self.due

    @property
    def whole(self) -> date:
        """The newest week of which there should be all rows."""
        return self.first - max(self.matures - 1, 0) * WEEK

    @property
    def weekly(self) -> dict[str, Mapping[str, int]]:
        """The partitions that have rows in every week, or nearly so; of others no week is missed."""
        back = [(self.first - weeks * WEEK).isoformat() for weeks in range(1, LOOKED_BACK + 1)]
        return {
            name: rows
            for name, rows in sorted(self.weeks.items())
            if sum(rows.get(week, 0) > 0 for week in back) >= MOST
        }


def arrivals(arrived: Arrived) -> list[Signal]:
    """The signals of one source: at most one of a kind."""
    found: dict[Kind, list[tuple[str, bool]]] = {}
    for kind, cause, grave in (*_files(arrived.files), *_weeks(arrived)):
        found.setdefault(kind, []).append((cause, grave))
    return [
        Signal(
            kind,
            arrived.source,
            arrived.due,
            "; ".join(dict.fromkeys(cause for cause, _ in told)),
            _severity(told),
        )
        for kind, told in found.items()
    ]


def _severity(told: Sequence[tuple[str, bool]]) -> Literal["warning", "alarm"]:
    return "alarm" if any(grave for _, grave in told) else "warning"


def _files(files: Sequence[Arrival]) -> Iterator[tuple[Kind, str, bool]]:
    for file in files:
        if file.refused:
            kind: Kind = "schema" if file.of_other_layout else "corrupted"
            yield kind, f"{file.file} could not be read: {file.refused}", True
        elif file.rows >= FEWEST and file.quarantined > QUARANTINED * file.rows:
            yield (
                "corrupted",
                f"{file.quarantined:,} of {file.rows:,} rows of {file.file} were set aside",
                False,
            )


def _weeks(arrived: Arrived) -> Iterator[tuple[Kind, str, bool]]:
    weekly = arrived.weekly
    if late := [name for name, rows in weekly.items() if not rows.get(arrived.first.isoformat())]:
        yield "late", f"nothing{_of(late, weekly)} of week {arrived.first} yet", True
    for name, rows in weekly.items():
        whole = rows.get(arrived.whole.isoformat(), 0)
        if whole and (far := _far(whole, usual(rows, before=arrived.whole))):
            told = f"{whole:,} rows{_of([name])} of week {arrived.whole}, usually about {far:,}"
            yield "volume", told, False
    for back in range(1, GAP + 1):
        gone = arrived.first - back * WEEK
        if never := [name for name, rows in weekly.items() if _never_came(rows, gone.isoformat())]:
            yield "absent", f"nothing{_of(never, weekly)} of week {gone} ever came", True


def _never_came(rows: Mapping[str, int], week: str) -> bool:
    return not rows.get(week) and any(later > week for later in rows)


def _of(names: Sequence[str], everything: Collection[str] = ()) -> str:
    """Partitions in words, of many the first ones; nothing where there is one for all, or these are all that there are.

    >>> _of(["all"]), _of(["east"], ["east"]), _of(["east", "west"], ["east", "west"])
    ('', ' of east', '')
    >>> _of(["a", "b", "c", "d", "e", "f"])
    ' of a, b, c, d and 2 more'
    """
    if list(names) == ["all"] or 1 < len(names) == len(everything):
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" of {', '.join(names[:NAMED])}{more}"


def usual(rows: Mapping[str, int], *, before: date) -> list[int]:
    """The rows of the weeks before one that say how many are usual, the newest first."""
    weeks = ((before - back * WEEK).isoformat() for back in range(1, USUAL + 1))
    return [rows[week] for week in weeks if rows.get(week)]


def _far(newest: int, usual: Sequence[int]) -> int:
    """The usual number of rows, if this one is far from it; else 0."""
    logs = np.log(usual)
    middle = float(np.median(logs))
    deviation = MAD * float(np.median(np.abs(logs - middle)))
    away = abs(float(np.log(newest)) - middle)
    return round(float(np.exp(middle))) if away > max(FAR, DEVIATIONS * deviation) else 0
