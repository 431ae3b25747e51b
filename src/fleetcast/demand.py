"""Net demand: deliveries less returns, week by week over the active span of each series."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.masters import spans
from fleetcast.settings import DemandSettings
from fleetcast.succession import heirs, predecessors

SHARE_WEEKS = 26  # final weeks whose mean return share stands for the returns still to come
USUAL = 0.5  # a series gets returns usually when more than this share of its final delivery weeks had some

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_EPOCH = date(1970, 1, 5)  # a Monday


@dataclass(frozen=True)
class _Grid:
    """The active weeks of all series, laid end to end: `code` is the row's series, `week` counts from `_EPOCH`."""

    series: pl.DataFrame  # store, product
    start: Ints
    length: Ints
    offset: Ints
    code: Ints
    week: Ints

    def cells(self, rows: pl.DataFrame) -> tuple[Ints, Bools]:
        """The grid row of each (code, week) of a frame, and which of them lie inside a span."""
        code = rows["code"].to_numpy()
        place = rows["number"].to_numpy() - self.start[code]
        inside = (place >= 0) & (place < self.length[code])
        return self.offset[code[inside]] + place[inside], inside

    def spread(self, rows: pl.DataFrame, column: str) -> tuple[Floats, Bools]:
        """A column's values on the grid (0 where there is no row), and where there was one."""
        cells, inside = self.cells(rows)
        size = self.code.size
        weights: Floats = rows[column].to_numpy()[inside]
        values = np.bincount(cells, weights=weights, minlength=size).astype(np.float64)
        present: Bools = np.bincount(cells, minlength=size) > 0
        return values, present


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
    delivered_rows, returned_rows, grid = _lay_out(deliveries, returns, stores, products, cutoff, settings)
    delivered, present = grid.spread(delivered_rows, "delivered")
    returned, _ = grid.spread(returned_rows, "returned")
    age = _number(cutoff) - grid.week
    final = age >= settings.returns_weeks
    known = present if settings.absent == "unknown" else _heard_of(delivered_rows, grid)
    coming = _still_expected(grid, delivered, returned, age, final & known, settings.returns_weeks)
    units = np.where(known, delivered - returned - coming, np.nan)
    return pl.DataFrame(
        {
            "week": _weeks(grid.week),
            "store": grid.series["store"].gather(grid.code),
            "product": grid.series["product"].gather(grid.code),
            "units": pl.Series(units, nan_to_null=True),
            "delivered": pl.Series(np.where(known, delivered, np.nan), nan_to_null=True),
            "censored": _sold_out(grid, delivered, returned, final),
            "final": final,
        }
    )


def _heard_of(delivered: pl.DataFrame, grid: _Grid) -> Bools:
    """The rows of the grid whose week has a delivery to anybody."""
    heard: Bools = np.isin(grid.week, delivered["number"].unique().to_numpy())
    return heard


@dataclass(frozen=True, slots=True)
class Census:
    """What is odd in a demand frame, counted so that nothing odd is silent; `outside` rows lie beyond their series' span."""

    rows: int
    negative: int
    zero: int
    unknown: int
    censored: int
    not_final: int
    outside: int


def census(frame: pl.DataFrame, deliveries: pl.DataFrame, returns: pl.DataFrame, *, cutoff: date) -> Census:
    """Count the odd rows of a demand frame made from these deliveries and returns."""
    key = ["week", "store", "product"]
    rows = [table.filter(pl.col("week") <= cutoff).select(key) for table in (deliveries, returns)]
    outside = sum(table.join(frame, on=key, how="anti").height for table in rows)
    units = pl.col("units")
    negative, zero, unknown, censored, open_ = frame.select(
        (units < 0).sum().alias("negative"),
        (units == 0).sum().alias("zero"),
        units.is_null().sum().alias("unknown"),
        pl.col("censored").sum(),
        (~pl.col("final")).sum().alias("open"),
    ).row(0)
    return Census(frame.height, negative, zero, unknown, censored, open_, outside)


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
) -> tuple[pl.DataFrame, pl.DataFrame, _Grid]:
    number = ((pl.col("week") - pl.lit(_EPOCH)).dt.total_days() // 7).cast(pl.Int64).alias("number")
    up_to = pl.col("week") <= cutoff
    delivered = deliveries.filter(up_to).select(
        "store", "product", number, pl.col("delivered").cast(pl.Float64)
    )
    returned = returns.filter(up_to).select("store", "product", number, pl.col("returned").cast(pl.Float64))
    key = ["store", "product"]
    series = (
        pl.concat([delivered.select(*key, "number"), returned.select(*key, "number")])
        .group_by(key)
        .agg(pl.col("number").min().alias("first"))
        .sort(key)
    )
    series = spans(series, stores, products, cutoff).with_row_index("code")
    codes = series.select(*key, pl.col("code").cast(pl.Int64))
    return (
        delivered.join(codes, on=key).select("code", "number", "delivered"),
        returned.join(codes, on=key).select("code", "number", "returned"),
        _grid(series, cutoff, settings),
    )


def _grid(series: pl.DataFrame, cutoff: date, settings: DemandSettings) -> _Grid:
    since, until = (
        series.select(((pl.col(c) - pl.lit(_EPOCH)).dt.total_days() // 7).cast(pl.Int64)).to_series()
        for c in ("since", "until")
    )
    earliest = _number(date.fromisoformat(settings.first_week)) if settings.first_week else -(2**31)
    start = np.maximum.reduce([series["first"].to_numpy(), since.fill_null(earliest).to_numpy()])
    start = np.maximum(start, earliest)
    last = np.minimum(until.fill_null(_number(cutoff)).to_numpy(), _number(cutoff))
    length = np.maximum(last - start + 1, 0)
    offset = np.concatenate([[0], np.cumsum(length)[:-1]]) if length.size else length
    code = np.repeat(np.arange(length.size), length)
    week = np.arange(code.size) - offset[code] + start[code]
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
    settled = final & (delivered > 0)
    weeks = np.bincount(grid.code[settled], minlength=grid.length.size)
    with_returns = np.bincount(grid.code[settled & (returned > 0)], minlength=grid.length.size)
    usually: Bools = with_returns > USUAL * weeks
    sold_out: Bools = settled & (returned == 0) & usually[grid.code]
    return sold_out


def _number(week: date) -> int:
    return (week - _EPOCH).days // 7


def _weeks(number: Ints) -> pl.Series:
    days = (number * 7 + (_EPOCH - date(1970, 1, 1)).days).astype(np.int32)
    return pl.Series(days).cast(pl.Date)
