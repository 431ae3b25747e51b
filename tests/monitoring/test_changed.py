from datetime import UTC, date, datetime

import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.monitoring.changed import Restated, closing, events, failover, restated

WEEK_0 = date(2026, 11, 9)


def back(*weeks: int, source: str = "returns") -> Restated:
    return Restated(source, tuple(sorted(WEEK_0 - n * WEEK for n in weeks)), WEEK_0)


def test_weeks_that_are_restated_every_week_are_no_news_and_older_ones_are():
    earlier = [{"returns": back(1, 2, 3)}]
    assert list(restated({"returns": back(1, 3)}, earlier, week=WEEK_0)) == []
    [found] = restated({"returns": back(1, 2, 20, 22)}, earlier, week=WEEK_0)
    assert (found.kind, found.subject) == ("corrected", "returns")
    assert found.cause == "returns of 2 weeks from 2026-06-08 to 2026-06-22 restated"


def test_the_first_week_knows_of_no_usual_one():
    assert list(restated({"returns": back(20)}, [], week=WEEK_0)) == []


def told(*rows: tuple[str, date]) -> pl.DataFrame:
    return pl.DataFrame(
        [(event, first, first, "all", datetime(2026, 1, 1, tzinfo=UTC)) for event, first in rows],
        schema={
            "event": pl.String,
            "first": pl.Date,
            "last": pl.Date,
            "scope": pl.String,
            "known_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )


def test_an_event_of_the_coming_weeks_that_is_moved_is_told_and_a_new_one_is_not():
    thanksgiving = ("thanksgiving", date(2026, 11, 26))
    before, after = told(thanksgiving), told(("thanksgiving", date(2026, 12, 3)), ("fair", date(2026, 12, 7)))
    [found] = events(before, after, week=WEEK_0, source="calendar")
    assert (found.kind, found.subject) == ("events", "calendar")
    assert found.cause == "thanksgiving of 2026-11-26 moved to 2026-12-03"
    assert (
        list(events(before, told(thanksgiving, ("fair", date(2026, 12, 7))), week=WEEK_0, source="c")) == []
    )


def test_an_event_that_is_over_or_far_away_may_change():
    before = told(("fair", date(2026, 10, 5)), ("fair", date(2027, 10, 4)))
    assert list(events(before, told(), week=WEEK_0, source="calendar")) == []


def rows(segment: str, series: int, state: str = "champion", reason: str = "ok") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "segment": [segment] * series,
            "store": [f"s{n}" for n in range(series)],
            "product": ["p"] * series,
            "state": [state] * series,
            "reason": [reason] * series,
        }
    )


def test_series_that_only_change_their_mover_class_close_nothing():
    before = pl.concat(
        [rows("west/large/fast", 10), rows("west/large/slow", 2).with_columns(product=pl.lit("q"))]
    )
    after = pl.concat(
        [rows("west/large/fast", 2), rows("west/large/slow", 10).with_columns(product=pl.lit("q"))]
    )
    assert list(closing(before, after, week=WEEK_0, keys=3)) == []


def test_a_format_that_loses_a_fifth_of_its_series_at_once_is_told():
    [found] = closing(rows("west/large/fast", 10), rows("west/large/fast", 8), week=WEEK_0, keys=3)
    assert (found.kind, found.subject) == ("closing", "west/large")
    assert list(closing(rows("west/large/fast", 10), rows("west/large/fast", 9), week=WEEK_0, keys=3)) == []


def test_a_segment_that_something_else_serves_is_told_with_the_reason():
    served = pl.concat([rows("a", 90), rows("a", 10, "baseline", "invalid_row"), rows("b", 100)])
    [found] = failover(served, week=WEEK_0)
    assert (found.subject, found.severity) == ("a", "warning")
    assert found.cause == "10 of 100 rows are not of its champion: invalid_row"
    [whole] = failover(rows("a", 10, "last_known_good", "not_loadable"), week=WEEK_0)
    assert whole.severity == "alarm"
