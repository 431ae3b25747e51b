"""A partition as dense arrays: series × weeks, as they were known at the cutoff."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.demand import EPOCH, Net
from fleetcast.domain.codes import Places, codes, names, pairs
from fleetcast.domain.week import WEEK, Looks, weeks
from fleetcast.features import kernels
from fleetcast.features.surroundings import events_as_known, weather_as_issued
from fleetcast.settings import CovariateSettings

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# Why a week of a series is not trained on; 0 is trainable.
STATUS = {0: "trainable", 1: "no_row", 2: "unknown", 3: "censored", 4: "not_final", 5: "closed"}

LENT = {"week": pl.Date, "store": pl.String, "product": pl.String, "predecessor": pl.String}


@dataclass(frozen=True)
class Covariate:
    """A free covariate table: what its columns are, and its rows as known at the cutoff."""

    name: str
    settings: CovariateSettings
    frame: pl.DataFrame


@dataclass(frozen=True)
class Panel:
    """S series × W weeks; the weeks after `cutoff` are there for what is known ahead."""

    series: (
        pl.DataFrame
    )  # sorted by store, product; with region, store_format, mover, segment, category, line
    weeks: list[date]
    cutoff: int  # index of the cutoff week
    units: F64  # [S, W], net demand as best known at the cutoff; NaN: unknown, or no row and none borrowed
    seen: F64  # [A, S, W], units as they were known a weeks after the week itself
    status: npt.NDArray[np.uint8]  # [S, W], key of STATUS
    given: npt.NDArray[np.bool_]  # [S, W], whether there was a demand row
    conditioned: I64  # [S], demand rows that were given
    horizons: tuple[int, ...]
    known: dict[str, F32] = field(default_factory=dict)  # name → [S, W]
    past: dict[str, F32] = field(
        default_factory=dict
    )  # name → [S, W], the newest known then; NaN after the cutoff
    static: dict[str, F32] = field(default_factory=dict)  # name → [S]
    issued: dict[str, F32] = field(default_factory=dict)  # name → [H, S, W], as known h weeks before
    lent: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LENT))  # what was borrowed of whom

    def __len__(self) -> int:
        return self.series.height

    def own_units(self, rows: npt.NDArray[np.bool_] | None = None) -> F64:
        """[S, W]: units without the weeks borrowed of a predecessor, whose rows they are; of some series, or of all."""
        here = slice(None) if rows is None else rows
        return np.where(self.given[here], self.units[here], np.nan)

    @cached_property
    def borrows(self) -> npt.NDArray[np.bool_]:
        """[S]: whether a series has weeks of a predecessor before its own."""
        return np.asarray((~self.given & ~np.isnan(self.units)).any(axis=1))

    @property
    def waiting(self) -> npt.NDArray[np.bool_]:
        """[S, W]: of series that borrow, the weeks before their own first one."""
        borrows = self.borrows
        out = np.zeros(self.given.shape, bool)
        out[borrows] = ~np.logical_or.accumulate(self.given[borrows], axis=1)
        return out


def build(
    demand: pl.DataFrame | Net,
    series: pl.DataFrame,
    *,
    cutoff: date,
    horizons: tuple[int, ...],
    deliveries: pl.DataFrame | None = None,
    returns: pl.DataFrame | None = None,
    returns_weeks: int = 0,
    ready_after_days: int = 2,
    received: Sequence[datetime] = (),
    absent: Literal["zero", "unknown"] = "zero",
    covariates: Sequence[Covariate] = (),
    stores: pl.DataFrame | None = None,
    weather: pl.DataFrame | None = None,
    events: pl.DataFrame | None = None,
) -> Panel:
    """The panel of one partition.

    Args:
        demand: DEMAND rows as known at the cutoff, as a frame or in arrays; later weeks are left out here.
        series: one row per series: store, product and the columns of a membership, `segment`, and if there is
            one `category`, `closed` (first week without deliveries) and `line` (else each product is its own).
        cutoff: the last week a model may see.
        horizons: weeks ahead; the panel reaches as far.
        deliveries: bitemporal DELIVERIES, for `seen`; None or `returns_weeks` = 0: units are final at once.
        returns: bitemporal RETURNS, for `seen`.
        returns_weeks: weeks until a week's returns are final.
        ready_after_days: days after a week's end at which the fleet looks at it.
        received: moments at which files came in after the first load; the fleet looked again (see `Looks`).
        absent: what a week without a row means, for `seen`; in a week nobody has a row of it is unknown either way.
        covariates: free covariate tables as known at the cutoff.
        stores: STORES rows as known at the cutoff, for the postal code of the weather.
        weather: bitemporal WEATHER.
        events: bitemporal EVENTS.
    """
    series = series.sort("store", "product")
    if "line" not in series.columns:
        series = series.with_columns(pl.col("product").alias("line"))
    net = Net.of(demand) if isinstance(demand, pl.DataFrame) else demand
    until = (cutoff - EPOCH).days // 7
    first = int(net.week.min(initial=until))
    span = weeks(EPOCH + first * WEEK, cutoff + max(horizons) * WEEK)
    at = Index(series, span)
    units, status, given, conditioned = _demand(net, at, first=first, last=until)
    looks = Looks.of(ready_after_days, received)
    spread = Spread.of(covariates, at, last=span.index(cutoff), looks=looks)
    around = {
        "cutoff": cutoff,
        "horizons": horizons,
        "ready_after_days": ready_after_days,
    }
    return Panel(
        series=series,
        weeks=span,
        cutoff=span.index(cutoff),
        units=units,
        seen=_seen(
            deliveries,
            returns,
            at,
            cutoff=cutoff,
            ages=returns_weeks,
            looks=looks,
            absent=absent,
        ),
        status=status,
        given=given,
        conditioned=conditioned,
        horizons=horizons,
        known=spread.known,
        past=spread.past,
        static=spread.static,
        issued=_weather(weather, stores, at, **around) | _events(events, at, **around),
    )


class Index:
    """Where a key stands in the arrays: −1 outside."""

    def __init__(self, series: pl.DataFrame, span: list[date]) -> None:
        self.series, self.span = series, span
        self._stores, self._products = (names([series[key]]) for key in ("store", "product"))
        self._places = Places(self._pairs(series))

    @property
    def shape(self) -> tuple[int, int]:
        return self.series.height, len(self.span)

    def week(self, frame: pl.DataFrame) -> I64:
        """Week index of each row, out of range outside the span."""
        days = frame["week"].to_physical().to_numpy() - (self.span[0] - date(1970, 1, 1)).days
        return (days // 7).astype(np.int64)

    def row(self, frame: pl.DataFrame) -> I64:
        """Series index of each row, −1 where it is of none."""
        return self._places.of(self._pairs(frame))

    def _pairs(self, frame: pl.DataFrame) -> I64:
        store, product = codes(frame["store"], self._stores), codes(frame["product"], self._products)
        return pairs(store, product, len(self._products))

    def rows(self, frame: pl.DataFrame) -> tuple[I64, I64, pl.DataFrame]:
        """Series index, week index and the rows themselves, of the rows that lie inside."""
        row, week = self.row(frame), self.week(frame)
        inside = (row >= 0) & (week >= 0) & (week < len(self.span))
        if inside.all():
            return row, week, frame
        return row[inside], week[inside], frame.filter(inside)


def _demand(
    net: Net, at: Index, *, first: int, last: int
) -> tuple[F64, npt.NDArray[np.uint8], npt.NDArray[np.bool_], I64]:
    """Units, status and whether there was a row; `first` and `last` are the weeks it may lie in, as the rows count them."""
    units, status = np.full(at.shape, np.nan), np.ones(at.shape, np.uint8)
    row, rows = at.row(net.series), np.zeros(net.series.height, np.int64)
    kernels.demand(
        row, net.code, net.week, net.units, net.censored, net.final, first, last, units, status, rows
    )
    given = status != 1
    if "closed" in at.series.columns:
        for s, day in enumerate(at.series["closed"].to_list()):
            if day is not None:
                status[s, [week >= day for week in at.span]] = 5
    # counted from the rows, so that one the arrays lost shows
    counted = at.series.select("store", "product").join(
        net.series.with_columns(rows=rows),
        on=["store", "product"],
        how="left",
        maintain_order="left",
    )["rows"]
    return units, status, given, counted.fill_null(0).to_numpy().astype(np.int64)


def _seen(
    deliveries: pl.DataFrame | None,
    returns: pl.DataFrame | None,
    at: Index,
    *,
    cutoff: date,
    ages: int,
    looks: Looks,
    absent: Literal["zero", "unknown"],
) -> F64:
    if deliveries is None or returns is None or ages == 0:
        return np.empty((0, *at.shape))
    delivered = _by_age(deliveries, "delivered", at, ages=ages, looks=looks, moment=looks.at(cutoff))
    returned = _by_age(returns, "returned", at, ages=ages, looks=looks, moment=looks.at(cutoff))
    returned = np.where(np.isnan(returned), 0.0, returned)
    open_share = _open_shares(delivered, returned, at, last=at.span.index(cutoff) - ages)
    seen = np.empty((ages, *at.shape))
    for age in range(ages):
        brought = delivered[age]
        if absent == "zero":  # for a running series, in a week that has been heard of
            heard = ~np.isnan(brought).all(axis=0)
            brought = np.where(np.isnan(brought) & heard, 0.0, brought)
        seen[age] = brought - returned[age] - open_share[age][:, None] * brought
    first = np.where(np.isnan(delivered[ages]), len(at.span), np.arange(len(at.span))).min(axis=1)
    seen[:, np.arange(len(at.span)) < first[:, None]] = np.nan
    seen[:, :, at.span.index(cutoff) + 1 :] = np.nan
    return seen


def _by_age(frame: pl.DataFrame, column: str, at: Index, *, ages: int, looks: Looks, moment: datetime) -> F64:
    """[ages + 1, S, W]: the column as known a weeks after each week; the last slice as known at the cutoff."""
    s, w, inside = at.rows(frame.filter(pl.col("known_at") <= moment).sort("known_at", maintain_order=True))
    age = _looked(inside["known_at"], at, looks) - w
    values = _floats(inside[column])
    out = np.full((ages + 1, *at.shape), np.nan)
    for a in range(ages + 1):
        then = age <= a if a < ages else np.ones(len(age), bool)
        out[a, s[then], w[then]] = values[
            then
        ]  # rows come in the order they became known: the last one stays
    return out


def _looked(known_at: pl.Series, at: Index, looks: Looks) -> I64:
    """Of each row the first week at whose look it was known; behind the last one where at none."""
    moments = pl.Series([looks.at(week) for week in at.span], dtype=pl.Datetime("us", "UTC"))
    return moments.search_sorted(known_at, side="left").to_numpy().astype(np.int64)


def _open_shares(delivered: F64, returned: F64, at: Index, *, last: int) -> F64:
    """[ages, S]: share of a product line's deliveries that was still to come back a weeks later, over the last final year."""
    ages = len(delivered) - 1
    line = at.series["line"].rank("dense").to_numpy().astype(np.int64) - 1
    year = slice(max(0, last - 51), max(0, last + 1))
    brought = _sum_by(np.nansum(delivered[ages][:, year], axis=1), line)
    share = np.zeros((ages, at.shape[0]))
    for age in range(ages):
        still = (returned[ages] - returned[age])[:, year].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(brought > 0, _sum_by(still, line) / brought, 0.0)
        share[age] = np.clip(ratio, 0.0, 1.0)[line]
    return share


