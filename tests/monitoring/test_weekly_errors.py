from datetime import date

import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.metrics import sums
from fleetcast.monitoring.weekly_errors import by_week, weekly_errors

FIRST = date(2026, 9, 7)
KEYS = ("segment", "week", "horizon")


def rows(*rows: tuple[int, int, float, float]) -> pl.DataFrame:
    """Sums of (week, horizon, units, forecast) of one segment."""
    types = {"nth": pl.Int64, "horizon": pl.Int64, "units": pl.Float64, "mape": pl.Float64}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return sums(
        frame.with_columns(
            segment=pl.lit("a"),
            week=pl.lit(FIRST) + pl.duration(weeks=pl.col("nth")),
            median=pl.col("mape"),
            mean=pl.col("mape"),
        ),
        KEYS,
    )


def labels(*rows: tuple[int, int, float, str]) -> pl.DataFrame:
    """(week, horizon, coverage, state) as `maturity` says it."""
    frame = pl.DataFrame(rows, schema=["nth", "horizon", "coverage", "state"], orient="row")
    return frame.with_columns(segment=pl.lit("a"), week=pl.lit(FIRST) + pl.duration(weeks=pl.col("nth")))


def test_rounds_fill_the_weeks_before_a_segment_was_published():
    rounds = rows((0, 1, 10, 8), (1, 1, 10, 9))
    published, known = rows((1, 1, 10, 6)), labels((1, 1, 1.0, "provisional"))
    found = weekly_errors(published, known, rounds, horizon=1)
    assert [(round(row[2], 2), *row[3:]) for row in found.iter_rows()] == [
        (0.2, 1.0, True),
        (0.4, 1.0, False),
    ]


def test_only_the_forecasts_of_one_horizon_are_watched():
    published = rows((0, 1, 10, 9), (0, 4, 10, 2))
    known = labels((0, 1, 1.0, "final"), (0, 4, 1.0, "final"))
    assert weekly_errors(published, known, rows((0, 4, 1, 1)), horizon=1)["mape"].round(2).to_list() == [0.1]


def test_a_week_in_which_nothing_was_sold_has_no_error_and_is_not_decided_on():
    found = weekly_errors(rows((0, 1, 0, 3)), labels((0, 1, 1.0, "final")), rows(), horizon=1)
    assert found["mape"].to_list() == [None]
    assert by_week(found, ["a"], last=FIRST, weeks=1).tolist() != [[0.0]]


def test_a_week_of_which_too_little_is_known_is_left_out():
    known = labels((0, 1, 0.94, "predicted"), (1, 1, 0.95, "provisional"))
    found = weekly_errors(rows((0, 1, 10, 9), (1, 1, 10, 9)), known, rows(), horizon=1)
    seen = by_week(found, ["a"], last=FIRST + WEEK, weeks=2)
    assert [bool(value == value) for value in seen[0]] == [False, True]
