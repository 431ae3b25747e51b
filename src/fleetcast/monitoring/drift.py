"""Have features, demand or forecasts drifted? A verdict for each column of each segment or region."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Self

import numpy as np
import polars as pl

from fleetcast.domain.seeds import seed as seed_of
from fleetcast.domain.week import WEEK, label
from fleetcast.monitoring.divergence import Counts, Divergence, divergence
from fleetcast.monitoring.histograms import Bins
from fleetcast.monitoring.multiplicity import discoveries
from fleetcast.settings import MonitoringSettings

YEAR = 52  # weeks
SEASON = 3  # weeks before and after the same weeks of another year that are the same season
YEARS = (3, 5)  # earlier ones, at least and at most, that make a season comparable
RECENT = 104  # weeks that are compared with else
FEWEST = 4  # blocks of weeks that tell what chance makes


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of two histograms: from where it reaches, or of which text it is, and the rows in it."""

    low: float | None
    text: str | None
    reference: int
    newest: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether a column of a subject, a segment or a region, has drifted, in words.

    `psi` is that of the newest weeks, `limit` what one in twenty healthy ones exceed, `p` the share of these that exceed
    `psi`. A drift is one that stands when all columns of all subjects are counted. `bins` are what was compared.
    """

    subject: str
    column: str
    week: date
    state: Literal["none", "drift", "no decision"]
    reason: str
    psi: float | None = None
    limit: float | None = None
    p: float | None = None
    rows: int = 0
    bins: tuple[Bin, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """As it was kept, JSON by now."""
        bins = tuple(Bin(**one) for one in body["bins"])
        return cls(**{**body, "week": date.fromisoformat(body["week"]), "bins": bins})


def drift(
    histograms: Iterable[pl.DataFrame], *, week: date, settings: MonitoringSettings, seed: int
) -> list[Drift]:
    """The verdict on each subject and column of HISTOGRAMS rows, for the newest `drift_weeks` up to this week.

    They are held against the same season of earlier years; where there are not three of them, against the last two years. Of
    each subject all rows are in one frame; frames are asked for one after the other, and none is kept.
    """
    compared = {
        (str(subject), str(column)): _compared(
            rows, week, settings.drift_weeks, seed_of(seed, subject, column)
        )
        for some in histograms
        for (subject, column), rows in some.filter(pl.col("week") <= week).group_by(
            "subject", "column", maintain_order=True
        )
    }
    tested = {key: said.p for key, (said, _) in compared.items() if isinstance(said, Divergence)}
    believed = dict(zip(tested, discoveries(list(tested.values()), settings.false_discoveries), strict=True))
    return [
        _verdict(*key, week, said, bins, drifted=believed.get(key, False))
        for key, (said, bins) in compared.items()
    ]


def _compared(
    rows: pl.DataFrame, week: date, weeks: int, seed: int
) -> tuple[Divergence | str, tuple[Bin, ...]]:
    """How far the newest weeks lie from the others, or why that cannot be said; and both, added up."""
    newest, past, years = _parts(rows, week, weeks)
    bars = Bins.kept(rows).table.select("low", "text").iter_rows()
    sums = zip(bars, past.sum(axis=0).tolist(), newest.sum(axis=0).tolist(), strict=False)
    bins = tuple(Bin(low, text, reference, of_newest) for (low, text), reference, of_newest in sums)
    there = int(past.any(axis=1).sum())
    if not newest.any():
        return f"no rows in the {weeks} weeks to {label(week)}", bins
    if there < FEWEST * weeks:
        return f"{there} weeks to compare with, {FEWEST * weeks} are needed", bins
    return divergence(newest, past, years, seed=seed), bins


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
    subject: str, column: str, week: date, said: Divergence | str, bins: tuple[Bin, ...], *, drifted: bool
) -> Drift:
    rows = sum(one.newest for one in bins)
    if isinstance(said, str):
        return Drift(subject, column, week, "no decision", said, rows=rows, bins=bins)
    state: Literal["none", "drift"] = "drift" if drifted else "none"
    meaning = {
        "drift": "more than chance makes, with all columns of the fleet counted",
        "none": "no more than chance makes somewhere in the fleet",
    }[state]
    reason = (
        f"PSI {said.psi:.2f} over {rows:,} rows to {label(week)}"
        f" (one in twenty healthy ones exceed {said.limit:.2f}): {meaning}"
    )
    return Drift(subject, column, week, state, reason, said.psi, said.limit, said.p, rows, bins)
