"""Net demand: deliveries less returns, week by week over the active span of each series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from fleetcast.domain.codes import Places, codes, distinct, names, pairs
from fleetcast.domain.week import WEEK
from fleetcast.masters import spans
from fleetcast.settings import DemandSettings
from fleetcast.succession import heirs, predecessors

SHARE_WEEKS = 26  # final weeks whose mean return share stands for the returns still to come
USUAL = 0.5  # a series gets returns usually when more than this share of its final delivery weeks had some

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.signedinteger[Any]]
Bools = npt.NDArray[np.bool_]

EPOCH = date(1970, 1, 5)  # a Monday


@dataclass(frozen=True, eq=False)
class Net:
    """Net demand row by row in arrays, `code` being the row's series: what DEMAND says, before its texts are written out."""

    series: pl.DataFrame  # store, product
    code: Ints
    week: Ints  # since `EPOCH`
    units: Floats  # NaN: unknown
    delivered: Floats  # NaN: unknown
    censored: Bools
    final: Bools
    outside: int = 0  # rows of deliveries and returns beyond their series' span

    @classmethod
    def of(cls, frame: pl.DataFrame) -> "Net":
        """The rows of a DEMAND frame, in its order."""
        pair, series = _paired([frame], {key: frame[key] for key in ("store", "product")})
        units, delivered = (
            frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ("units", "delivered")
        )
        censored, final = (frame[name].to_numpy() for name in ("censored", "final"))
        return cls(series, pair[0], _numbers(frame["week"]), units, delivered, censored, final)

    def by_week(self) -> "Net":
        """The same rows, week by week."""
        order = np.argsort(self.week, kind="stable")
        names = ("code", "week", "units", "delivered", "censored", "final")
        return replace(self, **{name: getattr(self, name)[order] for name in names})

    def frame(self) -> pl.DataFrame:
        """DEMAND rows."""
        return pl.DataFrame(
            {
                "week": _weeks(self.week),
                "store": self.series["store"].gather(self.code),
                "product": self.series["product"].gather(self.code),
                "units": pl.Series(self.units, nan_to_null=True),
                "delivered": pl.Series(self.delivered, nan_to_null=True),
                "censored": self.censored,
                "final": self.final,
            }
        )


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of deliveries or returns: the place of their series, their week, their units."""

    code: Ints
    number: Ints
    values: Floats


@dataclass(frozen=True)
class _Grid:
    """The active weeks of all series, laid end to end: `code` is the row's series, `week` counts from `EPOCH`."""

    series: pl.DataFrame  # store, product
    start: Ints
    length: Ints
    offset: Ints
    code: Ints
    week: Ints

    def spread(self, rows: _Rows) -> tuple[Floats, Bools, int]:
        """The rows' values on the grid (0 where there is no row), where there was one, and how many lie outside."""
        values, present = np.zeros(self.code.size), np.zeros(self.code.size, bool)
        beyond = _laid(
            rows.code, rows.number, rows.values, self.start, self.length, self.offset, values, present
        )
        return values, present, beyond


def demand(
    deliveries: pl.DataFrame,
    returns: pl.DataFrame,
    stores: pl.DataFrame,
    products: pl.DataFrame,
    *,
    cutoff: date,
    settings: DemandSettings,
) -> pl.DataFrame:
    """DEMAND rows up to the cutoff, sorted by store, product and week, from as-of views of the four tables.

    A series runs from its first delivery (or from opening and listing, if later) to the cutoff, closing or
    delisting. An absent week is a delivery of 0, or unknown: a row with null units; a week without any delivery at
    all is unknown either way, for then the file is late and the stores were not. Weeks whose returns are not all in
    yet are net of the returns still expected, and not final. More returned than delivered stays negative.
    """
    return net_demand(deliveries, returns, stores, products, cutoff=cutoff, settings=settings).frame()


