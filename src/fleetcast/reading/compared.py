"""Model versions held against each other: as their gates measured them, on the rows they share, on one series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from fleetcast import metrics
from fleetcast.domain.tables import DEMAND, FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.reading.grants import Regions
from fleetcast.reading.track import partition_of, rounds
from fleetcast.reading.versions import Record, Version, record
from fleetcast.workspace import Workspace

ROWS = ["origin", "week", "store", "product"]
CHOICE = 50  # series that a reader may choose of
PAST = 26  # weeks of a series that are drawn


@dataclass(frozen=True, slots=True)
class Measured:
    """Metrics of one contender over the rows that all of them forecast; fractions, and errors in units."""

    mape: float | None
    wape: float | None
    rmse0: float | None
    rmse_all: float | None
    bias: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Contenders in the order asked for. `average` is the historical average, on the same `rows` as `alike` (by name).

    `streams` groups names whose rounds are one and the same: versions of one recipe differ by their newest fit only.
    """

    versions: tuple[Version, ...]
    rows: int
    first: date | None
    last: date | None
    average: Measured | None
    alike: Mapping[str, Measured]
    streams: tuple[tuple[str, ...], ...]
    series: tuple[tuple[str, str], ...]  # with the most units first
    others: tuple[Version, ...]  # of the same segments


@dataclass(frozen=True, slots=True)
class Overlay:
    """One series: what was sold, and what each contender said of its weeks, at the nearest horizon or as published."""

    store: str
    product: str
    sold: tuple[tuple[date, float], ...]
    said: Mapping[str, tuple[tuple[date, float], ...]]


def compared(
    w: Workspace, regions: Regions, names: Sequence[tuple[str, str]], asof: date | None = None
) -> Comparison:
    """Versions by segment and number, as many as one likes; NotFound where one is not there to be seen.

    As of a day: with the weeks that were known by then.
    """
    found = [record(w, regions, segment, short, asof=asof) for segment, short in dict.fromkeys(names)]
    by_then = pl.col("week") <= (asof or date.max)
    rows = {one.version.name: _rounds(w, one).filter(by_then) for one in found}
    shared = _shared(list(rows.values()))
    versions = tuple(one.version for one in found)
    others = {version.name: version for one in found for version in one.versions}
    return Comparison(
        versions,
        rows=shared.height,
        first=shared["week"].min() if shared.height else None,  # type: ignore[arg-type]
        last=shared["week"].max() if shared.height else None,  # type: ignore[arg-type]
        average=_average(next(iter(rows.values())), shared) if shared.height else None,
        alike={
            name: _measured(of.join(shared, on=ROWS, how="semi"))
            for name, of in rows.items()
            if shared.height
        },
        streams=_streams(found),
        series=_largest(w, versions, asof or date.max),
        others=tuple(one for name, one in others.items() if name not in rows),
    )


def overlay(
    w: Workspace, versions: Sequence[Version], store: str, product: str, asof: date | None = None
) -> Overlay:
    """What versions of one segment said of a series; nothing of those that never forecast it. As of a day: by then."""
    partition, last = partition_of(w, versions[0].segment), asof or date.max
    mine = (pl.col("store") == store) & (pl.col("product") == product)
    known = mine & pl.col("units").is_not_null() & (pl.col("week") <= last)
    sold = w.lake.read(DEMAND, partition=partition, where=known).sort("week")
    since = sold["week"][-1] - PAST * WEEK if sold.height else date.min
    names = [one.name for one in versions]
    theirs = mine & pl.col("model").is_in(names) & (pl.col("cycle") <= last)
    published = w.lake.read(FORECASTS, partition=partition, where=theirs)
    said = {}
    for one in versions:
        made = _rounds(w, record(w, None, one.segment, one.short)).filter(mine)
        said[one.name] = _line(made, published.filter(pl.col("model") == one.name), since)
    return Overlay(
        store,
        product,
        tuple(sold.filter(pl.col("week") > since).select("week", "units").iter_rows()),
        {name: line for name, line in said.items() if line},
    )


def _line(made: pl.DataFrame, published: pl.DataFrame, since: date) -> tuple[tuple[date, float], ...]:
    """Rounds at the nearest horizon, and from there on the weeks that it published, nearest horizon too."""
    columns = ["week", "horizon", "median"]
    rows = pl.concat([made.select(columns), published.select(columns)], how="vertical_relaxed")
    nearest = rows.sort("week", "horizon").unique("week", keep="first", maintain_order=True)
    return tuple(nearest.filter(pl.col("week") > since).select("week", "median").iter_rows())


def _rounds(w: Workspace, found: Record) -> pl.DataFrame:
    """The rounds that its gate could see."""
    return rounds(w, found.version.segment, found.made_from.get("recipe", ""), until=found.version.cutoff)


def _shared(rows: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows that all have."""
    shared = rows[0].select(ROWS)
    for other in rows[1:]:
        shared = shared.join(other.select(ROWS), on=ROWS, how="semi")
    return shared


def _average(rows: pl.DataFrame, shared: pl.DataFrame) -> Measured:
    mean = pl.col("baseline_mean")
    known = rows.join(shared, on=ROWS, how="semi").filter(mean.is_not_null() & mean.is_not_nan())
    return _measured(known.with_columns(mape=mean, median=mean, mean=mean))


def _measured(rows: pl.DataFrame) -> Measured:
    found: dict[str, Any] = metrics.measure(rows, baseline=None).row(0, named=True)
    return Measured(**{name: found[name] for name in Measured.__dataclass_fields__})


def _streams(found: Sequence[Record]) -> tuple[tuple[str, ...], ...]:
    by_recipe: dict[tuple[str, str], list[str]] = {}
    for one in found:
        key = one.version.segment, one.made_from.get("recipe", "")
        by_recipe.setdefault(key, []).append(one.version.name)
    return tuple(tuple(names) for names in by_recipe.values() if len(names) > 1)


def _largest(w: Workspace, versions: Sequence[Version], last: date) -> tuple[tuple[str, str], ...]:
    """Series of the segment that all versions are of, by the units that they were published with."""
    segments = {one.segment for one in versions}
    if len(segments) != 1:
        return ()
    segment = next(iter(segments))
    mine = (pl.col("segment") == segment) & (pl.col("cycle") <= last)
    rows = w.lake.read(FORECASTS, partition=partition_of(w, segment), where=mine)
    sized = rows.group_by("store", "product").agg(pl.col("median").mean())
    ordered = sized.sort(["median", "store", "product"], descending=[True, False, False]).head(CHOICE)
    return tuple(ordered.select("store", "product").iter_rows())
