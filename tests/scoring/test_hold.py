from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.scoring.failover import KEY, VALUES
from fleetcast.scoring.hold import decide, held
from fleetcast.settings import FailoverSettings

CYCLE = date(2026, 11, 9)
WEEK = timedelta(weeks=1)
THIRTY = FailoverSettings()


def found(bad: int, of: int) -> dict[str, str]:
    return {f"s{n:02d}": "output_gate" if n < bad else "" for n in range(of)}


def test_seventeen_of_fifty_six_that_would_fail_over_at_once_are_one_trouble_and_sixteen_are_not():
    hold = decide("short-term", found(17, 56), out=(), settings=THIRTY)
    assert hold is not None
    assert hold.reason.startswith(
        "17 of 56 short-term champions would fail over at once (17 output_gate), more than 30 %"
    )
    assert decide("short-term", found(16, 56), out=(), settings=THIRTY) is None


def test_those_that_had_failed_over_before_hold_nobody():
    bad = found(17, 56)
    assert decide("short-term", bad, out={"s00"}, settings=THIRTY) is None


def test_two_champions_are_never_the_whole_fleet_however_small_it_is():
    assert decide("short-term", found(2, 2), out=(), settings=THIRTY) is None


def test_a_share_of_one_holds_nothing_ever():
    assert decide("short-term", found(56, 56), out=(), settings=FailoverSettings(hold_share=1)) is None


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_who_fails_newly_is_named_and_nobody_else(bad, good, before):
    fleet = found(bad, bad + good)
    out = set(list(fleet)[: min(before, bad)])
    hold = decide("short-term", fleet, out=out, settings=THIRTY)
    news = {segment for segment, code in fleet.items() if code} - out
    assert (hold is not None) == (len(news) >= 3 and len(news) > 0.3 * len(fleet))
    assert hold is None or hold.failing.keys() == news


def rows(*stores: str, value: float, model: str = "m") -> pl.DataFrame:
    data = [(CYCLE + WEEK, store, "cola", model, *([value] * len(VALUES))) for store in stores]
    texts = {"week": pl.Date, "store": pl.String, "product": pl.String, "model": pl.String}
    return pl.DataFrame(data, schema=texts | dict.fromkeys(VALUES, pl.Float64), orient="row")


def made(*stores: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A cycle's rows as its champions made them."""
    common = rows(*stores, value=9.0).with_columns(
        cycle=pl.lit(CYCLE),
        horizon=pl.lit(1, pl.Int64),
        segment=pl.lit("a/b"),
        release=pl.lit("r"),
        failover=pl.lit("champion"),
        state=pl.lit("champion"),
        reason=pl.lit("ok"),
    )
    return common.select(FORECASTS.columns), common.select(COMPLETENESS.columns)


def test_last_weeks_forecast_takes_the_place_of_every_row_and_a_new_series_keeps_its_own():
    forecasts, accounted = held(*made("1", "2"), rows("1", value=4.0, model="then"), cycle=CYCLE, release="r")
    assert forecasts.select("store", "failover", "model", "median").rows() == [
        ("1", "carried_forward", "then", 4.0),
        ("2", "champion", "m", 9.0),
    ]
    assert accounted.select("store", "state", "reason").rows() == [
        ("1", "carried_forward", "held"),
        ("2", "champion", "held"),
    ]
    assert forecasts.select(KEY).equals(accounted.select(KEY))


def test_holding_twice_is_as_holding_once():
    carried = rows("1", value=4.0)
    once = held(*made("1", "2"), carried, cycle=CYCLE, release="r")
    twice = held(*once, carried, cycle=CYCLE, release="r")
    for first, second in zip(once, twice, strict=True):
        assert_frame_equal(first, second)
