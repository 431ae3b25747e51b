"""Forecasts of the newest weeks beside what was sold: what every figure about accuracy is made of."""

from collections.abc import Hashable
from datetime import date
from typing import Literal

import polars as pl

from fleetcast import metrics
from fleetcast.domain.tables import DEMAND, ROUNDS, SCORES
from fleetcast.domain.week import WEEK
from fleetcast.fleet import reporting
from fleetcast.reading.kept import Kept
from fleetcast.reading.published import then
from fleetcast.workspace import Workspace

WEEKS = 13  # that count

Basis = Literal["published", "rounds"]


def rows(w: Workspace, asof: date | None = None) -> tuple[Basis, pl.DataFrame]:
    """Rows of SCORES, or before any published week is known, of ROUNDS; each with its `region` and `baseline`.

    Of the newest weeks that are known; as of a day, of those up to its week.
    """
    by_then = pl.col("final") & (pl.col("week") <= (asof or date.max))
    scores = reporting.ahead(w, w.lake.read(SCORES, where=by_then), "short-term")
    if scores.height:
        return "published", _newest(_named(w, scores), asof)
    pinned = then(w, asof) if asof else None
    live = w.registry.releases.get(pinned.release) if pinned else w.registry.releases.current()
    rounds = reporting.scored_rounds(w, live)
    return "rounds", _newest(_named(w, rounds.with_columns(pl.col("baseline_mean").alias("baseline"))), asof)


def tables(w: Workspace) -> Hashable:
    """What the rows of now hang on."""
    return w.ledger.pointer(), *(w.lake.version(table) for table in (SCORES, ROUNDS, DEMAND))


def by_series(w: Workspace, asof: date | None = None) -> tuple[Basis, pl.DataFrame]:
    """Sums that metrics are made of, for each series."""
    return _by_series(w) if asof is None else _series_sums(w, asof)


def _series_sums(w: Workspace, asof: date | None = None) -> tuple[Basis, pl.DataFrame]:
    basis, found = rows(w, asof)
    return basis, metrics.sums(found, ["store", "product"])


def _newest(found: pl.DataFrame, asof: date | None) -> pl.DataFrame:
    by_then = found if asof is None else found.filter(pl.col("week") <= asof)
    last = pl.col("week").max()
    return by_then.filter(pl.col("week") > last - WEEKS * WEEK)


def _named(w: Workspace, found: pl.DataFrame) -> pl.DataFrame:
    """With the region that is a part of each row's segment."""
    key = w.settings.segments.partition
    place = w.settings.segments.keys.index(key) if key else 0
    region = pl.col("segment").str.split("/").list.get(place) if key else pl.lit("all")
    return found.with_columns(region.alias("region"))


_by_series: Kept[tuple[Basis, pl.DataFrame]] = Kept(_series_sums, tables)
