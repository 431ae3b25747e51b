from datetime import date, timedelta

import polars as pl

from fleetcast.domain.tables import ROUNDS
from fleetcast.training.stream import joined

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
    stream = joined(stored, [rounds(near)], SERIES, since=SINCE)
    assert ages(stream, 1) == [0, 0, 16, 16]
    assert ages(stream, 40) == [0, 17, 60]


def test_the_stream_of_a_horizon_that_is_set_no_more_ends_last():
    assert ages(joined(rounds([17, 60, 61], horizon=2), [], SERIES, since=SINCE), 2) == [17, 60]


def test_week_after_week_the_stream_stays_as_long_as_it_is():
    stream = rounds([40])
    for ago in reversed(range(40)):
        since = {horizon: first - timedelta(weeks=ago) for horizon, first in SINCE.items()}
        stream = joined(stream, [pl.concat([stream, rounds([ago])])], SERIES, since=since)
    assert ages(stream, 1) == list(range(17))


def test_new_rounds_stand_in_place_of_the_segment_s_old_ones():
    stream = joined(rounds([3, 2]), [rounds([3, 2, 1], units=2.0)], SERIES, since=SINCE)
    assert stream["mape"].to_list() == [2.0, 2.0, 2.0]
