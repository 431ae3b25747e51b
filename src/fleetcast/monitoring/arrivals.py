"""What did not arrive as it always does: weeks that are missing, files that cannot be read, far fewer rows than usual."""

from collections.abc import Iterator, Mapping, Sequence
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


def arrivals(
    source: str,
    files: Sequence[Arrival],
    weeks: Mapping[str, Mapping[str, int]],
    *,
    due: date,
    matures: int = 0,
) -> list[Signal]:
    """The signals of one source: at most one of a kind.

    `weeks` are its rows by partition and week; `due` is the newest week that is over and should be there by now. Of a source
    that `matures`, as returns do that belong to the week of their delivery, rows of a week come in for so many weeks after it,
    and none before it is over.
    """
    found: dict[Kind, list[tuple[str, bool]]] = {}
    first = due - WEEK if matures else due
    for kind, cause, grave in (*_files(files), *_weeks(weeks, first, max(matures - 1, 0))):
        found.setdefault(kind, []).append((cause, grave))
    return [
        Signal(kind, source, due, "; ".join(dict.fromkeys(cause for cause, _ in told)), _severity(told))
        for kind, told in found.items()
    ]


def _severity(told: Sequence[tuple[str, bool]]) -> Literal["warning", "alarm"]:
    return "alarm" if any(grave for _, grave in told) else "warning"


def _files(files: Sequence[Arrival]) -> Iterator[tuple[Kind, str, bool]]:
    for file in files:
        if file.refused:
            kind: Kind = "schema" if file.refused in LAYOUT else "corrupted"
            yield kind, f"{file.file} could not be read: {file.refused}", True
        elif file.rows >= FEWEST and file.quarantined > QUARANTINED * file.rows:
            yield (
                "corrupted",
                f"{file.quarantined:,} of {file.rows:,} rows of {file.file} were set aside",
                False,
            )


def _weeks(
    weeks: Mapping[str, Mapping[str, int]], due: date, unripe: int
) -> Iterator[tuple[Kind, str, bool]]:
    """`unripe`: of how many weeks back, the newest one among them, more rows are still to come."""
    for partition, rows in sorted(weeks.items()):
        where = "" if partition == "all" else f" of {partition}"
        counts = [rows.get((due - back * WEEK).isoformat(), 0) for back in range(USUAL + 1)]
        if sum(count > 0 for count in counts[1 : LOOKED_BACK + 1]) < MOST:
            continue  # it has no rows in every week
        if not counts[0]:
            yield "late", f"nothing{where} of week {due} yet", True
        whole, usual = counts[unripe], [count for count in counts[unripe + 1 :] if count]
        if whole and (far := _far(whole, usual)):
            yield (
                "volume",
                f"{whole:,} rows{where} of week {due - unripe * WEEK}, usually about {far:,}",
                False,
            )
        for back in range(1, GAP + 1):
            gone = due - back * WEEK
            if not rows.get(gone.isoformat()) and any(week > gone.isoformat() for week in rows):
                yield "absent", f"nothing{where} of week {gone} ever came", True


def _far(newest: int, usual: Sequence[int]) -> int:
    """The usual number of rows, if this one is far from it; else 0."""
    logs = np.log(usual)
    middle = float(np.median(logs))
    deviation = MAD * float(np.median(np.abs(logs - middle)))
    away = abs(float(np.log(newest)) - middle)
    return round(float(np.exp(middle))) if away > max(FAR, DEVIATIONS * deviation) else 0
