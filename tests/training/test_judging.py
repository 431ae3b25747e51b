"""Two forms of one challenger before the gate, and the champion of the same weeks."""

from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.settings import GateSettings
from fleetcast.training.judging import judged
from fleetcast.training.task import rounds_of

FIRST = date(2026, 8, 31)
FORMS = rounds_of("weekly-pooled-1", pools=True)
POOLED, ALONE = FORMS["pooled"], FORMS["alone"]


def rounds(recipe, *errors):
    """One row per round of ten units, its three forecasts too high by that fraction."""
    rows = [
        (FIRST + timedelta(weeks=i), FIRST + timedelta(weeks=i + 1), "0001", "cola", 10.0, 20.0)
        for i in range(len(errors))
    ]
    names = ["origin", "week", "store", "product", "units", "baseline_mean"]
    hat = pl.Series([10.0 * (1 + error) for error in errors])
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        mape=hat, median=hat, mean=hat, recipe=pl.lit(recipe)
    )


def verdict(*streams, forms=FORMS, champion=None, **settings):
    return judged(
        {stream["recipe"][0]: stream for stream in streams},
        forms,
        champion,
        newest=8,
        settings=GateSettings(bias=1, **settings),
        mover=None,
        seed=1,
    )


def champion_check(found):
    return next((check for check in found["checks"] if check["name"] == "champion"), None)


def test_the_verdict_is_that_of_the_chosen_form_on_its_own_rounds():
    pooled, alone = rounds(POOLED, *[0.3] * 8), rounds(ALONE, *[0.2] * 8)
    found = verdict(pooled, alone)
    assert (found["choice"]["form"], found["metrics"]["mape"]) == ("alone", pytest.approx(0.2))
    found = verdict(pooled, rounds(ALONE, *[0.35] * 8))
    assert (found["choice"]["form"], found["metrics"]["mape"]) == ("pooled", pytest.approx(0.3))


def test_a_form_over_the_limit_gives_way_to_one_within_it():
    """Alone is not clearly better; but with the pool the segment would have no model."""
    pooled, alone = rounds(POOLED, *[0.44] * 7, 0.60), rounds(ALONE, *[0.445] * 7, 0.44)
    found = verdict(pooled, alone)
    assert found["passed"]
    assert found["choice"]["form"] == "alone"
    assert found["choice"]["reason"] == "alone: MAPE 44.44 %, with the pool 46 %, which does not pass"


def test_when_neither_passes_the_reasons_are_those_of_the_better_one():
    found = verdict(rounds(POOLED, *[0.50] * 8), rounds(ALONE, *[0.48] * 8))
    assert (found["passed"], found["reasons"]) == (False, ("MAPE 48.0 % > 45 %",))


def test_what_has_one_form_has_no_choice():
    assert "choice" not in verdict(rounds("weekly-1", *[0.3] * 8), forms={"alone": "weekly-1"})


def test_without_a_pool_to_serve_with_the_own_members_are_judged_by_their_own_rounds():
    """Earlier rounds had a pool; the model that would serve has none."""
    streams = rounds(POOLED, *[0.3] * 8), rounds(ALONE, *[0.4] * 8)
    found = verdict(*streams, forms={"alone": ALONE})
    assert found["metrics"]["mape"] == pytest.approx(0.4)
    assert "choice" not in found


def test_a_champion_of_the_same_form_shares_its_rounds():
    found = verdict(rounds(POOLED, *[0.3] * 8), rounds(ALONE, *[0.35] * 8), champion=POOLED)
    assert champion_check(found) is None


def test_a_champion_of_the_other_form_is_compared_by_its_own_rounds_of_the_same_weeks():
    pooled, alone = rounds(POOLED, *[0.3] * 8), rounds(ALONE, *[0.2] * 8)
    to_alone = verdict(pooled, alone, champion=POOLED)
    assert (to_alone["choice"]["form"], champion_check(to_alone)["value"]) == ("alone", pytest.approx(-0.1))
    back = verdict(pooled, rounds(ALONE, *[0.31] * 8), champion=ALONE)
    assert (back["choice"]["form"], champion_check(back)["value"]) == ("pooled", pytest.approx(-0.01))


def test_a_form_that_may_be_inferior_to_its_champion_of_the_other_form_does_not_replace_it():
    """With the pool the mean is as good, but it hangs on a few weeks: the champion's form stays, and is no change."""
    pooled, alone = rounds(POOLED, 0.34, 0.26, *[0.34, 0.26] * 3), rounds(ALONE, *[0.30] * 8)
    found = verdict(pooled, alone, champion=ALONE)
    assert (found["passed"], found["choice"]["form"]) == (True, "alone")
    assert champion_check(found) is None


def test_a_champion_of_another_recipe_is_compared_with_either_form():
    streams = rounds(POOLED, *[0.3] * 8), rounds(ALONE, *[0.35] * 8), rounds("weekly-1", *[0.25] * 8)
    found = verdict(*streams, champion="weekly-1")
    assert not found["passed"]
    assert champion_check(found)["value"] == pytest.approx(0.05)
