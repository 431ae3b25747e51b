"""What was published last, and which region a store belongs to."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from fleetcast.domain.tables import FORECASTS, MEMBERSHIP
from fleetcast.domain.week import label
from fleetcast.reading.kept import Kept
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Then:
    """What was known and live as of a day: the cycle published last by then, its release, and when its run had ended."""

    cycle: date
    release: str
    until: datetime


def then(w: Workspace, asof: date) -> Then | None:
    """As of a day; None where nothing had been published."""
    cycle = newest(w, asof)
    if cycle is None:
        return None
    name = label(cycle)
    released = [one.release for one in w.publications.list() if one.cycle == name]
    runs = [one.ended or one.started for one in w.ledger.cycles() if one.cycle == name]
    return Then(cycle, released[-1], max(runs, default=w.clock()))


def newest(w: Workspace, asof: date | None = None) -> date | None:
    """The newest published cycle; as of a day, that of its week or the last one before."""
    names = {publication.cycle for publication in w.publications.list()}
    stored = sorted({date.fromisoformat(leaf.week) for leaf in w.lake.leaves(FORECASTS)}, reverse=True)
    by_then = (cycle for cycle in stored if asof is None or cycle <= asof)
    return next((cycle for cycle in by_then if label(cycle) in names), None)


def region_of(w: Workspace, store: str) -> str | None:
    """The store's region, "all" where the settings name none; None of a store that nobody knows."""
    return _regions(w).get(store)


def _read(w: Workspace) -> dict[str, str]:
    key = w.settings.segments.partition
    rows = w.lake.read(MEMBERSHIP).sort("valid_from", maintain_order=True)
    stores = rows.unique("store", keep="last", maintain_order=True)
    region = pl.col(key) if key else pl.lit("all")
    return dict(stores.select("store", region.alias("_")).iter_rows())


_regions: Kept[dict[str, str]] = Kept(_read, lambda w: w.lake.version(MEMBERSHIP))