def _sum_by(values: F64, group: I64) -> F64:
    return np.bincount(group, weights=values, minlength=int(group.max(initial=0)) + 1).astype(np.float64)


@dataclass(frozen=True)
class Spread:
    """Covariates spread over the series they are keyed to; names are table.column."""

    known: dict[str, F32]  # [S, W]
    past: dict[str, F32]  # [S, W]
    static: dict[str, F32]  # [S]

    @classmethod
    def of(cls, covariates: Sequence[Covariate], at: Index, *, last: int, looks: Looks) -> Self:
        """Columns declared `log` as logarithms; NaN where there is no row; past ones NaN after week `last`."""
        spread = cls({}, {}, {})
        for covariate in covariates:
            spread._place(covariate, at, last, looks)
        return spread

    def _place(self, covariate: Covariate, at: Index, last: int, looks: Looks) -> None:
        """Each column is laid out for the groups of series that share a key, and then handed to the series."""
        settings = covariate.settings
        group, g, w, rows = _cells(covariate, at)
        shape = (int(group.max(initial=-1)) + 1, at.shape[1])
        for column, kind in settings.columns.items():
            if column in settings.texts:
                continue
            values = _floats(rows[column]).astype(np.float32)
            if column in settings.log:
                values = np.log(np.maximum(values, np.float32(1e-6)))
            name = f"{covariate.name}.{column}"
            if w is None:
                static = np.full(shape[0], np.nan, np.float32)
                static[g] = values
                self.static[name] = static[group]
                continue
            dense = np.full(shape, np.nan, np.float32)
            dense[g, w] = values
            if kind == "past":
                dense = _as_looked(dense, g, w, _looked(rows["known_at"], at, looks))
                dense[:, last + 1 :] = np.nan
            (self.known if kind == "known_future" else self.past)[name] = dense[group]


