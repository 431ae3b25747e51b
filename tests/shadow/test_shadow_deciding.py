"""What a shadow came to, and what is decided by it."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.settings import GateSettings, ShadowSettings
from fleetcast.shadow.comparing import compare, for_pricing
from fleetcast.shadow.deciding import decide, worse_segments
from fleetcast.shadow.rows import Labels, weekly

FIRST = date(2026, 9, 7)
ALL_KNOWN = Labels(published=100, compared=100, known=100, final=100, censored=0)
NOTHING = dict.fromkeys(("order", "order_challenger", "margin", "return_cost"), None)


def rows(champion, challenger, *, segment="ohio/fast", orders=None):
    """A row a week of ten units, forecast too high by these fractions; `orders` of both, priced at 3 lost and 1 returned."""
    priced = orders is not None
    ordered = orders if priced else [(None, None)] * len(champion)
    frame = pl.DataFrame(
        {
            "segment": segment,
            "week": [FIRST + timedelta(weeks=n) for n in range(len(champion))],
            "units": 10.0,
            "lost": 0.0,
            "censored": False,
            "final": True,
            "order": [theirs for theirs, _ in ordered],
            "order_challenger": [ours for _, ours in ordered],
            "margin": 3.0 if priced else None,
            "return_cost": 1.0 if priced else None,
        },
        schema_overrides=dict.fromkeys(NOTHING, pl.Float64),
    )
    said = {"": champion, "_challenger": challenger}
    return frame.with_columns(
        pl.Series(f"{name}{end}", [10.0 * (1 + error) for error in errors])
        for end, errors in said.items()
        for name in ("mape", "median", "mean")
    )


def compared(*frames):
    whole = pl.concat(frames)
    return compare(weekly(whole), for_pricing(whole), root=1)


def decided(found, labels=ALL_KNOWN, **settings):
    return decide(found, labels, settings=ShadowSettings(**settings), gate=GateSettings())


WORSE, BETTER, EQUAL = [0.13, 0.15] * 3, [0.04, 0.06] * 3, [0.10, 0.10] * 3


def test_a_challenger_that_is_not_inferior_is_to_be_promoted_and_the_sentence_says_by_how_much():
    found = decided(compared(rows(EQUAL, BETTER)))
    assert found.answer == "promote"
    assert found.text == "promote: MAPE 5 % against 10 %: −5 points (−5.67 to −4.33; margin +1)"


def test_an_equal_one_may_follow_too():
    assert decided(compared(rows(EQUAL, EQUAL))).answer == "promote"


def test_the_champion_is_kept_over_one_that_is_worse_by_more_than_the_margin():
    assert decided(compared(rows(EQUAL, WORSE))).answer == "keep"
    assert decided(compared(rows(EQUAL, WORSE)), noninferiority=0.1).answer == "promote"


def test_in_between_nobody_can_say():
    swinging = [0.02, 0.22] * 3  # two points worse on average, as likely ten better
    found = decided(compared(rows(EQUAL, swinging)))
    assert found.answer == "inconclusive"
    assert found.reasons[0].startswith("MAPE 12 % against 10 %: +2 points")


def test_too_little_is_known_of_few_weeks_of_rows_it_left_out_and_of_open_demand():
    good = compared(rows(EQUAL, BETTER))
    assert decided(compared(rows(EQUAL[:3], BETTER[:3]))).reasons == ("3 weeks of known demand < 4",)
    left_out = Labels(published=200, compared=100, known=100, final=100, censored=0)
    assert decided(good, left_out).reasons == ("it has forecast 50.0 % of the published rows < 95 %",)
    still_open = Labels(published=100, compared=100, known=90, final=90, censored=0)
    assert decided(good, still_open).reasons == ("the demand of 90.0 % of its rows is known < 95 %",)
    assert decided(compared(rows(EQUAL, BETTER).clear())).answer == "inconclusive"


def test_a_bias_that_the_champion_does_not_have_keeps_it():
    tilted = [
        0.17
    ] * 6  # too high every week, and no worse in MAPE than a champion that is as far off either way
    found = decided(compared(rows([0.17, -0.17] * 3, tilted)))
    assert (found.answer, found.reasons) == ("keep", ("bias +17 % outside ±15 %",))
    assert decided(compared(rows(tilted, tilted))).answer == "promote"  # the champion has it too


def test_few_segments_may_be_worse_and_not_many():
    good = [rows(EQUAL, BETTER, segment=f"ohio/{n}") for n in range(9)]
    bad = rows(EQUAL, WORSE, segment="ohio/bad")
    found = compared(*good, bad)
    assert worse_segments(found, ShadowSettings()) == ["ohio/bad"]
    assert decided(found).answer == "promote"  # one of ten
    assert decided(found, worse_segments=0.05).reasons == ("it is worse in 1 of 10 segments (ohio/bad)",)


def test_money_counts_where_orders_can_be_priced():
    dearer = [(10.0, 12.0)] * 6  # two of ten come back, every week
    found = compared(rows(EQUAL, BETTER, orders=[(9.0, 11.0)] * 6))
    assert (found.total.priced, found.total.cost.champion, found.total.cost.challenger) == (6, 18.0, 6.0)
    assert decided(found).answer == "promote"
    kept = decided(compared(rows(EQUAL, BETTER, orders=dearer)))
    assert kept.answer == "keep"
    assert kept.reasons[0] == "money lost on orders 12 against 0: +12 (+12 to +12; margin +0)"
    assert compared(rows(EQUAL, BETTER)).total.priced == 0


def test_a_segments_figures_are_its_own_and_the_fleets_pool_them():
    found = compared(rows(EQUAL, BETTER, segment="a"), rows(EQUAL, WORSE, segment="b"))
    values = [line.mape.value for line in (*found.segments.values(), found.total)]
    assert values == [pytest.approx(-0.05), pytest.approx(0.04), pytest.approx(-0.005)]


errors = st.lists(st.floats(-0.5, 0.5), min_size=6, max_size=6)


@settings(max_examples=20)
@given(one=errors, other=errors)
def test_the_two_sides_can_be_exchanged_and_not_both_are_worse_than_the_other(one, other):
    there, back = compared(rows(one, other)), compared(rows(other, one))
    assert there.total.mape.value == pytest.approx(-back.total.mape.value)
    assert there.total.mape.low == pytest.approx(-back.total.mape.high)
    assert {decided(there).answer, decided(back).answer} != {"keep"}
