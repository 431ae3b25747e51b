"""Intervals from the errors of past rounds."""

import numpy as np
import polars as pl
import pytest

from fleetcast.models.conformal import calibrate, load

QUANTILES = ["q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]


def rounds(
    n: int, *, spread: float = 0.3, group: str = "juice", horizon: int = 1, seed: int = 1
) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    median = random.uniform(5, 50, n)
    units = np.expm1(np.log1p(median) + spread * random.standard_t(4, n))
    return pl.DataFrame({"group": group, "horizon": horizon, "units": np.maximum(units, 0), "median": median})


def coverage(frame: pl.DataFrame, low: str, high: str) -> float:
    return frame.select(pl.col("units").is_between(low, high).mean()).item()


def test_intervals_cover_what_they_promise():
    covered = calibrate(rounds(2000)).apply(rounds(4000, seed=2))
    assert coverage(covered, "q0.1", "q0.9") == pytest.approx(0.80, abs=0.03)
    assert coverage(covered, "q0.025", "q0.975") == pytest.approx(0.95, abs=0.02)


def test_each_group_and_horizon_has_its_own_width():
    steady, wild = rounds(500, spread=0.1, group="steady"), rounds(500, spread=0.6, group="wild")
    wide = calibrate(pl.concat([steady, wild])).apply(
        pl.DataFrame({"group": ["steady", "wild"], "horizon": [1, 1], "median": [20.0, 20.0]})
    )
    width = (wide["q0.9"] - wide["q0.1"]).to_list()
    assert width[1] > 3 * width[0]


def doubtful(n: int, *, seed: int = 1) -> pl.DataFrame:
    """Forecasts half of which are in doubt: their errors are three times as wide, and their `mape` lies lower."""
    random = np.random.default_rng(seed)
    spread = np.where(random.random(n) < 0.5, 0.2, 0.6)
    median = random.uniform(20, 50, n)
    units = np.expm1(np.log1p(median) + spread * random.standard_normal(n))
    mape = np.expm1(np.log1p(median) - (spread - 0.2))
    columns = {"units": np.maximum(units, 0), "median": median, "mape": mape, "spread": spread}
    return pl.DataFrame({"group": "juice", "horizon": 1, **columns})


def test_a_forecast_in_doubt_gets_a_wider_interval_and_both_kinds_are_covered():
    covered = calibrate(doubtful(4000)).apply(doubtful(4000, seed=2))
    for _, kind in covered.group_by("spread"):
        assert coverage(kind, "q0.1", "q0.9") == pytest.approx(0.80, abs=0.04)


def test_without_a_forecast_for_percentages_all_intervals_are_alike():
    apart = calibrate(doubtful(2000).drop("mape")).apply(doubtful(50, seed=2))
    ratios = (1 + apart["q0.9"]) / (1 + apart["median"])
    assert ratios.max() == pytest.approx(ratios.min())


def test_scaled_intervals_are_stored_and_loaded_again():
    intervals = calibrate(doubtful(500))
    asked = doubtful(20, seed=3)
    assert load(intervals.dump()).apply(asked).equals(intervals.apply(asked))


def test_a_small_or_unknown_group_takes_the_errors_of_all():
    intervals = calibrate(pl.concat([rounds(500), rounds(5, spread=9.0, group="tiny")]))
    asked = pl.DataFrame({"group": ["tiny", "unheard", "juice"], "horizon": [1, 1, 9], "median": [20.0] * 3})
    out = intervals.apply(asked)
    assert out["q0.9"][0] == out["q0.9"][1]
    assert out.select(pl.all_horizontal(pl.col(QUANTILES).is_finite())).to_series().all()


def test_a_group_without_a_name_is_a_group():
    intervals = calibrate(pl.concat([rounds(300, group=""), rounds(300, group="juice", spread=0.9)]))
    assert intervals.apply(rounds(20, group="")).height == 20


def test_quantiles_rise_are_not_negative_and_the_middle_is_the_median():
    out = calibrate(rounds(300, spread=2.0)).apply(rounds(200, seed=5))
    numbers = out.select(QUANTILES).to_numpy()
    assert (np.diff(numbers, axis=1) >= 0).all()
    assert (numbers >= 0).all()
    np.testing.assert_allclose(out["q0.5"], out["median"], rtol=1e-9)


def test_unknown_weeks_do_not_count():
    known = rounds(300)
    unknown = known.with_columns(units=pl.lit(None, pl.Float64))
    assert calibrate(pl.concat([known, unknown])).offsets.equals(calibrate(known).offsets)


def test_without_rounds_the_median_stands_for_every_quantile():
    out = calibrate(rounds(0)).apply(pl.DataFrame({"group": ["juice"], "horizon": [1], "median": [7.0]}))
    np.testing.assert_allclose(out.select(QUANTILES).row(0), [7.0] * 5)


def test_dumped_intervals_load_as_themselves():
    intervals = calibrate(rounds(300))
    asked = rounds(20, seed=7)
    assert load(intervals.dump()).apply(asked).equals(intervals.apply(asked))


def test_a_horizon_nobody_has_judged_yet_takes_the_next_longer_ones_width_and_beyond_the_longest_a_wider_one():
    judged = pl.concat([rounds(400, spread=0.1, horizon=4), rounds(400, spread=0.3, horizon=13)])
    asked = pl.DataFrame({"group": "juice", "horizon": [4, 8, 13, 52], "median": [20.0] * 4})
    found = calibrate(judged).apply(asked)
    four, eight, thirteen, year = (
        ((pl.col("q0.9") + 1).log() - (pl.col("q0.1") + 1).log()).pipe(found.select).to_series()
    )
    assert four < eight == pytest.approx(thirteen)
    assert year == pytest.approx(thirteen * 4**0.2)


@pytest.mark.parametrize("share", [0.4, 2.5])
def test_the_middle_stays_the_median_even_where_all_errors_were_to_one_side(share):
    one_sided = rounds(400, spread=0.05).with_columns(units=pl.col("median") * share)
    asked = rounds(20, seed=3)
    out = calibrate(one_sided).apply(asked)
    np.testing.assert_allclose(out["q0.5"], asked["median"], rtol=1e-9)
    assert (np.diff(out.select(QUANTILES).to_numpy(), axis=1) >= 0).all()