def _as_looked(dense: F32, s: I64, w: I64, known: I64) -> F32:
    """[S, W]: at each week the value of the newest week that was known by its look; `known` [n] is whose look that was first."""
    newest = np.full(dense.shape, -1)
    seen = ~np.isnan(dense[s, w]) & (known < dense.shape[1])
    np.maximum.at(newest, (s[seen], np.maximum(known, w)[seen]), w[seen])
    newest = np.maximum.accumulate(newest, axis=1)
    return np.where(newest >= 0, np.take_along_axis(dense, newest, axis=1), np.float32(np.nan))


def _cells(covariate: Covariate, at: Index) -> tuple[I64, I64, I64 | None, pl.DataFrame]:
    """The group [S] of each series by the covariate's key; group and week of each row of the table that covers one."""
    keys = [key for key in covariate.settings.keys if key != "week"]
    frame = covariate.frame
    if keys:
        groups = at.series.select(keys).unique(maintain_order=True).with_row_index("_g")
        # a series without a value in its key has a group as well; only there is no row that it shares
        group = at.series.select(keys).join(
            groups, on=keys, how="left", maintain_order="left", nulls_equal=True
        )["_g"]
        rows = frame.join(groups, on=keys, how="inner", maintain_order="left")
    else:
        group = pl.zeros(at.shape[0], pl.Int64, eager=True)
        rows = frame.with_columns(_g=pl.lit(0, pl.Int64))
    if "week" not in covariate.settings.keys:
        return _whole(group), _whole(rows["_g"]), None, rows
    rows = rows.filter(pl.col("week").is_between(at.span[0], at.span[-1]))
    return _whole(group), _whole(rows["_g"]), at.week(rows), rows


