"""How far sources were pulled, and when they are due."""

from datetime import UTC, datetime

import pytest

from fleetcast.domain.errors import CorruptError
from fleetcast.sources.standing import Standing, Standings, due

NOW = datetime(2026, 11, 18, 6, tzinfo=UTC)


def test_a_day_begins_where_the_source_is():
    night = datetime(2026, 11, 18, 3, tzinfo=UTC)
    assert not due(night, NOW, "day", "UTC")
    assert due(night, NOW, "day", "America/Chicago")  # it was the 17th there, and is the 18th now


def test_a_week_begins_on_monday():
    saturday, sunday, monday = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (14, 15, 16))
    assert not due(saturday, sunday, "week", "UTC")
    assert due(sunday, monday, "week", "UTC")


def test_a_standing_is_kept_until_the_source_is_asked_otherwise(tmp_path):
    standings = Standings(tmp_path)
    with standings.alone("sales"):
        standings.keep("sales", Standing(NOW, "as-declared", {"etag": '"7"'}))
    assert standings.of("sales", "as-declared") == Standing(NOW, "as-declared", {"etag": '"7"'})
    assert standings.of("sales", "another-query") == Standing(None, "another-query", {})


def test_a_standing_that_cannot_be_read_is_an_error_that_says_what_to_do(tmp_path):
    standings = Standings(tmp_path)
    with standings.alone("sales"):
        standings.keep("sales", Standing(NOW, "as-declared"))
    (tmp_path / "raw" / "pulls" / "sales.json").write_text("{")
    with pytest.raises(
        CorruptError, match=r"sales\.json does not say how far sales was pulled .*; remove it"
    ):
        standings.of("sales", "as-declared")
