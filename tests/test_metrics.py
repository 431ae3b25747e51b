from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.metrics import bias, mape, measure, pooled, rmse0, rmse_all, skill, sums, wape


def rows(*triples: tuple[float | None, float], **columns: object) -> pl.DataFrame:
    """(units, forecast) rows; every functional is the same forecast."""
    units, hat = zip(*triples, strict=True) if triples else ((), ())
    frame = pl.DataFrame({"units": units, "mape": hat}, schema={"units": pl.Float64, "mape": pl.Float64})
    same = [pl.col("mape").alias("median"), pl.col("mape").alias("mean")]
    return frame.with_columns(*same, **{name: pl.lit(value) for name, value in columns.items()})


def test_mape_reads_only_rows_that_sold_something():
    assert rows((10, 9), (4, 6), (0, 3), (-2, 3)).select(mape()).item() == pytest.approx(0.3)


def test_a_metric_without_a_row_to_count_is_null_and_never_zero():
    found = measure(rows((0, 0), (0, 0))).row(0, named=True)
    assert (found["mape"], found["wape"], found["bias"], found["skill"]) == (None, None, None, None)
    assert (found["rmse0"], found["n"], found["n_zero"]) == (0.0, 2, 2)
    assert measure(rows((5, 5))).row(0, named=True)["rmse0"] is None


def test_no_rows_at_all_give_nulls_and_counts_of_zero():
    found = measure(rows()).row(0, named=True)
    assert [found[name] for name in ("mape", "rmse0", "rmse_all", "wape", "bias", "skill")] == [None] * 6
    assert (found["n"], found["n_zero"], found["n_negative"]) == (0, 0, 0)


def test_rmse0_reads_only_weeks_that_sold_nothing():
    assert rows((0, 3), (0, 1), (10, 90)).select(rmse0()).item() == pytest.approx(5**0.5)


def test_negative_units_count_in_rmse_wape_and_bias_but_not_in_mape_or_rmse0():
    frame = rows((-2, 1), (10, 10))
    assert frame.select(rmse_all()).item() == pytest.approx(4.5**0.5)
    assert frame.select(wape()).item() == pytest.approx(3 / 12)
    assert frame.select(bias()).item() == pytest.approx(3 / 8)
    assert frame.select(mape()).item() == 0
    assert frame.select(rmse0()).item() is None
    assert measure(frame)["n_negative"].item() == 1


def test_unknown_weeks_are_in_no_metric_and_no_count():
    frame = rows((10, 9), (None, 99), (float("nan"), 99))
    assert measure(frame)["n"].item() == 1
    assert measure(frame)["rmse_all"].item() == 1.0


def test_each_metric_reads_its_own_functional():
    frame = pl.DataFrame({"units": [10.0], "mape": [9.0], "median": [12.0], "mean": [15.0]})
    found = measure(frame).row(0, named=True)
    assert (found["mape"], found["wape"], found["rmse_all"]) == pytest.approx((0.1, 0.2, 5.0))
    assert (found["bias"], found["bias_mape"]) == pytest.approx((0.5, -0.1))


def test_a_missing_forecast_does_not_look_like_a_good_one():
    frame = rows((10, 9), (10, 9)).with_columns(mape=pl.Series([9.0, None]))
    assert frame.select(mape().is_nan()).item()


def test_skill_compares_on_the_rows_that_have_a_baseline():
    frame = rows((10, 9), (10, 0)).with_columns(baseline=pl.Series([5.0, None]))
    assert frame.select(skill()).item() == pytest.approx(0.8)
    assert measure(frame)["skill"].item() == pytest.approx(0.8)
    assert measure(frame)["baseline_mape"].item() == pytest.approx(0.5)


def test_skill_against_a_baseline_that_never_errs_is_null():
    assert rows((10, 9), baseline=10.0).select(skill()).item() is None


def test_fleet_figures_pool_numerators_and_denominators():
    frame = pl.concat([rows((1, 2), segment="a"), rows(*[(10.0, 10.0)] * 9, segment="b")])
    parts = sums(frame, ["segment"])
    assert pooled(parts)["mape"].item() == pytest.approx(0.1)  # not the mean of 1.0 and 0.0
    assert pooled(parts, ["segment"])["mape"].to_list() == [1.0, 0.0]


def test_metrics_come_per_group():
    frame = pl.concat([rows((10, 9), week=date(2026, 11, 9)), rows((10, 5), week=date(2026, 11, 16))])
    assert measure(frame, ["week"])["mape"].to_list() == pytest.approx([0.1, 0.5])


units = st.one_of(st.none(), st.integers(-5, 20).map(float))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(units, st.integers(0, 30).map(float), st.sampled_from("abc")), min_size=1, max_size=20)
)
def test_pooling_any_split_gives_the_figures_of_the_whole_and_of_the_expressions(triples):
    frame = rows(*[(u, hat) for u, hat, _ in triples]).with_columns(
        segment=pl.Series([s for *_, s in triples]), baseline=pl.lit(3.0)
    )
    whole = measure(frame).row(0, named=True)
    parts = pooled(sums(frame, ["segment"])).row(0, named=True)
    assert parts == {name: pytest.approx(value) for name, value in whole.items()}
    exprs = {
        "mape": mape(),
        "rmse0": rmse0(),
        "rmse_all": rmse_all(),
        "wape": wape(),
        "bias": bias(),
        "skill": skill(),
    }
    for name, expr in exprs.items():
        assert frame.select(expr).item() == pytest.approx(whole[name])
