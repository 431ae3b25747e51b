"""The replay: contenders forecast from one origin after the other, and are held against what was sold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import polars as pl

from fleetcast.backtesting.contenders import Contender
from fleetcast.backtesting.origin import Donor, Origin
from fleetcast.domain.history import History
from fleetcast.domain.tables import Table
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design
from fleetcast.features.view import design_at
from fleetcast.models import conformal
from fleetcast.rounds.subject import SERIES_WEEK
from fleetcast.settings import Settings


@dataclass(frozen=True)
class View:
    """What one or more contenders see of the past: a history at each cutoff, and the settings they read it with.

    Contenders that share a view share its features, which are most of the work. Where there are donors, it sees their
    partitions too.
    """

    settings: Settings
    history: Callable[[date], History]
    donors: Mapping[str, Donor] = field(default_factory=dict)
    elsewhere: Callable[[str], History] | None = None  # partition → what is known of it

    def at(self, cutoff: date, tables: Mapping[str, Table]) -> Origin:
        """What they see at a cutoff; another partition is looked at when first asked for."""

        def design(history: History) -> Design:
            return design_at(history, cutoff, tables, settings=self.settings)

        there = self.elsewhere
        beside = cache(lambda partition: design(there(partition))) if there is not None else None
        return Origin(design(self.history(cutoff)), self.settings, self.donors, beside)


@dataclass(frozen=True)
class Entry:
    """A contender under the name it is shown by."""

    name: str
    contender: Contender
    view: View


def replay(
    entries: Sequence[Entry], origins: Sequence[date], tables: Mapping[str, Table]
) -> Iterator[pl.DataFrame]:
    """One frame per origin, in order: contender and origin with the rows of `Origin.forecasts`."""
    memories: dict[str, Any] = {}
    for cutoff in sorted(origins):
        seen: dict[int, Origin] = {}
        frames = []
        for entry in entries:
            view = entry.view
            if id(view) not in seen:
                seen[id(view)] = view.at(cutoff, tables)
            rows, memories[entry.name] = entry.contender.forecast(seen[id(view)], memories.get(entry.name))
            frames.append(
                rows.select(pl.lit(entry.name).alias("contender"), pl.lit(cutoff).alias("origin"), pl.all())
            )
        yield pl.concat(frames)


def judged(rounds: pl.DataFrame, sold: pl.DataFrame) -> pl.DataFrame:
    """The rounds with `units`, of the weeks whose demand is known: `sold` has store, product, week, units."""
    return rounds.join(
        sold.select(*SERIES_WEEK, "units"), on=SERIES_WEEK, how="inner", maintain_order="left"
    ).filter(pl.col("units").is_not_null())


def with_quantiles(rounds: pl.DataFrame, *, open_weeks: int) -> pl.DataFrame:
    """Add the quantile columns each contender would have promised: from its own windows whose weeks were final by then.

    `rounds` are judged ones; the windows before the first known one have none, and are left out.
    """
    frames = []
    for mine in rounds.partition_by("contender", "origin", "segment", maintain_order=True):
        known = _earlier(rounds, mine, mine["origin"][0] - open_weeks * WEEK)
        if known.height:
            frames.append(conformal.calibrate(known).apply(mine))
    return pl.concat(frames) if frames else rounds.clear()


def _earlier(rounds: pl.DataFrame, mine: pl.DataFrame, final: date) -> pl.DataFrame:
    same = [pl.col(name) == mine[name][0] for name in ("contender", "segment")]
    before = rounds.filter(*same, pl.col("week") <= final, pl.col("origin") < mine["origin"][0])
    return conformal.newest(before)
