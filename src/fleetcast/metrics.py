"""The accuracy metrics: expressions over rows of units and forecasts, pooled by adding numerators and denominators.

`mape` reads the `mape` forecast, `wape` the median, `rmse0`, `rmse_all` and `bias` the mean. All are fractions
or units, and null (never 0) when no row counts. Rows of unknown units (null or NaN) are in no metric; rows of
negative units count in `rmse_all`, `wape` and `bias` only.
"""

from collections.abc import Sequence

import polars as pl

METRICS = ("mape", "rmse0", "rmse_all", "wape", "bias", "bias_mape", "skill")
COUNTS = ("n", "n_zero", "n_negative")


def mape(units: str = "units", units_hat: str = "mape") -> pl.Expr:
    """Mean absolute percentage error over the rows that sold something.

    >>> pl.DataFrame({"units": [10.0, 0.0], "mape": [9.0, 3.0]}).select(mape()).item()
    0.1
    """
    return (_error(units, units_hat).abs() / pl.col(units)).filter(_sold(units)).mean()


def rmse0(units: str = "units", units_hat: str = "mean") -> pl.Expr:
    """Root mean squared error over the rows that sold nothing, in units."""
    return (_error(units, units_hat) ** 2).filter(pl.col(units) == 0).mean().sqrt()


def rmse_all(units: str = "units", units_hat: str = "mean") -> pl.Expr:
    """Root mean squared error over all rows, in units."""
    return (_error(units, units_hat) ** 2).filter(_known(units)).mean().sqrt()


def wape(units: str = "units", units_hat: str = "median") -> pl.Expr:
    """Sum of absolute errors over the sum of absolute units."""
    error, size = _error(units, units_hat).abs(), pl.col(units).abs()
    return _ratio(error.filter(_known(units)).sum(), size.filter(_known(units)).sum())


def bias(units: str = "units", units_hat: str = "mean") -> pl.Expr:
    """Sum of errors over the sum of units; above 0 is too much. Null when the units do not sum to more than 0."""
    known = _known(units)
    return _ratio(_error(units, units_hat).filter(known).sum(), pl.col(units).filter(known).sum())


def skill(units: str = "units", units_hat: str = "mape", baseline: str = "baseline") -> pl.Expr:
    """1 − mape / mape of the baseline, both over the rows that have a baseline; null when the baseline never errs."""
    rows = _sold(units) & _known(baseline)
    model = (_error(units, units_hat).abs() / pl.col(units)).filter(rows).sum()
    naive = ((pl.col(baseline) - pl.col(units)).abs() / pl.col(units)).filter(rows).sum()
    return 1 - _ratio(model, naive)


def measure(rows: pl.DataFrame, by: Sequence[str] = (), *, baseline: str | None = "baseline") -> pl.DataFrame:
    """All metrics and counts of rows with `units`, `mape`, `median`, `mean`: one row per group, or one in all."""
    return pooled(sums(rows, by, baseline=baseline), by)


def sums(rows: pl.DataFrame, by: Sequence[str] = (), *, baseline: str | None = "baseline") -> pl.DataFrame:
    """What metrics are made of, per group, in columns that add up: keep these, and any coarser figure is `pooled`."""
    parts = _parts(baseline if baseline is not None and baseline in rows.columns else None)
    if not by:
        return rows.select(parts)
    return rows.group_by(by, maintain_order=True).agg(parts).sort(by)


def pooled(sums: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Metrics of groups from their sums, numerators and denominators each added first."""
    added = pl.col(_PARTS).sum()
    totals = sums.group_by(by, maintain_order=True).agg(added).sort(by) if by else sums.select(added)
    return totals.select(
        *by,
        _over("ape", "n_sold").alias("mape"),
        _over("se_zero", "n_zero").sqrt().alias("rmse0"),
        _over("se", "n").sqrt().alias("rmse_all"),
        _over("ae", "size").alias("wape"),
        _over("error", "units_sum").alias("bias"),
        _over("error_mape", "units_sum").alias("bias_mape"),
        (1 - _over("ape_beside", "ape_baseline")).alias("skill"),
        _over("ape_baseline", "n_beside").alias("baseline_mape"),
        "n",
        "n_zero",
        "n_negative",
    )


_PARTS = [
    "ape",
    "n_sold",
    "se_zero",
    "n_zero",
    "se",
    "n",
    "ae",
    "size",
    "error",
    "error_mape",
    "units_sum",
    "ape_beside",
    "ape_baseline",
    "n_beside",
    "n_negative",
]


def _parts(baseline: str | None) -> list[pl.Expr]:
    units, known, sold = pl.col("units"), _known("units"), _sold("units")
    ape = _error("units", "mape").abs() / units
    squared = _error("units", "mean") ** 2
    beside = sold & _known(baseline) if baseline else pl.lit(value=False)
    naive = (pl.col(baseline) - units).abs() / units if baseline else ape
    count = {
        "n": known,
        "n_sold": sold,
        "n_zero": units == 0,
        "n_negative": known & (units < 0),
        "n_beside": beside,
    }
    return [
        ape.filter(sold).sum().alias("ape"),
        squared.filter(units == 0).sum().alias("se_zero"),
        squared.filter(known).sum().alias("se"),
        _error("units", "median").abs().filter(known).sum().alias("ae"),
        units.abs().filter(known).sum().alias("size"),
        _error("units", "mean").filter(known).sum().alias("error"),
        _error("units", "mape").filter(known).sum().alias("error_mape"),
        units.filter(known).sum().alias("units_sum"),
        ape.filter(beside).sum().alias("ape_beside"),
        naive.filter(beside).sum().alias("ape_baseline"),
        *(
            (rows.sum() if baseline or name != "n_beside" else pl.lit(0)).cast(pl.Int64).alias(name)
            for name, rows in count.items()
        ),
    ]


def _error(units: str, units_hat: str) -> pl.Expr:
    """Forecast minus units; a missing forecast is not a number, so that no metric can look good by leaving rows out."""
    return pl.col(units_hat).fill_null(float("nan")) - pl.col(units)


def _known(column: str) -> pl.Expr:
    return (pl.col(column).is_not_null() & pl.col(column).is_not_nan()).fill_null(value=False)


def _sold(units: str) -> pl.Expr:
    return _known(units) & (pl.col(units) > 0)


def _ratio(over: pl.Expr, under: pl.Expr) -> pl.Expr:
    return pl.when(under > 0).then(over / under)


def _over(numerator: str, denominator: str) -> pl.Expr:
    return _ratio(pl.col(numerator), pl.col(denominator))
