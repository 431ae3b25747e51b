"""What a policy of order quantities costs: its lost sales and its returns, at their prices.

A policy is a column of quantities brought, in units per week. Demand is `units`, at least 0: of what is ordered,
the demand is sold and the rest comes back, and demand beyond the order is lost. So demand = sold + lost and
order = sold + returned, row by row. `lost` and `returned` are money per unit: numbers, or expressions over the row.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from fleetcast.resampling import interval

Money = float | pl.Expr

SUMS = ("demand", "ordered", "sold", "lost", "returned", "lost_money", "returned_money", "cost")
SAVING = ("saving", "saving_low", "saving_high", "share", "share_low", "share_high")


def sold_units(units: str = "units", order: str = "order") -> pl.Expr:
    """Units sold of an order: all that is wanted, at most what was brought."""
    return pl.min_horizontal(_demand(units), pl.col(order))


def lost_units(units: str = "units", order: str = "order") -> pl.Expr:
    """Units wanted beyond the order; where `units` is censored, at least so many."""
    return (_demand(units) - pl.col(order)).clip(lower_bound=0)


def returned_units(units: str = "units", order: str = "order") -> pl.Expr:
    """Units ordered beyond the demand, which come back."""
    return (pl.col(order) - _demand(units)).clip(lower_bound=0)


def cost(units: str = "units", order: str = "order", *, lost: Money = 1.0, returned: Money = 1.0) -> pl.Expr:
    """Money an order loses over the rows of known units: lost sales and returns at their prices; null where no row counts.

    A row of known units without an order or a price makes it NaN: no policy looks good by leaving rows out.

    >>> rows = pl.DataFrame({"units": [10.0, 4.0, None], "order": [8.0, 5.0, 7.0]})
    >>> rows.select(cost(lost=3.0, returned=1.0)).item()
    7.0
    """
    known = _known(pl.col(units))
    money = lost_units(units, order) * _money(lost) + returned_units(units, order) * _money(returned)
    return pl.when(known.any()).then(money.fill_null(float("nan")).filter(known).sum()).alias("cost")


def level(*, lost: float, returned: float) -> float:
    """The quantile of demand that is cheapest to order when a lost and a returned unit cost so much (newsvendor).

    >>> level(lost=3.0, returned=1.0)
    0.75
    """
    return lost / (lost + returned)


def uncounted(policies: Sequence[str], *, lost: Money, returned: Money) -> pl.Expr:
    """Why a row cannot be priced: `unknown_demand`, `no_price`, or `no_order` of one of the policies; null where it can."""
    orders = pl.all_horizontal(_known(pl.col(policy)) for policy in policies)
    return (
        pl.when(~_known(pl.col("units")))
        .then(pl.lit("unknown_demand"))
        .when(~(_known(_money(lost)) & _known(_money(returned))))
        .then(pl.lit("no_price"))
        .when(~orders)
        .then(pl.lit("no_order"))
    )


def price(
    rows: pl.DataFrame,
    policies: Sequence[str],
    *,
    lost: Money,
    returned: Money,
    seed: int,
    by: Sequence[str] = (),
) -> pl.DataFrame:
    """Price policies on the same rows of `week, units` and a column of orders for each policy: one row per group and policy.

    Only rows that can be priced for every policy count (`uncounted` says of the others why not). Columns:

    - `by…`, `policy`; `n` rows and `weeks` of them; `n_censored`: of those rows, sold-out weeks (column `censored`, if
      there is one). Their units are a lower bound, so lost sales there are at least what stands here; give estimated
      units instead to price the whole loss
    - `demand`, `ordered`, `sold`, `lost`, `returned` in units; `lost_money`, `returned_money`, `cost` in money
    - `per_unit`: cost per unit of demand; `service`: share of demand filled; `in_stock`: share of rows that lost nothing
    - `saving`: cost of this policy less that of the first one, so above 0 the first one saves; `share` is it as a share
      of this policy's cost. Both with paired 90 % intervals over weeks (`_low`, `_high`; null for fewer than two
      weeks). Null for the first policy itself

    Without `by` there is a row of each policy even when no row counts: `n` 0, and null.
    """
    counted = rows.filter(uncounted(policies, lost=lost, returned=returned).is_null())
    censored = (
        pl.col("censored").fill_null(value=False) if "censored" in rows.columns else pl.lit(value=False)
    )
    weekly = pl.concat(
        counted.group_by(*by, "week", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            (censored & pl.col("units").is_not_null()).sum().cast(pl.Int64).alias("n_censored"),
            *_sums(policy, lost=lost, returned=returned),
        )
        .with_columns(pl.lit(policy).alias("policy"))
        for policy in policies
    )
    found = _pooled(weekly, by)
    savings = _savings(weekly, policies, by=by, seed=seed)
    asked = pl.DataFrame({"policy": policies}, schema={"policy": pl.String}).with_row_index("_place")
    return (
        found.join(savings, on=[*by, "policy"], how="left", nulls_equal=True)
        .join(asked, on="policy", how="left" if by else "right")
        .with_columns(pl.col("n", "weeks", "n_censored").fill_null(0))
        .select(*by, "policy", pl.exclude(*by, "policy"))
        .sort(*by, "_place")
        .drop("_place")
    )


def _sums(policy: str, *, lost: Money, returned: Money) -> list[pl.Expr]:
    short, back = lost_units(order=policy), returned_units(order=policy)
    lost_money, returned_money = short * _money(lost), back * _money(returned)
    columns = {
        "demand": _demand("units"),
        "ordered": pl.col(policy),
        "sold": sold_units(order=policy),
        "lost": short,
        "returned": back,
        "lost_money": lost_money,
        "returned_money": returned_money,
        "cost": lost_money + returned_money,
        "n_in_stock": short <= 0,
    }
    return [column.cast(pl.Float64).sum().alias(name) for name, column in columns.items()]


def _pooled(weekly: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    totals = weekly.group_by(*by, "policy", maintain_order=True).agg(
        pl.col("n", "n_censored").sum(),
        pl.len().cast(pl.Int64).alias("weeks"),
        pl.col(*SUMS, "n_in_stock").sum(),
    )
    return totals.select(
        *by,
        "policy",
        "n",
        "weeks",
        "n_censored",
        *SUMS,
        _ratio("cost", "demand").alias("per_unit"),
        _ratio("sold", "demand").alias("service"),
        _ratio("n_in_stock", "n").alias("in_stock"),
    )


def _savings(weekly: pl.DataFrame, policies: Sequence[str], *, by: Sequence[str], seed: int) -> pl.DataFrame:
    """What the first policy saves against each other one, per group."""
    wide = weekly.pivot("policy", index=[*by, "week"], values="cost").sort(*by, "week")
    groups = wide.partition_by(by, as_dict=True) if by else {(): wide}
    rows = [
        {**dict(zip(by, key, strict=True)), "policy": other, **_saving(mine, policies[0], other, seed)}
        for key, mine in groups.items()
        for other in policies[1:]
        if mine.height
    ]
    schema = {name: weekly.schema[name] for name in (*by, "policy")} | dict.fromkeys(SAVING, pl.Float64)
    return pl.DataFrame(rows, schema=schema)


def _saving(weekly: pl.DataFrame, first: str, other: str, seed: int) -> dict[str, float | None]:
    ours, theirs = (weekly[name].to_numpy() for name in (first, other))
    total = float(theirs.sum() - ours.sum())
    share = total / float(theirs.sum()) if theirs.sum() > 0 else None
    low, high = interval([ours, theirs], seed, lambda a, b: b - a)
    least, most = interval([ours, theirs], seed, lambda a, b: (b - a) / np.where(b > 0, b, np.nan))
    return dict(zip(SAVING, (total, low, high, share, least, most), strict=True))


def _demand(units: str) -> pl.Expr:
    """More came back than was brought: nothing was wanted."""
    return pl.col(units).clip(lower_bound=0)


def _money(money: Money) -> pl.Expr:
    return money if isinstance(money, pl.Expr) else pl.lit(money, pl.Float64)


def _known(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Float64).is_finite().fill_null(value=False)


def _ratio(over: str, under: str) -> pl.Expr:
    return pl.when(pl.col(under) > 0).then(pl.col(over) / pl.col(under))
