from datetime import date

import polars as pl
import pytest

from fleetcast.scoring.rehearsal import unlike_judged

WEEK = date(2026, 11, 16)


def rows(*values: float, **more: object) -> pl.DataFrame:
    """One row per value, of series P0, P1, … of a segment."""
    return pl.DataFrame(
        {
            "week": [WEEK] * len(values),
            "store": ["S"] * len(values),
            "product": [f"P{i}" for i in range(len(values))],
            "segment": ["north"] * len(values),
            "median": values,
            "mean": values,
            "mape": values,
            **{name: [value] * len(values) for name, value in more.items()},
        }
    )


def apart(forecasts: pl.DataFrame, rounds: pl.DataFrame) -> dict[str, float | None]:
    return unlike_judged(forecasts, rounds, {"north": "weekly-1"})


def test_a_model_that_says_what_it_was_judged_by_is_not_apart():
    assert apart(rows(10.0, 20.0, failover="champion"), rows(10.0, 20.0, recipe="weekly-1")) == {"north": 0.0}


def test_the_farthest_series_tells():
    found = apart(rows(10.0, 22.0, failover="champion"), rows(10.0, 20.0, recipe="weekly-1"))
    assert found == {"north": pytest.approx(0.1)}


def test_rounds_of_another_recipe_are_none():
    assert apart(rows(10.0, failover="champion"), rows(10.0, recipe="weekly-2")) == {"north": None}


def test_what_something_else_than_the_champion_says_is_not_compared():
    assert apart(rows(10.0, failover="baseline"), rows(20.0, recipe="weekly-1")) == {}
