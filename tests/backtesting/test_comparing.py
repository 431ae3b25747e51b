"""What judged rounds say."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.backtesting.comparing import (
    ASPECTS,
    difference,
    differences,
    explained,
    figures,
    largest,
    paired,
    revisions,
)
from fleetcast.domain.errors import UsageError

MONDAY = date(2026, 1, 5)


def rounds(*contenders: tuple[str, float], weeks=12, series=6, seed=1):
    """Judged rounds in which each named contender is off by its share of the units, to both sides."""
    random = np.random.default_rng(seed)
    rows = []
    for week in range(weeks):
        for number in range(series):
            units = float(random.integers(1, 40))
            swing = 1 if random.random() < 0.5 else -1
            for name, error in contenders:
                hat = units * (1 + swing * error)
                rows.append(
                    {
                        "contender": name,
                        "origin": MONDAY + timedelta(weeks=week - 1),
                        "store": f"S{number % 3}",
                        "product": f"P{number // 3}",
                        "week": MONDAY + timedelta(weeks=week),
                        "horizon": 1,
                        "segment": "north/fast" if number % 2 else "north/slow",
                        "group": "chips",
                        "units": units,
                        "mape": hat,
                        "median": hat,
                        "mean": hat,
                    }
                )
    return pl.DataFrame(rows)


def test_every_contender_is_measured_on_the_same_rows_and_against_the_historical_mean():
    found = figures(rounds(("weekly", 0.2), ("historical mean", 0.5)))
    assert found["contender"].to_list() == ["weekly", "historical mean"]
    assert found["mape"].to_list() == pytest.approx([0.2, 0.5])
    assert found["skill"].to_list() == pytest.approx([0.6, 0.0])


def test_without_the_historical_mean_there_is_no_skill_and_without_sales_no_mape():
    nothing = rounds(("weekly", 0.2)).with_columns(units=pl.lit(0.0))
    (row,) = figures(nothing).iter_rows(named=True)
    assert row["mape"] is None
    assert row["skill"] is None
    assert row["n_zero"] == row["n"]


def test_a_better_contender_is_told_apart_and_an_equal_one_is_not():
    found = rounds(("good", 0.2), ("bad", 0.4), ("twin", 0.2))
    better = difference(found, "good", "bad", seed=1)
    assert better.value == pytest.approx(-0.2)
    assert better.told_apart
    assert not difference(found, "good", "twin", seed=1).told_apart


def test_the_order_of_rows_and_the_direction_of_a_comparison_change_nothing_but_its_sign():
    found = rounds(("good", 0.2), ("bad", 0.35))
    there = difference(found, "good", "bad", seed=3)
    shuffled = difference(found.sample(fraction=1.0, shuffle=True, seed=9), "good", "bad", seed=3)
    back = difference(found, "bad", "good", seed=3)
    assert (there.value, there.low, there.high) == pytest.approx(
        (shuffled.value, shuffled.low, shuffled.high)
    )
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_rows_that_only_one_of_two_forecast_are_not_compared():
    found = rounds(("good", 0.2), ("bad", 0.4))
    fewer = found.filter((pl.col("contender") == "good") | (pl.col("store") == "S0"))
    assert paired(fewer, "good", "bad")["store"].unique().to_list() == ["S0"]


def test_a_contender_that_did_not_take_part_is_named_with_those_that_did():
    with pytest.raises(UsageError, match="'best' did not take part: there are good"):
        difference(rounds(("good", 0.2)), "good", "best", seed=1)


def test_segments_are_compared_one_by_one():
    found = differences(rounds(("good", 0.2), ("bad", 0.4)), "good", "bad", by="segment", seed=1)
    assert set(found) == {"north/fast", "north/slow"}
    assert all(one.value == pytest.approx(-0.2) for one in found.values())


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9), st.integers(1, 99))
def test_the_parts_of_a_difference_add_up_to_it_under_every_aspect(first, second, seed):
    found = rounds(("a", first), ("b", second), weeks=5, seed=seed)
    whole = difference(found, "a", "b", seed=1).value
    parts = explained(found, "a", "b").group_by("aspect").agg(pl.col("contribution", "share").sum())
    assert set(parts["aspect"]) == set(ASPECTS)
    np.testing.assert_allclose(parts["contribution"], whole, atol=1e-12)
    np.testing.assert_allclose(parts["share"], 1.0)


def test_a_forecast_that_never_changes_is_perfectly_steady():
    week, origins = date(2026, 3, 2), [date(2026, 2, 9), date(2026, 2, 16), date(2026, 2, 23)]
    one = {"store": "S", "product": "P", "week": week}
    rows = [
        {"contender": name, "origin": origin, **one, "median": 10.0 + step * change}
        for name, change in (("steady", 0.0), ("nervous", 5.0))
        for step, origin in enumerate(origins)
    ]
    found = {row["contender"]: row for row in revisions(pl.DataFrame(rows)).iter_rows(named=True)}
    assert found["steady"] == {"contender": "steady", "n": 2, "moved": 0.0, "typical": 0.0}
    assert found["nervous"]["moved"] == pytest.approx(10 / 25)


def test_forecasts_of_different_series_or_contenders_are_never_taken_for_a_revision():
    lonely = rounds(("a", 0.2), ("b", 0.3))  # one horizon: every week is forecast once
    assert revisions(lonely).height == 0


def test_one_week_tells_nobody_apart():
    found = rounds(("good", 0.2), ("bad", 0.4), weeks=1)
    alone = difference(found, "good", "bad", seed=1)
    assert alone.value == pytest.approx(-0.2)
    assert (alone.low, alone.high, alone.told_apart) == (None, None, False)


def test_a_segment_that_one_of_two_did_not_forecast_is_not_compared():
    found = rounds(("good", 0.2), ("bad", 0.4))
    fewer = found.filter((pl.col("contender") == "good") | (pl.col("segment") == "north/slow"))
    assert set(differences(fewer, "good", "bad", by="segment", seed=1)) == {"north/slow"}


def test_where_a_difference_comes_from_is_told_by_its_largest_parts():
    found = rounds(("good", 0.2), ("bad", 0.4))
    worse = pl.when((pl.col("contender") == "bad") & (pl.col("product") == "P1")).then(3.0).otherwise(1.0)
    parts = largest(explained(found.with_columns(pl.col("mape") * worse), "good", "bad"), most=2)
    assert parts["aspect"].unique(maintain_order=True).to_list() == ["segment", "product", "week"]
    assert parts.filter(aspect="product")["value"][0] == "P1"
    assert parts.filter(aspect="product")["of_whole"].sum() == pytest.approx(1.0)
    assert parts.filter(aspect="week").height == 2
    assert parts.filter(aspect="week")["of_whole"].is_sorted(descending=True)


def test_parts_against_the_difference_are_not_among_those_that_make_it():
    found = rounds(("first", 0.2), ("second", 0.4)).with_columns(
        mape=pl.when((pl.col("contender") == "first") & (pl.col("segment") == "north/slow"))
        .then(pl.col("units") * 1.5)
        .otherwise("mape")
    )
    parts = largest(explained(found, "first", "second"))
    assert parts.filter(aspect="segment")["value"].to_list() == ["north/fast"]
    assert parts.filter(aspect="segment")["of_whole"].item() > 1


def test_between_twins_and_in_one_segment_alone_there_is_nothing_to_tell():
    twins = explained(rounds(("a", 0.2), ("b", 0.2)), "a", "b")
    assert not largest(twins).height
    alone = rounds(("a", 0.2), ("b", 0.3)).filter(segment="north/fast")
    assert "segment" not in largest(explained(alone, "a", "b"))["aspect"].to_list()
