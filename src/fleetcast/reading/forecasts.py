"""Published forecasts, found by series: the newest cycle is held in memory, and read again when another was published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any, Self

import polars as pl

from fleetcast.domain.errors import NotFound
from fleetcast.domain.tables import FORECASTS, MEMBERSHIP
from fleetcast.reading.grants import REGION, Regions
from fleetcast.workspace import Address, Workspace

LOOKED_AFTER = timedelta(seconds=1)
TOLD_MEANWHILE = timedelta(seconds=10)  # at most, what is in memory while somebody looks
SERIES = ["store", "product"]
OF_A_WEEK = [name for name in FORECASTS.columns if name not in {"cycle", *SERIES, "release"}]


@dataclass(frozen=True, slots=True)
class Published:
    """The forecasts of one cycle, sorted by series and week; `version` is the content version they were read from.

    `weeks` is what is told of each week of a series, selected once because that costs more than all else of a request;
    `places` is where each series stands in the rows: the first one, how many, and its region.
    """

    version: str
    cycle: date | None
    rows: pl.DataFrame  # of FORECASTS, and `region`
    weeks: pl.DataFrame
    places: Mapping[tuple[str, str], tuple[int, int, str]]

    @classmethod
    def of(cls, version: str, cycle: date, rows: pl.DataFrame) -> Self:
        counted = rows.group_by(SERIES, maintain_order=True).agg(pl.len(), pl.col(REGION).first())
        places, first = {}, 0
        for store, product, length, region in counted.iter_rows():
            places[store, product] = (first, length, region)
            first += length
        return cls(version, cycle, rows, rows.select(OF_A_WEEK), places)


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """What is forecast of a store and product, week by week, in units; fractions of them where q… are quantiles."""

    cycle: date
    release: str
    store: str
    product: str
    region: str
    weeks: list[dict[str, Any]]


class Newest:
    """The newest published forecasts of each environment; whether others were published is looked at once a second.

    One of those who ask looks, and the others are told what is in memory: reading a large fleet takes a second.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: dict[Address, tuple[datetime, Published]] = {}
        self._looked_for: set[Address] = set()

    def held(self, w: Workspace) -> Published | None:
        """What is in memory, if it was looked at lately, or is by somebody else now; None: whoever asks has to `read`."""
        looked, found = self._held.get(w.address, (None, None))
        age = abs(w.clock() - looked) if looked else timedelta.max
        if age < LOOKED_AFTER or (age < TOLD_MEANWHILE and w.address in self._looked_for):
            return found
        self._looked_for.add(w.address)
        return None

    def read(self, w: Workspace) -> Published:
        """What is published now, or was a second ago."""
        with self._lock:
            now, (looked, found) = w.clock(), self._held.get(w.address, (None, None))
            if looked and found and abs(now - looked) < LOOKED_AFTER:  # somebody else was faster
                return found
            try:
                if found is None or found.version != w.lake.version(FORECASTS):
                    found = _read(w)
                self._held[w.address] = now, found
                return found
            finally:
                self._looked_for.discard(w.address)


def of_series(published: Published, regions: Regions, store: str, product: str) -> SeriesForecast:
    """The forecasts of one series; NotFound where there is none, or none in regions that were granted."""
    first, length, region = published.places.get((store, product), (0, 0, ""))
    if not length or published.cycle is None or (regions is not None and region not in regions):
        raise NotFound(f"nothing is published of product {product} in store {store}")
    release = str(published.rows["release"][first])
    weeks = published.weeks.slice(first, length).to_dicts()
    return SeriesForecast(published.cycle, release, store, product, region, weeks)


def chosen(
    published: Published,
    regions: Regions,
    *,
    store: str | None = None,
    product: str | None = None,
    week: date | None = None,
    region: str | None = None,
) -> pl.DataFrame:
    """Rows that meet every condition given, of regions that were granted."""
    rows = published.rows
    if regions is not None:
        rows = rows.filter(pl.col(REGION).is_in(sorted(regions)))
    for name, value in (("store", store), ("product", product), ("week", week), (REGION, region)):
        if value is not None:
            rows = rows.filter(pl.col(name) == value)
    return rows


def dicts(rows: pl.DataFrame, *, offset: int, limit: int) -> list[dict[str, Any]]:
    """Some of the rows, as they are shown."""
    return rows.slice(offset, limit).to_dicts()


def _read(w: Workspace) -> Published:
    version = w.lake.version(FORECASTS)
    cycles = [date.fromisoformat(leaf.week) for leaf in w.lake.leaves(FORECASTS, version)]
    cycle = max(cycles, default=None)
    rows = w.lake.read(FORECASTS, version=version, week=cycle) if cycle else pl.DataFrame()
    if cycle is None:
        return Published(version, None, rows, rows, {})
    regions = w.lake.read(MEMBERSHIP, columns=[*SERIES, REGION]).unique(SERIES, keep="last")
    joined = rows.join(regions, on=SERIES, how="left").with_columns(pl.col(REGION).fill_null("all"))
    return Published.of(version, cycle, joined.sort(*SERIES, "week"))
