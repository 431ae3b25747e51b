from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.domain.tables import SCORES
from fleetcast.monitoring import scores
from fleetcast.monitoring.scores import averages, between, maturity, summary, summed

CYCLE = date(2026, 11, 16)


def week(number: int) -> date:
    return CYCLE + timedelta(weeks=number)


def forecasts(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """(store, horizon, forecast) published in one cycle; every functional is the same."""
    frame = pl.DataFrame(rows, schema=["store", "horizon", "mape"], orient="row")
    return frame.with_columns(
        cycle=pl.lit(CYCLE),
        week=pl.Series([week(h) for _, h, _ in rows], dtype=pl.Date),
        product=pl.lit("cola"),
        segment=pl.lit("north-texas/large/fast"),
        release=pl.lit("r1"),
        median=pl.col("mape"),
        mean=pl.col("mape"),
    )


def demand(*rows: tuple[str, int, float | None], final: bool = True, censored: bool = False) -> pl.DataFrame:
    data = [(week(h), store, "cola", units, censored, final) for store, h, units in rows]
    columns = ["week", "store", "product", "units", "censored", "final"]
    return pl.DataFrame(data, schema=columns, schema_overrides={"units": pl.Float64}, orient="row")


def score(forecasts: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """Scored in one go, with baselines from demand that comes week by week."""
    cycles = forecasts["cycle"].unique().sort()
    weeks = demand.partition_by("week")
    return scores.score(forecasts, demand, averages([between(some, cycles) for some in weeks], cycles))


def test_a_forecast_is_scored_once_its_weeks_demand_is_known():
    found = score(forecasts(("0042", 1, 9), ("0042", 2, 9)), demand(("0042", 1, 10)))
    assert found.columns == SCORES.columns
    assert found.select("week", "units", "mape", "baseline", "final").rows() == [(week(1), 10, 9, None, True)]


def test_sold_out_and_unknown_weeks_are_not_scored():
    assert score(forecasts(("0042", 1, 9)), demand(("0042", 1, 10), censored=True)).is_empty()
    assert score(forecasts(("0042", 1, 9)), demand(("0042", 1, None))).is_empty()


def test_a_score_says_whether_its_demand_is_final():
    assert score(forecasts(("0042", 1, 9)), demand(("0042", 1, 10), final=False))["final"].to_list() == [
        False
    ]


def test_the_baseline_is_the_mean_of_the_known_weeks_up_to_the_cycle_where_there_are_any():
    sold = demand(("0042", -2, 3), ("0042", -1, None), ("0042", 0, 7), ("0042", 1, 10), ("0043", 1, 10))
    found = score(forecasts(("0042", 1, 9), ("0043", 1, 9)), sold)
    assert found["baseline"].to_list() == [5.0, None]
    assert summary(summed(found))["skill"].to_list() == pytest.approx([0.8])


def test_each_cycle_has_the_baseline_that_was_known_then():
    now = forecasts(("0042", 3, 9))
    earlier = now.with_columns(cycle=pl.lit(week(-1)), horizon=pl.lit(4, pl.Int64))
    sold = demand(("0042", -1, 2), ("0042", 0, 4), ("0042", 1, 100), ("0042", 3, 10))
    assert score(pl.concat([now, earlier]), sold).select("cycle", "baseline").rows() == [
        (week(-1), 2.0),
        (week(0), 3.0),
    ]


def test_figures_come_per_segment_week_and_horizon():
    found = score(forecasts(("0042", 1, 9), ("0043", 1, 5)), demand(("0042", 1, 10), ("0043", 1, 10)))
    found = found.with_columns(pl.Series("segment", ["a", "b"]))
    assert summary(summed(found))["mape"].to_list() == pytest.approx([0.1, 0.5])


def states(*rows: tuple[str, int, float | None], final: bool = True) -> list[tuple[object, ...]]:
    found = maturity(forecasts(("0042", 1, 9), ("0043", 1, 9)), demand(*rows, final=final), ["week"])
    return found.select("published", "known", "coverage", "state", "decided").rows()


def test_forecasts_are_predicted_then_provisional_then_final():
    assert states(("0042", 1, None)) == [(2, 0, 0.0, "predicted", False)]
    assert states(("0042", 1, 10), ("0043", 1, 10), final=False) == [(2, 2, 1.0, "provisional", True)]
    assert states(("0042", 1, 10), ("0043", 1, 10)) == [(2, 2, 1.0, "final", True)]


def test_figures_of_too_few_known_weeks_are_no_decision():
    assert states(("0042", 1, 10)) == [(2, 1, 0.5, "predicted", False)]