def net_demand(
    deliveries: pl.DataFrame,
    returns: pl.DataFrame,
    stores: pl.DataFrame,
    products: pl.DataFrame,
    *,
    cutoff: date,
    settings: DemandSettings,
    moment: datetime | None = None,
) -> Net:
    """The same as arrays. With a moment, deliveries and returns are bitemporal: of each key the last row known by then counts."""
    delivered_rows, returned_rows, grid = _lay_out(
        deliveries, returns, stores, products, cutoff, settings, moment
    )
    delivered, present, beyond = grid.spread(delivered_rows)
    returned, _, also_beyond = grid.spread(returned_rows)
    age = _number(cutoff) - grid.week
    final = age >= settings.returns_weeks
    known = present if settings.absent == "unknown" else _heard_of(delivered_rows, grid)
    units = delivered - returned
    units -= _still_expected(grid, delivered, returned, age, final & known, settings.returns_weeks)
    censored = _sold_out(grid, delivered, returned, final)
    units[~known] = np.nan
    delivered[~known] = np.nan
    outside = beyond + also_beyond
    return Net(grid.series, grid.code, grid.week, units, delivered, censored, final, outside)


def _heard_of(delivered: _Rows, grid: _Grid) -> Bools:
    """The rows of the grid whose week has a delivery to anybody."""
    first = int(min(delivered.number.min(initial=0), grid.week.min(initial=0)))
    last = int(max(delivered.number.max(initial=0), grid.week.max(initial=0)))
    return _in_weeks(delivered.number, grid.week, first, last)


@dataclass(frozen=True, slots=True)
class Census:
    """What is odd in net demand, counted so that nothing odd is silent; `outside` rows lie beyond their series' span."""

    rows: int
    negative: int
    zero: int
    unknown: int
    censored: int
    not_final: int
    outside: int


def census(net: Net) -> Census:
    """Count the odd rows of net demand."""
    return Census(
        rows=len(net.code),
        negative=int(np.count_nonzero(net.units < 0)),
        zero=int(np.count_nonzero(net.units == 0)),
        unknown=int(np.count_nonzero(np.isnan(net.units))),
        censored=int(np.count_nonzero(net.censored)),
        not_final=int(np.count_nonzero(~net.final)),
        outside=net.outside,
    )


def active(
    demand: pl.DataFrame,
    stores: pl.DataFrame,
    products: pl.DataFrame,
    *,
    cutoff: date,
    horizons: tuple[int, ...],
    settings: DemandSettings,
) -> pl.DataFrame:
    """`store, product, since, until` of the series to forecast at a cutoff: between which weeks; null: no limit.

    Active: delivered within the trailing weeks, or the successor of one that was; and within the horizons, in weeks,
    its store is open and its product listed. A successor that took over before the trailing weeks and was never
    delivered is not expected any more.
    """
    weeks = [cutoff + horizon * WEEK for horizon in horizons]
    trailing = cutoff - settings.active_weeks * WEEK
    recent = pl.col("week").is_between(trailing, cutoff, closed="right")
    delivered = demand.filter(recent & (pl.col("delivered") > 0)).select("store", "product").unique()
    coming = heirs(delivered, predecessors(products, max(weeks))).filter(pl.col("since") > trailing)
    series = pl.concat(
        [delivered, coming.join(delivered, on=["store", "product"], how="anti")], how="diagonal"
    )
    open_ = spans(series.rename({"since": "takes_over"}), stores, products, cutoff)
    return (
        open_.with_columns(pl.max_horizontal("since", "takes_over").alias("since"))
        .filter(pl.any_horizontal(open_in(pl.lit(week)) for week in weeks))
        .select("store", "product", "since", "until")
        .sort("store", "product")
    )


def open_in(week: pl.Expr) -> pl.Expr:
    """Whether a week lies between `since` and `until`."""
    begun, ended = pl.col("since") <= week, pl.col("until") < week
    return begun.fill_null(value=True) & ~ended.fill_null(value=False)


def _lay_out(
    deliveries: pl.DataFrame,
    returns: pl.DataFrame,
    stores: pl.DataFrame,
    products: pl.DataFrame,
    cutoff: date,
    settings: DemandSettings,
    moment: datetime | None,
) -> tuple[_Rows, _Rows, _Grid]:
    tables = {"delivered": deliveries, "returned": returns}
    seen = pl.col("week") <= cutoff
    if moment is not None:
        seen &= pl.col("known_at") <= moment
    frames = [rows if rows.select(seen.all()).item() else rows.filter(seen) for rows in tables.values()]
    pairs, series = _paired(frames, {"store": stores["store"], "product": products["product"]})
    read = [
        _Rows(pair, _numbers(frame["week"]), frame[column].cast(pl.Float64).to_numpy())
        for pair, frame, column in zip(pairs, frames, tables, strict=True)
    ]
    if moment is not None:
        read = [_last_known(rows, frame["known_at"]) for rows, frame in zip(read, frames, strict=True)]
    first = np.full(series.height, np.iinfo(np.int32).max, np.int32)
    for rows in read:
        np.minimum.at(first, rows.code, rows.number)
    known = spans(series.with_columns(first=first.astype(np.int64)), stores, products, cutoff)
    return read[0], read[1], _grid(known, cutoff, settings)


