from datetime import date, timedelta

import polars as pl

from fleetcast.domain.tables import ROUNDS
from fleetcast.training.stream import Walked, joined, touched

CUTOFF = date(2026, 11, 9)
SINCE = {1: CUTOFF - timedelta(weeks=16), 40: CUTOFF - timedelta(weeks=60)}
SERIES = pl.DataFrame({"store": ["0042"], "product": ["a"], "segment": ["north/large/fast"]})


def rounds(
    weeks_ago: list[int], *, horizon: int = 1, recipe: str = "weekly", units: float = 1.0
) -> pl.DataFrame:
    """One series' forecasts of a horizon, at origins so many weeks before the cutoff."""
    origins = [CUTOFF - timedelta(weeks=ago) for ago in weeks_ago]
    return pl.DataFrame(
        {
            "origin": pl.Series(origins, dtype=pl.Date),
            "week": pl.Series([at + timedelta(weeks=horizon) for at in origins], dtype=pl.Date),
            "horizon": pl.Series([horizon] * len(origins), dtype=pl.Int64),
            "store": "0042",
            "product": "a",
            "segment": "north/large/fast",
            "mape": units,
            "median": units,
            "mean": units,
            "lasso": units,
            "net": units,
            "baseline_mean": units,
            "baseline_median": units,
            "recipe": recipe,
        }
    ).select(ROUNDS.columns)


def ages(stream: pl.DataFrame, horizon: int) -> list[int]:
    origins = stream.filter(pl.col("horizon") == horizon)["origin"]
    return sorted((CUTOFF - origin).days // 7 for origin in origins)


def test_rounds_that_nothing_reads_any_more_end_and_each_reach_keeps_its_own():
    near, far = [0, 16, 17, 40], [0, 17, 60, 61]
    stored = pl.concat([rounds(near, recipe="old"), rounds(far, horizon=40, recipe="long-term")])
    stream = joined(stored, [Walked(rounds(near), None)], SERIES, since=SINCE)
    assert ages(stream, 1) == [0, 0, 16, 16]
    assert ages(stream, 40) == [0, 17, 60]


def test_the_stream_of_a_horizon_that_is_set_no_more_ends_last():
    assert ages(joined(rounds([17, 60, 61], horizon=2), [], SERIES, since=SINCE), 2) == [17, 60]


def test_week_after_week_the_stream_stays_as_long_as_it_is():
    stream = rounds([40])
    for ago in reversed(range(40)):
        since = {horizon: first - timedelta(weeks=ago) for horizon, first in SINCE.items()}
        stream = joined(
            stream,
            [Walked(pl.concat([stream, rounds([ago])]), CUTOFF - timedelta(weeks=ago + 1))],
            SERIES,
            since=since,
        )
    assert ages(stream, 1) == list(range(17))


def test_new_rounds_stand_in_place_of_the_segment_s_old_ones():
    stream = joined(rounds([3, 2]), [Walked(rounds([3, 2, 1], units=2.0), None)], SERIES, since=SINCE)
    assert stream["mape"].to_list() == [2.0, 2.0, 2.0]


def ago(weeks: int) -> str:
    return str(CUTOFF - timedelta(weeks=weeks))


def test_a_week_touches_its_own_origin_and_no_other():
    walked = [Walked(rounds([2, 1, 0]), CUTOFF - timedelta(weeks=1))]
    held = {ago(weeks) for weeks in (40, 17, 2, 1, 0)}
    assert touched(held, walked, CUTOFF, since=SINCE, before=SINCE) == {ago(0)}


def test_a_segment_that_begins_anew_touches_every_origin_and_so_does_what_was_written_whole():
    held = {ago(weeks) for weeks in (2, 1)}
    anew = [Walked(rounds([2, 1, 0]), None)]
    assert touched(held, anew, CUTOFF, since=SINCE, before=SINCE) == held
    on = [Walked(rounds([2, 1, 0]), CUTOFF - timedelta(weeks=1))]
    assert touched({"whole"}, on, CUTOFF, since=SINCE, before=SINCE) == {"whole"}


def test_when_more_rounds_end_the_origins_that_lose_some_are_touched():
    walked = [Walked(rounds([0]), CUTOFF - timedelta(weeks=1))]
    before = {horizon: first - timedelta(weeks=8) for horizon, first in SINCE.items()}
    held = {ago(weeks) for weeks in (61, 20, 17, 16, 1)}
    assert touched(held, walked, CUTOFF, since=SINCE, before=before) == {ago(weeks) for weeks in (61, 20, 17)}


def test_where_nothing_could_be_walked_nothing_but_what_ends_is_touched():
    assert touched({ago(61), ago(1)}, [], CUTOFF, since=SINCE, before=SINCE) == {ago(61)}


def test_rounds_that_a_segment_stood_on_stay_as_they_are_and_newer_ones_of_a_broken_off_run_go():
    stored = pl.concat([rounds([3, 2]), rounds([1], units=7.0)])
    walked = Walked(
        pl.concat([rounds([3, 2], units=9.0), rounds([0], units=2.0)]), CUTOFF - timedelta(weeks=2)
    )
    assert joined(stored, [walked], SERIES, since=SINCE)["mape"].to_list() == [1.0, 1.0, 2.0]
