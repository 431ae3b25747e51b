from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from tests.trial.conftest import LAST, make_chain

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK
from fleetcast.trial.chance import coins
from fleetcast.trial.design import Plan, design
from fleetcast.trial.lift import levels, lift
from fleetcast.trial.outcomes import OUTCOMES
from fleetcast.trial.reading import read

START = LAST + WEEK
END = LAST + 8 * WEEK
PLAN = Plan(weeks=8)


@pytest.fixture
def made(chain, origin):
    return design(chain.before, chain.stores, plan=PLAN, origin=origin)


def pilots(made):
    return [pair.pilot for pair in made.pairs]


def reading(made, chain, *, start=START, until=None, newest=END):
    return read(made, chain.weeks, chain.stores, start=start, until=until, newest=newest)


def finding(found, outcome):
    return next(line for line in found.findings if line.outcome == outcome)


def test_a_planted_lift_is_found_and_told_in_a_sentence(made, chain):
    found = reading(made, chain.with_fewer_returns(pilots(made), 0.2))
    main = found.findings[0]
    assert (main.outcome, main.main, main.lift.pairs) == ("returns", True, 12)
    assert main.lift.low <= -0.2 <= main.lift.high < 0
    assert main.conclusion.startswith("the share of deliveries that came back fell by ")
    assert (found.weeks[0], found.weeks[-1], len(found.weeks)) == (START, END, 8)
    assert (found.open_weeks, found.unknown_weeks, found.absences, found.notes) == ((), (), (), ())


def test_where_nothing_was_done_nothing_is_told(made, chain):
    main = reading(made, chain).findings[0]
    assert main.lift.p > 0.1
    assert main.conclusion.startswith("no difference can be told in the share of deliveries that came back: ")
    assert not main.before.found


def test_intervals_of_whole_trials_hold_the_planted_lift(origin):
    held, wolves, returns = [], [], OUTCOMES["returns"]
    for seed in range(60):
        chain = make_chain(seed=seed, stores=16)
        made = design(chain.before, chain.stores, plan=Plan(weeks=40, seed=seed), origin=origin)
        arms, thrown = [pair.arms for pair in made.pairs], coins(len(made.pairs), seed)
        treated = chain.with_fewer_returns(pilots(made), 0.15)
        calm, fewer = (lift(levels(c.weeks, arms, returns, start=START), thrown) for c in (chain, treated))
        wolves.append(calm.found)
        held.append(fewer.low <= -0.15 <= fewer.high)
    assert 0.8 <= np.mean(held) <= 0.98
    assert np.mean(wolves) <= 0.2


def test_the_differences_by_pair_add_up_to_the_lift(made, chain):
    sales = finding(reading(made, chain), "sales")
    assert np.mean(list(sales.by_pair.values())) == pytest.approx(sales.lift.difference, rel=0.1, abs=1.0)
    assert set(sales.by_pair) == {pair.pair for pair in made.pairs}


def test_the_order_of_rows_changes_nothing(made, chain):
    shuffled = replace(chain, weeks=chain.weeks.sample(fraction=1.0, shuffle=True, seed=4))
    first, second = reading(made, chain).findings[0].lift, reading(made, shuffled).findings[0].lift
    assert second.value == pytest.approx(first.value)
    assert second.p == first.p


def test_a_season_that_all_stores_have_is_no_lift(made, chain):
    twice = pl.when(pl.col("week") > LAST).then(2.0).otherwise(1.0)
    boom = replace(chain, weeks=chain.weeks.with_columns(pl.col("sold", "delivered", "returned") * twice))
    calm, loud = (finding(reading(made, c), "sales").lift for c in (chain, boom))
    assert loud.value == pytest.approx(calm.value, abs=0.01)


def test_weeks_whose_returns_may_still_come_in_do_not_count(made, chain):
    late = replace(chain, weeks=chain.weeks.filter(pl.col("week") <= LAST + 5 * WEEK))
    found = reading(made, late)
    assert len(found.weeks) == 5
    assert found.open_weeks == tuple(LAST + n * WEEK for n in (6, 7, 8))
    assert "5 of 8 planned weeks" in found.notes[0]


def test_a_week_without_deliveries_to_anybody_is_named(made, chain):
    lost = LAST + 3 * WEEK
    found = reading(made, replace(chain, weeks=chain.weeks.filter(pl.col("week") != lost)))
    assert found.unknown_weeks == (lost,)
    assert len(found.weeks) == 7


def test_a_store_that_closed_counts_while_both_of_its_pair_had_deliveries(made, chain):
    store, day = made.pairs[0].control, LAST + 4 * WEEK
    gone = (pl.col("store") == store) & (pl.col("week") >= day)
    closes = pl.when(pl.col("store") == store).then(pl.lit(day)).otherwise("closed").alias("closed")
    found = reading(
        made, replace(chain, weeks=chain.weeks.filter(~gone), stores=chain.stores.with_columns(closes))
    )
    [absence] = found.absences
    assert (absence.pair, absence.store, absence.arm) == (made.pairs[0].pair, store, "control")
    assert (absence.reason, absence.weeks) == ("closed", 3)
    assert found.pairs == 12


def test_a_pair_without_a_week_together_is_left_out_and_shown(made, chain):
    store = made.pairs[0].pilot
    gone = (pl.col("store") == store) & (pl.col("week") > LAST)
    found = reading(made, replace(chain, weeks=chain.weeks.filter(~gone)))
    assert [(a.store, a.reason, a.weeks) for a in found.absences] == [(store, "no_data", 0)]
    assert found.pairs == 11


def test_an_earlier_end_is_kept_to(made, chain):
    assert reading(made, chain, until=LAST + 3 * WEEK).weeks[-1] == LAST + 3 * WEEK


@pytest.mark.parametrize(
    ("weeks", "message"),
    [
        ({"start": LAST}, "the first week it can is 2026-09-14"),
        ({"until": LAST}, "before it starts"),
        ({"start": date(2027, 1, 4)}, "no week since 2027-01-04 is final"),
    ],
)
def test_weeks_that_cannot_be_read_say_why(made, chain, weeks, message):
    with pytest.raises(UsageError, match=message):
        reading(made, chain, **weeks)


def test_a_design_of_another_chain_is_refused(made, chain):
    fewer = replace(chain, stores=chain.stores.filter(pl.col("store") != made.pairs[0].pilot))
    with pytest.raises(
        UsageError, match=f"1 stores of the design are not in the table stores: {made.pairs[0].pilot}"
    ):
        reading(made, fewer)


def test_money_without_prices_is_not_told_and_partly_priced_money_says_so(made, chain):
    poor = replace(chain, weeks=chain.weeks.with_columns(money=pl.lit(None, pl.Float64)))
    assert [line.outcome for line in reading(made, poor).findings] == ["returns", "sales", "sold_out"]
    half = replace(chain, weeks=chain.weeks.with_columns((pl.col("delivered") / 2).alias("unpriced")))
    assert "money leaves out 50.0 %" in reading(made, half).notes[0]
