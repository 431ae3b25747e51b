from datetime import date

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import WEEK, label, weeks
from fleetcast.monitoring.degradation import Degradation, degradation
from fleetcast.settings import MonitoringSettings

LAST = date(2026, 11, 16)
SETTINGS = MonitoringSettings()
USUAL = 0.3


def errors(length: int = 34, segments: int = 20, deviation: float = 0.1) -> pl.DataFrame:
    """Healthy errors of segments s00, s01 …, up to the last week."""
    random = np.random.default_rng(7)
    mape = USUAL * np.exp(random.normal(0, deviation, (segments, length)))
    dates = weeks(LAST - (length - 1) * WEEK, LAST)
    frame = pl.DataFrame(
        {
            "segment": np.repeat([f"s{number:02d}" for number in range(segments)], length),
            "week": dates * segments,
            "mape": mape.ravel(),
        }
    )
    return frame.with_columns(coverage=pl.lit(1.0), final=pl.lit(value=True))


def changed(frame: pl.DataFrame, since: int, by: float | None, *, segment: str = "s00") -> pl.DataFrame:
    """The errors of a segment's newest `since` weeks changed; by None: nothing was sold."""
    at = (pl.col("segment") == segment) & (pl.col("week") > LAST - since * WEEK)
    return frame.with_columns(pl.when(at).then(pl.col("mape") + by).otherwise("mape").alias("mape"))


def judged(frame: pl.DataFrame, segment: str = "s00", **settings: object) -> Degradation:
    own = SETTINGS.model_copy(update=settings)
    return {one.segment: one for one in degradation(frame, week=LAST, settings=own, seed=1)}[segment]


def test_errors_as_ever_raise_no_alarm():
    states = [one.state for one in degradation(errors(), week=LAST, settings=SETTINGS, seed=1)]
    assert "alarm" not in states
    assert "no decision" not in states


def test_twelve_points_more_are_found_within_four_weeks_and_dated():
    found = judged(changed(errors(), 4, 0.12))
    assert found.state == "alarm"
    assert LAST - 4 * WEEK < found.since <= LAST
    assert found.late - found.usual > 0.08
    assert found.reason.endswith(f"higher than chance makes it, since {label(found.since)}")


def test_one_terrible_week_is_no_alarm():
    assert judged(changed(errors(), 1, 2.0)).state != "alarm"


def test_fewer_errors_are_no_alarm():
    assert judged(changed(errors(), 4, -0.15)).state == "ok"


def test_two_bad_weeks_of_three_are_an_alarm_though_the_one_between_was_good():
    frame = changed(errors(), 3, 0.25)
    between = (pl.col("segment") == "s00") & (pl.col("week") == LAST - WEEK)
    found = judged(frame.with_columns(pl.when(between).then(USUAL).otherwise("mape").alias("mape")))
    assert found.state == "alarm"
    assert found.evidence[1].value > found.evidence[1].limit


def test_a_bad_reference_week_does_not_hide_what_comes_later():
    frame = errors()
    bad = (pl.col("segment") == "s00") & (pl.col("week") < LAST - 28 * WEEK)
    frame = frame.with_columns(pl.when(bad).then(3.0).otherwise("mape").alias("mape"))
    assert judged(changed(frame, 4, 0.12)).state == "alarm"


def test_the_verdict_does_not_know_later_weeks():
    earlier = LAST - 10 * WEEK
    calm, spiked = errors(), changed(errors(), 9, 0.5)
    now = degradation(calm, week=earlier, settings=SETTINGS, seed=1)
    assert now == degradation(spiked, week=earlier, settings=SETTINGS, seed=1)


def test_a_verdict_is_the_same_each_time():
    once, again = (degradation(errors(), week=LAST, settings=SETTINGS, seed=1) for _ in range(2))
    assert once == again


def test_a_week_of_which_too_little_is_known_is_no_decision():
    newest = (pl.col("segment") == "s00") & (pl.col("week") == LAST)
    frame = errors().with_columns(pl.when(newest).then(0.815).otherwise("coverage").alias("coverage"))
    found = judged(frame)
    assert (found.state, found.reason) == (
        "no decision",
        "81.5 % of the demand of 2026w47 is known, less than 95 %",
    )


def test_a_week_in_which_nothing_was_sold_is_no_decision():
    assert judged(changed(errors(), 1, None)).reason == "nothing was sold in 2026w47"


def test_a_forecast_that_is_not_a_number_is_no_decision():
    assert judged(changed(errors(), 1, float("nan"))).reason == "a forecast of 2026w47 is not a number"


def test_a_segment_that_was_not_forecast_is_no_decision():
    frame = errors().filter((pl.col("segment") != "s00") | (pl.col("week") < LAST))
    assert judged(frame).reason == "no forecast of 2026w47 has been held against its demand"


def test_a_young_segment_says_how_many_weeks_it_lacks():
    frame = errors().filter((pl.col("segment") != "s00") | (pl.col("week") > LAST - 8 * WEEK))
    assert judged(frame).reason == "8 weeks have an error to decide on; 9 are needed"


def test_a_fleet_of_a_few_weeks_is_watched_from_its_ninth():
    young = errors(length=12)
    assert judged(young).state in {"ok", "watch"}
    assert judged(young).reference_weeks == 8
    assert judged(changed(young, 4, 0.2)).state == "alarm"


def test_gaps_in_the_weeks_are_stepped_over():
    frame = errors().filter((pl.col("week").dt.ordinal_day() % 3 > 0) | (pl.col("week") >= LAST - 5 * WEEK))
    assert judged(changed(frame, 4, 0.15)).state == "alarm"


def test_a_verdict_says_how_much_of_it_may_still_change():
    frame = changed(errors(), 4, 0.15).with_columns(final=pl.col("week") <= LAST - 3 * WEEK)
    found = judged(frame)
    assert found.provisional == 3
    assert found.reason.endswith("; 3 of the watched weeks may still change")


def test_a_week_that_is_as_bad_every_year_is_expected_of_all():
    frame = errors(length=60)
    holidays = pl.col("week").is_in([LAST, LAST - WEEK, LAST - 52 * WEEK, LAST - 53 * WEEK])
    known = frame.with_columns(pl.when(holidays).then(pl.col("mape") * 1.3).otherwise("mape").alias("mape"))
    new = frame.with_columns(
        pl.when(pl.col("week") >= LAST - WEEK).then(pl.col("mape") * 1.3).otherwise("mape").alias("mape")
    )
    alarms = [
        sum(one.state == "alarm" for one in degradation(f, week=LAST, settings=SETTINGS, seed=1))
        for f in (known, new)
    ]
    assert alarms[0] < alarms[1]


@pytest.mark.parametrize("watched", [3, 8])
def test_more_false_alarms_allowed_mean_lower_limits(watched: int):
    few, many = (judged(errors(), false_alarms=rate, watched_weeks=watched).evidence for rate in (0.05, 1.0))
    assert all(low.limit < high.limit for low, high in zip(many, few, strict=True))
