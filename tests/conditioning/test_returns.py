from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.conditioning.returns import allocate
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import RETURNS, as_known_at

FIRST = date(2026, 12, 7)
ALWAYS = datetime(2030, 1, 1, tzinfo=UTC)


def week(number: int) -> date:
    return FIRST + timedelta(weeks=number)


def known(number: int) -> datetime:
    return datetime.combine(week(number) + timedelta(days=8), datetime.min.time(), UTC)


def rows(value: str, *entries: tuple[int, float, int]) -> pl.DataFrame:
    """(week, units, week it was known in) of one series."""
    data = [(week(w), "0042", "cola", float(units), known(k)) for w, units, k in entries]
    schema = {"week": pl.Date, "store": pl.String, "product": pl.String, value: pl.Float64}
    return pl.DataFrame(data, schema=schema | {"known_at": pl.Datetime("us", "UTC")}, orient="row")


def standing(booked: pl.DataFrame, moment: datetime = ALWAYS) -> dict[date, float]:
    now = as_known_at(RETURNS, booked, moment).sort("week")
    return dict(zip(now["week"], now["returned"], strict=True))


def test_a_pick_up_is_booked_to_the_weeks_before_it_by_the_declared_profile():
    booked = allocate(rows("returned", (3, 10, 3)), None, [0.0, 0.6, 0.4])
    assert booked.columns == RETURNS.columns
    assert booked["allocated"].all()
    assert standing(booked) == pytest.approx({week(1): 4.0, week(2): 6.0})


def test_weeks_that_got_more_are_given_more_back_and_weeks_that_got_nothing_none():
    delivered = rows("delivered", (1, 30, 1), (2, 0, 2))
    assert standing(allocate(rows("returned", (3, 10, 3)), delivered, [0, 0.5, 0.5])) == {week(1): 10.0}


def test_a_weeks_returns_grow_with_each_pick_up_and_each_moment_sees_its_own():
    picked_up = rows("returned", (1, 4, 1), (2, 6, 2))
    booked = allocate(picked_up, rows("delivered", (0, 50, 0)), [0, 0.5, 0.5])
    assert standing(booked, known(1)) == {week(0): 4.0}
    assert standing(booked, known(2)) == {week(0): 10.0}


def test_a_corrected_pick_up_replaces_what_it_said_before():
    picked_up = rows("returned", (1, 4, 1), (1, 1, 2))
    booked = allocate(picked_up, None, [0, 1])
    assert standing(booked, known(1)) == {week(0): 4.0}
    assert standing(booked) == {week(0): 1.0}


@pytest.mark.parametrize("profile", [[], [0.0], [0.5, -0.5]])
def test_a_profile_without_shares_is_refused(profile: list[float]):
    with pytest.raises(UsageError, match="lag profile"):
        allocate(rows("returned", (1, 4, 1)), None, profile)


entry = st.tuples(st.integers(0, 6), st.integers(0, 50), st.integers(0, 8))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(entry, min_size=1, max_size=8, unique_by=lambda e: (e[0], e[2])),
    st.lists(
        st.tuples(st.integers(-3, 6), st.integers(0, 9), st.just(0)), max_size=6, unique_by=lambda e: e[0]
    ),
)
def test_every_unit_picked_up_is_booked_once_at_any_moment(picked, brought):
    picked_up = rows("returned", *picked)
    booked = allocate(picked_up, rows("delivered", *brought), [0.1, 0.6, 0.3])
    for moment in (known(2), known(5), ALWAYS):
        standing_now = picked_up.filter(pl.col("known_at") <= moment).sort("known_at")
        units = standing_now.unique(subset="week", keep="last", maintain_order=True)["returned"].sum()
        assert sum(standing(booked, moment).values()) == pytest.approx(units)