def _whole(column: pl.Series) -> I64:
    return column.to_numpy().astype(np.int64)


def places_of(series: pl.DataFrame, stores: pl.DataFrame) -> tuple[list[str], I64]:
    """The postal codes of these series, sorted, and the number of each series' own [S]; −1 where none is known."""
    latest = stores.sort("valid_from").unique("store", keep="last")
    code = series.select("store").join(latest, on="store", how="left", maintain_order="left")["postal_code"]
    places = sorted(code.drop_nulls().unique().to_list())
    return places, np.array([places.index(c) if c is not None else -1 for c in code.to_list()], np.int64)


def _weather(
    weather: pl.DataFrame | None, stores: pl.DataFrame | None, at: Index, **around: Any
) -> dict[str, F32]:
    if weather is None or stores is None or not weather.height:
        return {}
    places, place = places_of(at.series, stores)
    issued = weather_as_issued(weather, places, at.span, **around)
    nowhere = place < 0  # a series of no known place sees normal weather
    return {f"weather.{name}": np.where(nowhere[None, :, None], 0, v[:, place]) for name, v in issued.items()}


def _events(events: pl.DataFrame | None, at: Index, **around: Any) -> dict[str, F32]:
    if events is None or not events.height:
        return {}
    regions = sorted(at.series["region"].unique().to_list())
    region = np.array([regions.index(r) for r in at.series["region"].to_list()])
    known = events_as_known(events, regions, at.span, **around)
    return {f"event.{name}": shares[:, region] for name, shares in known.items()}


def _floats(column: pl.Series) -> F64:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