def _paired(
    frames: Sequence[pl.DataFrame], expected: Mapping[str, pl.Series]
) -> tuple[list[Ints], pl.DataFrame]:
    """Of each frame the places of its rows' series among all of them; these (`store, product`), sorted."""
    stores, store = _coded([frame["store"] for frame in frames], expected["store"])
    products, product = _coded([frame["product"] for frame in frames], expected["product"])
    found = [pairs(s, p, len(products)) for s, p in zip(store, product, strict=True)]
    there = distinct(found)
    shop, good = np.divmod(there, max(len(products), 1))
    series = pl.DataFrame({"store": stores.gather(shop), "product": products.gather(good)})
    places = Places(there)
    return [places.of(mine) for mine in found], series


def _coded(columns: Sequence[pl.Series], expected: pl.Series) -> tuple[pl.Series, list[Ints]]:
    """Sorted texts, and each column as places among them; no others are looked for where all are expected ones."""
    among = names([expected])
    found = [codes(column, among) for column in columns]
    if any((places < 0).any() for places in found):
        among = names(columns)
        found = [codes(column, among) for column in columns]
    return among, found


def _last_known(rows: _Rows, known_at: pl.Series) -> _Rows:
    """Of each series and week the row that was known last; of several at one moment the last of them."""
    if not len(rows.code):
        return rows
    first = int(rows.number.min())
    weeks = int(rows.number.max()) - first + 1
    if not _corrected(rows.code, rows.number, first, weeks, int(rows.code.max()) + 1):
        return rows
    cell = rows.code * np.int64(weeks) + (rows.number - first)
    newest = np.full((int(rows.code.max()) + 1) * weeks, -1)
    order = np.argsort(known_at.to_physical().to_numpy(), kind="stable")
    newest[cell[order]] = order
    kept = newest[newest >= 0]
    return _Rows(rows.code[kept], rows.number[kept], rows.values[kept])


@njit(cache=True)
def _laid(
    code: Ints,
    number: Ints,
    values: Floats,
    start: Ints,
    length: Ints,
    offset: Ints,
    sums: Floats,
    present: Bools,
) -> int:  # pragma: no cover - compiled
    """Add rows up where their series and week lie on a grid; how many lie nowhere."""
    beyond = 0
    for i in range(len(code)):
        place = number[i] - start[code[i]]
        if 0 <= place < length[code[i]]:
            cell = offset[code[i]] + place
            sums[cell] += values[i]
            present[cell] = True
        else:
            beyond += 1
    return beyond


@njit(cache=True)
def _in_weeks(heard: Ints, week: Ints, first: int, last: int) -> Bools:  # pragma: no cover - compiled
    """[n]: whether each week, of those from `first` to `last`, is one of the `heard`."""
    there, out = np.zeros(last - first + 1, np.bool_), np.empty(len(week), np.bool_)
    for number in heard:
        there[number - first] = True
    for i in range(len(week)):
        out[i] = there[week[i] - first]
    return out


@njit(cache=True)
def _corrected(
    code: Ints, number: Ints, first: int, weeks: int, series: int
) -> bool:  # pragma: no cover - compiled
    """Whether any series has two rows of a week."""
    there = np.zeros((series, weeks), np.bool_)
    for i in range(len(code)):
        if there[code[i], number[i] - first]:
            return True
        there[code[i], number[i] - first] = True
    return False


