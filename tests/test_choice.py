"""The choice between a segment's ensemble with its pool and alone."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.choice import choose, compared

FIRST = date(2026, 8, 31)
BOTH, NEITHER = dict.fromkeys(("pooled", "alone"), True), dict.fromkeys(("pooled", "alone"), False)


def rounds(*errors: float) -> pl.DataFrame:
    """One row per round and series of ten units, forecast too high by that fraction in each round."""
    rows = [
        (FIRST + timedelta(weeks=i), FIRST + timedelta(weeks=i + 1), store, "cola", 10.0, 10.0 * (1 + error))
        for i, error in enumerate(errors)
        for store in ("0001", "0002")
    ]
    return pl.DataFrame(rows, schema=["origin", "week", "store", "product", "units", "mape"], orient="row")


def chosen(pooled, alone, *, passed=BOTH, serving=None):
    return choose(compared(pooled, alone, seed=1), passed=passed, serving=serving)


def test_the_pool_stays_where_it_helps():
    found = chosen(rounds(*[0.30] * 8), rounds(*[0.32] * 8))
    assert (found.form, found.pooled, found.alone) == ("pooled", pytest.approx(0.30), pytest.approx(0.32))
    assert found.reason == "with the pool: MAPE 30 %, alone 32 %"


def test_alone_is_chosen_where_the_pool_hurts():
    found = chosen(rounds(*[0.32, 0.34] * 4), rounds(*[0.30, 0.31] * 4))
    assert found.form == "alone"
    assert found.reason == "alone: MAPE 30.5 %, with the pool 33 %"


def test_equal_forms_and_rounds_that_say_nothing_leave_the_pool():
    assert chosen(rounds(0.3), rounds(0.3)).form == "pooled"
    found = chosen(rounds(0.3).clear(), rounds(0.3).clear())
    assert (found.form, found.pooled) == ("pooled", None)
    assert found.reason == "with the pool: MAPE without a value, alone without a value"


def test_better_by_one_lucky_week_is_not_clearly_better():
    found = chosen(rounds(*[0.30] * 7, 0.60), rounds(*[0.31] * 7, 0.30))
    assert found.alone < found.pooled
    assert found.form == "pooled"
    assert found.reason.endswith("alone 30.88 %, which is not clearly better")


def test_the_form_that_passes_its_gate_is_chosen_however_good_the_other():
    better, worse = rounds(*[0.20] * 8), rounds(*[0.30] * 8)
    found = chosen(worse, better, passed={"pooled": True, "alone": False})
    assert (found.form, found.reason) == (
        "pooled",
        "with the pool: MAPE 30 %, alone 20 %, which does not pass",
    )
    assert chosen(better, worse, passed={"pooled": False, "alone": True}).form == "alone"


def test_when_neither_passes_the_better_one_is_the_challenger():
    lucky = chosen(rounds(*[0.60] * 7, 0.90), rounds(*[0.61] * 7, 0.60), passed=NEITHER)
    assert lucky.form == "alone"
    assert lucky.reason.endswith("; neither passes")
    assert chosen(rounds(0.6), rounds(0.6), passed=NEITHER).form == "pooled"


def test_alone_stays_until_it_is_not_better_any_more():
    little = rounds(*[0.30] * 7, 0.60), rounds(*[0.31] * 7, 0.30)
    assert chosen(*little, serving="pooled").form == "pooled"
    stays = chosen(*little, serving="alone")
    assert (stays.form, stays.reason.split("; ")[1]) == ("alone", "it serves, and is still better")
    assert chosen(rounds(*[0.30] * 8), rounds(*[0.30] * 8), serving="alone").form == "pooled"


@pytest.mark.parametrize("serving", [None, "pooled", "alone"])
@pytest.mark.parametrize("alone", [[0.31] * 7 + [0.30], [0.28] * 8, [0.33] * 8])
def test_choosing_again_with_the_chosen_one_serving_chooses_the_same(serving, alone):
    given = rounds(*[0.30] * 7, 0.60), rounds(*alone)
    once = chosen(*given, serving=serving)
    assert chosen(*given, serving=once.form).form == once.form


def test_both_are_held_against_each_other_on_the_same_known_rows():
    pooled = rounds(*[0.30] * 8).with_columns(censored=pl.col("store") == "0002")
    alone = rounds(*[0.32] * 8).with_columns(
        mape=pl.when(pl.col("store") == "0002").then(99.0).otherwise("mape")
    )
    found = compared(pooled, alone.sample(fraction=1, shuffle=True, seed=3), seed=1)
    assert (found.pooled, found.alone) == pytest.approx((0.30, 0.32))
    assert found.low == found.high == pytest.approx(0.02)


def test_a_forecast_that_is_not_a_number_is_no_better_one():
    broken = rounds(*[0.1] * 8).with_columns(mape=float("nan"))
    assert chosen(rounds(*[0.3] * 8), broken).form == "pooled"


def test_a_choice_can_be_stored_as_json():
    found = chosen(rounds(0.3), rounds(0.2))
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["form"] == found.form
