"""Have features, demand or forecasts drifted? A verdict for each column of each segment."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from fleetcast.domain.seeds import seed as seed_of
from fleetcast.domain.week import WEEK, label
from fleetcast.monitoring.divergence import Counts, Divergence, divergence
from fleetcast.monitoring.multiplicity import discoveries
from fleetcast.settings import MonitoringSettings

YEAR = 52  # weeks
SEASON = 3  # weeks before and after the same weeks of another year that are the same season
YEARS = (2, 5)  # earlier ones, at least and at most, that make a season comparable
RECENT = 104  # weeks that are compared with else
FEWEST = 4  # blocks of weeks that tell what chance makes


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether a column of a segment has drifted, in words.

    `psi` is that of the newest weeks, `limit` what one in twenty healthy ones exceed, `p` the share of these that exceed
    `psi`. A drift is one that stands when all columns of all segments are counted.
    """

    segment: str
    column: str
    week: date
    state: Literal["none", "drift", "no decision"]
    reason: str
    psi: float | None = None
    limit: float | None = None
    p: float | None = None
    rows: int = 0


def drift(histograms: pl.DataFrame, *, week: date, settings: MonitoringSettings, seed: int) -> list[Drift]:
    """The verdict on each segment and column of `histograms`, for the newest `drift_weeks` up to this week.

    They are held against the same season of earlier years; where there are not two of them, against the weeks before.
    """
    compared = {
        (str(segment), str(column)): _compared(
            rows, week, settings.drift_weeks, seed_of(seed, segment, column)
        )
        for (segment, column), rows in histograms.group_by("segment", "column", maintain_order=True)
    }
    tested = {key: said.p for key, (said, _) in compared.items() if isinstance(said, Divergence)}
    believed = dict(zip(tested, discoveries(list(tested.values()), settings.false_discoveries), strict=True))
    return [
        _verdict(*key, week, said, rows, drifted=believed.get(key, False))
        for key, (said, rows) in compared.items()
    ]


def _compared(rows: pl.DataFrame, week: date, weeks: int, seed: int) -> tuple[Divergence | str, int]:
    """How far the newest weeks lie from the others, or why that cannot be said; and how many rows they have."""
    newest, past, years = _parts(rows.filter(pl.col("week") <= week), week, weeks)
    there = int(past.any(axis=1).sum())
    if not newest.any():
        return f"no rows in the {weeks} weeks to {label(week)}", 0
    if there < FEWEST * weeks:
        return f"{there} weeks to compare with, {FEWEST * weeks} are needed", int(newest.sum())
    return divergence(newest, past, years, seed=seed), int(newest.sum())


def _parts(rows: pl.DataFrame, week: date, weeks: int) -> tuple[Counts, Counts, Counts]:
    """Counts, weeks × bins, of the newest weeks and of those to compare with, and the year that each of the latter is of."""
    back = ((week - rows["week"]).dt.total_days() // WEEK.days).to_numpy()
    bins = rows["bin"].to_numpy()
    counts = np.zeros((back.max(initial=0) + 1, bins.max(initial=0) + 1), dtype=np.int64)
    counts[len(counts) - 1 - back, bins] = rows["rows"].to_numpy()
    same = [_season(len(counts), year, weeks) for year in range(YEARS[1], 0, -1)]
    there = [place for place in same if place.start >= 0]
    newest = counts[-weeks:]
    if len(there) < YEARS[0]:
        past = counts[:-weeks][-RECENT:]
        return newest, past, np.zeros(len(past), dtype=np.int64)
    past = np.concatenate([counts[place] for place in there])
    return newest, past, np.repeat(np.arange(len(there)), [place.stop - place.start for place in there])


def _season(length: int, year: int, weeks: int) -> slice:
    """Where the newest weeks stood so many years ago, and the weeks around them."""
    first = length - weeks - year * YEAR
    return slice(first - SEASON, first + weeks + SEASON)


def _verdict(
    segment: str, column: str, week: date, said: Divergence | str, rows: int, *, drifted: bool
) -> Drift:
    if isinstance(said, str):
        return Drift(segment, column, week, "no decision", said, rows=rows)
    state: Literal["none", "drift"] = "drift" if drifted else "none"
    meaning = {
        "drift": "more than chance makes, with all columns and segments counted",
        "none": "no more than chance makes somewhere in the fleet",
    }[state]
    reason = (
        f"PSI {said.psi:.2f} over {rows:,} rows to {label(week)}"
        f" (one in twenty healthy ones exceed {said.limit:.2f}): {meaning}"
    )
    return Drift(segment, column, week, state, reason, said.psi, said.limit, said.p, rows)