def _grid(series: pl.DataFrame, cutoff: date, settings: DemandSettings) -> _Grid:
    since, until = (
        series.select(((pl.col(c) - pl.lit(EPOCH)).dt.total_days() // 7).cast(pl.Int64)).to_series()
        for c in ("since", "until")
    )
    earliest = _number(date.fromisoformat(settings.first_week)) if settings.first_week else -(2**31)
    start = np.maximum.reduce([series["first"].to_numpy(), since.fill_null(earliest).to_numpy()])
    start = np.maximum(start, earliest)
    last = np.minimum(until.fill_null(_number(cutoff)).to_numpy(), _number(cutoff))
    length = np.maximum(last - start + 1, 0)
    offset = np.concatenate([[0], np.cumsum(length)[:-1]]) if length.size else length
    code = np.repeat(np.arange(length.size, dtype=np.int32), length)
    week = np.repeat((start - offset).astype(np.int32), length)
    week += np.arange(code.size, dtype=np.int32)
    return _Grid(series.select("store", "product"), start, length, offset, code, week)


def _still_expected(
    grid: _Grid, delivered: Floats, returned: Floats, age: Ints, final: Bools, returns_weeks: int
) -> Floats:
    """Returns that open weeks are expected to see yet, in units.

    In the end a week sees its product's usual share. Of that, weeks that saw nothing so far and weeks that saw some
    miss different parts: here all returns of a delivery are taken at once, there as they are found. Both parts are
    read, by age, from the open weeks of all series together (on the sample retailer this divides the error of one
    and two weeks old demand by three, against one part for all).
    """
    if returns_weeks == 0 or not delivered.size:
        return np.zeros_like(delivered)
    recent = final & (age < returns_weeks + SHARE_WEEKS)
    in_the_end = _usual_share(grid, delivered, returned, recent)[grid.code] * delivered
    waiting = (age < returns_weeks) & (delivered > 0)
    seen = returned > 0
    coming = np.zeros_like(delivered)
    for weeks in range(returns_weeks):
        now = waiting & (age == weeks)
        some, none = now & seen, now & ~seen
        missing = max(in_the_end[now].sum() - returned[now].sum(), 0.0)
        of_some = min(max(in_the_end[some].sum() - returned[some].sum(), 0.0), missing)
        coming[some] = in_the_end[some] * _part(of_some, in_the_end[some].sum())
        coming[none] = in_the_end[none] * _part(missing - of_some, in_the_end[none].sum())
    return coming


def _usual_share(grid: _Grid, delivered: Floats, returned: Floats, recent: Bools) -> Floats:
    """Of each series, the share of its product's deliveries that came back in recent final weeks."""
    product = grid.series["product"].rank("dense").to_numpy().astype(np.int64) - 1
    cells = product[grid.code[recent]]
    brought = np.bincount(cells, weights=delivered[recent], minlength=product.max() + 1)
    back = np.bincount(cells, weights=returned[recent], minlength=product.max() + 1)
    of_all = _part(back.sum(), brought.sum())
    share = np.where(brought > 0, back / np.where(brought > 0, brought, 1.0), of_all)
    usual: Floats = np.clip(share, 0.0, 1.0)[product]
    return usual


def _part(of: float, whole: float) -> float:
    return min(of / whole, 1.0) if whole > 0 else 0.0


def _sold_out(grid: _Grid, delivered: Floats, returned: Floats, final: Bools) -> Bools:
    """Final weeks with a delivery of which nothing came back, where something usually does: demand was at least this."""
    if not returned.any():
        return np.zeros(len(final), bool)
    settled = final & (delivered > 0)
    weeks = np.bincount(grid.code[settled], minlength=grid.length.size)
    with_returns = np.bincount(grid.code[settled & (returned > 0)], minlength=grid.length.size)
    usually: Bools = with_returns > USUAL * weeks
    sold_out: Bools = settled & (returned == 0) & usually[grid.code]
    return sold_out


def _numbers(weeks: pl.Series) -> Ints:
    """Weeks since `EPOCH`."""
    days = weeks.to_physical().to_numpy()
    return np.asarray((days - np.int32((EPOCH - date(1970, 1, 1)).days)) // np.int32(7))


def _number(week: date) -> int:
    return (week - EPOCH).days // 7


def _weeks(number: Ints) -> pl.Series:
    days = (number * 7 + (EPOCH - date(1970, 1, 1)).days).astype(np.int32)
    return pl.Series(days).cast(pl.Date)
