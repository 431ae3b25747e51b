"""How good forecasts have been: of the fleet and of each region, against the historical average."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from fleetcast import metrics
from fleetcast.reading import accuracy
from fleetcast.reading.kept import Kept
from fleetcast.workspace import Workspace

WEEKS = accuracy.WEEKS


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

    basis: accuracy.Basis
    first: date | None
    last: date | None
    whole: Figures | None
    regions: tuple[Figures, ...]  # the best against its baseline first
    weeks: tuple[tuple[date, float | None, float | None], ...]  # MAPE and its baseline's, the oldest first


def summary(w: Workspace, regions: frozenset[str] | None, *, asof: date | None = None) -> Summary:
    """Figures pooled over the regions that a reader may see (None: all), of the newest weeks that are known."""
    basis, sums = _sums(w) if asof is None else _read(w, asof)
    if regions is not None:
        sums = sums.filter(pl.col("region").is_in(sorted(regions)))
    if sums.is_empty():
        return Summary(basis, None, None, None, (), ())
    lines = [_figures(str(name), part) for (name,), part in sums.group_by("region", maintain_order=True)]
    weekly = metrics.pooled(sums, ["week"]).sort("week").select("week", "mape", "baseline_mape")
    first, last = sums["week"].min(), sums["week"].max()
    return Summary(
        basis,
        first,  # type: ignore[arg-type]
        last,  # type: ignore[arg-type]
        _figures("", sums),
        tuple(
            sorted(lines, key=lambda line: (-(line.skill if line.skill is not None else -9.0), line.region))
        ),
        tuple(weekly.iter_rows()),
    )


def _figures(region: str, sums: pl.DataFrame) -> Figures:
    found: dict[str, Any] = metrics.pooled(sums).row(0, named=True)
    weekly = metrics.pooled(sums, ["week"]).sort("week")["mape"].drop_nulls().to_list()
    names = ("mape", "baseline_mape", "skill", "wape", "bias", "n")
    return Figures(region=region, weekly=tuple(weekly), **{name: found[name] for name in names})


def _read(w: Workspace, asof: date | None = None) -> tuple[accuracy.Basis, pl.DataFrame]:
    """What metrics are made of, by region and week."""
    basis, rows = accuracy.rows(w, asof)
    return basis, metrics.sums(rows, ["region", "week"])


_sums: Kept[tuple[accuracy.Basis, pl.DataFrame]] = Kept(_read, accuracy.tables)
