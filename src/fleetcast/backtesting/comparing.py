"""What judged rounds say: each contender's errors, who is better and where, and how much forecasts move between runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.metrics import measure
from fleetcast.resampling import interval

ROW = ["origin", "week", "store", "product"]
BASELINE = "historical mean"  # what `skill` is against
SHOWN = ("mape", "skill", "wape", "bias", "bias_mape", "rmse_all", "n", "n_zero")
EXPLAINED = ("n", "share", "first", "second", "contribution")
ASPECTS = ("segment", "horizon", "group", "product", "size", "week")  # what a difference is broken down by
FIRST_LOOK = ("segment", "product", "week")  # where it is looked for first
SIZES = (2.0, 5.0, 10.0, 25.0)  # units per week that part the sizes of a series' sales


def figures(rounds: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """The metrics of every contender, per value of `by`; `skill` is against the historical mean on the same rows.

    With quantile columns also the shares of rows inside the 80 and 95 % intervals.
    """
    average = rounds.filter(contender=BASELINE).select(*ROW, pl.col("mape").alias("baseline"))
    beside = rounds.join(average, on=ROW, how="left", maintain_order="left")
    keys = ["contender", *by]
    found = measure(beside, keys).select(*keys, *SHOWN)
    if "q0.1" in rounds.columns:
        inside = {
            f"coverage{share}": pl.col("units").is_between(f"q{low}", f"q{high}").mean()
            for share, low, high in ((80, 0.1, 0.9), (95, 0.025, 0.975))
        }
        found = found.join(rounds.group_by(keys).agg(**inside), on=keys, how="left")
    order = {name: place for place, name in enumerate(rounds["contender"].unique(maintain_order=True))}
    return found.sort(pl.col("contender").replace_strict(order), *by, maintain_order=True)


@dataclass(frozen=True, slots=True)
class Difference:
    """MAPE of one contender less that of another on the same rows (< 0: the first is better), with a 90 % interval.

    Of one week alone there is a value and no interval.
    """

    first: str
    second: str
    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def difference(rounds: pl.DataFrame, first: str, second: str, *, seed: int) -> Difference:
    """How much better one contender is than another; whole weeks are resampled."""
    return _difference(paired(rounds, first, second), first, second, seed)


def _difference(pairs: pl.DataFrame, first: str, second: str, seed: int) -> Difference:
    if not pairs.height:
        return Difference(first, second, None, None, None, 0)
    weekly = pairs.group_by("week").agg(pl.col("first", "second").sum(), pl.len()).sort("week")
    sums = [weekly[name].cast(pl.Float64).to_numpy() for name in ("first", "second", "len")]
    low, high = interval(sums, seed, lambda a, b, n: (a - b) / n)
    value = pairs.select((pl.col("first") - pl.col("second")).mean()).item()
    return Difference(first, second, float(value), low, high, pairs.height)


def differences(
    rounds: pl.DataFrame, first: str, second: str, *, by: str, seed: int
) -> dict[str, Difference]:
    """`difference` for each value of a column on which both have rows that sold something."""
    pairs = paired(rounds, first, second)
    return {
        str(value): _difference(mine, first, second, seed)
        for (value,), mine in sorted(pairs.group_by(by), key=lambda item: str(item[0][0]))
    }


def explained(rounds: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
    """Where a difference comes from: `aspect, value, n, share, first, second, contribution`.

    `contribution` is the part of the whole difference in MAPE that the rows of one value make: per aspect they add
    up to it. `share` is their share of the rows, `first` and `second` are the contenders' MAPE there.
    """
    pairs = paired(rounds, first, second).with_columns(_size().alias("size"))
    total = max(pairs.height, 1)
    frames = [
        pairs.group_by(aspect)
        .agg(
            pl.col("units").min().alias("smallest"),
            pl.len().alias("n"),
            (pl.len() / total).alias("share"),
            pl.col("first", "second").mean(),
            ((pl.col("first") - pl.col("second")).sum() / total).alias("contribution"),
        )
        .sort("smallest" if aspect == "size" else aspect)
        .select(pl.lit(aspect).alias("aspect"), pl.col(aspect).cast(pl.String).alias("value"), *EXPLAINED)
        for aspect in ASPECTS
    ]
    return pl.concat(frames)


def largest(explained: pl.DataFrame, *, most: int = 3) -> pl.DataFrame:
    """Of an `explained` difference the segments, products and weeks that make most of it, with `of_whole`: their share.

    What goes against the difference is left out, and so is an aspect of one value alone.
    """
    of_whole = pl.col("contribution") / pl.col("contribution").sum().over("aspect")
    order = pl.col("aspect").replace_strict({name: place for place, name in enumerate(FIRST_LOOK)})
    return (
        explained.filter(pl.col("aspect").is_in(FIRST_LOOK), pl.len().over("aspect") > 1)
        .with_columns(of_whole.alias("of_whole"))
        .filter(pl.col("of_whole").is_finite() & (pl.col("of_whole") > 0))
        .sort(order, "of_whole", "value", descending=[False, True, False])
        .group_by("aspect", maintain_order=True)
        .head(most)
    )


def paired(rounds: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
    """The rows that sold something, with the absolute percentage errors of two contenders side by side."""
    there = set(rounds["contender"].unique())
    for name in (first, second):
        if name not in there:
            raise UsageError(f"{name!r} did not take part: there are {', '.join(sorted(there))}")
    ape = (pl.col("mape") - pl.col("units")).abs() / pl.col("units")
    sold = rounds.filter(pl.col("units") > 0)
    theirs = sold.filter(contender=second).select(*ROW, ape.alias("second"))
    return sold.filter(contender=first).with_columns(ape.alias("first")).join(theirs, on=ROW)


def revisions(rounds: pl.DataFrame, *, column: str = "median") -> pl.DataFrame:
    """How much a week's forecast moves from one origin to the next: `contender, n, moved, typical`.

    `moved` is Σ |new − old| / Σ old of all pairs of forecasts of the same week and series from neighbouring origins,
    `typical` the median of |log((1 + new) / (1 + old))|. No pair, no value.
    """
    ordered = rounds.sort("contender", "store", "product", "week", "origin", maintain_order=True)
    same = ["contender", "store", "product", "week"]
    old, new = pl.col(column).shift(1).over(same), pl.col(column)
    moved = (new - old).abs()
    pairs = ordered.select(
        "contender", moved.alias("moved"), old.alias("old"), (new.log1p() - old.log1p()).abs().alias("log")
    )
    return (
        pairs.drop_nulls("old")
        .group_by("contender", maintain_order=True)
        .agg(
            pl.len().alias("n"),
            pl.when(pl.col("old").sum() > 0).then(pl.col("moved").sum() / pl.col("old").sum()).alias("moved"),
            pl.col("log").median().alias("typical"),
        )
    )


def _size() -> pl.Expr:
    """Which of `SIZES` the units of a row lie between."""
    size = pl.lit(f"over {SIZES[-1]:g}")
    for low, high in reversed(list(pairwise((0.0, *SIZES)))):
        size = pl.when(pl.col("units") <= high).then(pl.lit(f"{low:g} to {high:g}")).otherwise(size)
    return size
