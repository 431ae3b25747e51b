"""How good forecasts have been: of the fleet and of each region, against the historical average."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from fleetcast import metrics
from fleetcast.domain.tables import DEMAND, ROUNDS, SCORES
from fleetcast.domain.week import WEEK
from fleetcast.fleet import reporting
from fleetcast.reading.kept import Kept
from fleetcast.workspace import Workspace

WEEKS = 13


@dataclass(frozen=True, slots=True)
class Figures:
    """Metrics of a region, or of all that a reader may see: fractions, None where there is nothing to measure."""

    region: str
    mape: float | None
    baseline_mape: float | None
    skill: float | None
    wape: float | None
    bias: float | None
    n: int
    weekly: tuple[float, ...]  # MAPE, the oldest week first


@dataclass(frozen=True, slots=True)
class Summary:
    """`basis`: forecasts as they were published, or before any of their weeks is known, the rounds of the live models."""

    basis: Literal["published", "rounds"]
    first: date | None
    last: date | None
    whole: Figures | None
    regions: tuple[Figures, ...]  # the best against its baseline first


def summary(w: Workspace, regions: frozenset[str] | None) -> Summary:
    """Figures pooled over the regions that a reader may see (None: all), of the newest weeks that are known."""
    basis, sums = _sums(w)
    if regions is not None:
        sums = sums.filter(pl.col("region").is_in(sorted(regions)))
    if sums.is_empty():
        return Summary(basis, None, None, None, ())
    lines = [_figures(str(name), part) for (name,), part in sums.group_by("region", maintain_order=True)]
    first, last = sums["week"].min(), sums["week"].max()
    return Summary(
        basis,
        first,  # type: ignore[arg-type]
        last,  # type: ignore[arg-type]
        _figures("", sums),
        tuple(
            sorted(lines, key=lambda line: (-(line.skill if line.skill is not None else -9.0), line.region))
        ),
    )


def _figures(region: str, sums: pl.DataFrame) -> Figures:
    found: dict[str, Any] = metrics.pooled(sums).row(0, named=True)
    weekly = metrics.pooled(sums, ["week"]).sort("week")["mape"].drop_nulls().to_list()
    names = ("mape", "baseline_mape", "skill", "wape", "bias", "n")
    return Figures(region=region, weekly=tuple(weekly), **{name: found[name] for name in names})


def _read(w: Workspace) -> tuple[Literal["published", "rounds"], pl.DataFrame]:
    """What metrics are made of, by region and week; a region is where rows are stored."""
    scores = reporting.ahead(w, w.lake.read(SCORES, where=pl.col("final")), "short-term")
    if scores.height:
        return "published", _by_region(w, _newest(scores), "baseline")
    rounds = reporting.scored_rounds(w, w.registry.releases.current())
    return "rounds", _by_region(w, _newest(rounds), "baseline_mean")


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    last = rows["week"].max()
    return rows.filter(pl.col("week") > last - WEEKS * WEEK) if last is not None else rows  # type: ignore[operator]


def _by_region(w: Workspace, rows: pl.DataFrame, baseline: str) -> pl.DataFrame:
    key = w.settings.segments.partition
    place = w.settings.segments.keys.index(key) if key else 0
    named = pl.col("segment").str.split("/").list.get(place) if key else pl.lit("all")
    return metrics.sums(rows.with_columns(named.alias("region")), ["region", "week"], baseline=baseline)


def _tables(w: Workspace) -> Hashable:
    return w.ledger.pointer(), *(w.lake.version(table) for table in (SCORES, ROUNDS, DEMAND))


_sums: Kept[tuple[Literal["published", "rounds"], pl.DataFrame]] = Kept(_read, _tables)
