from dataclasses import replace
from datetime import timedelta

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

PLAN = Plan(weeks=8)


def designed(chain, origin, plan=PLAN):
    return design(chain.before, chain.stores, plan=plan, origin=origin)


def left_out(made):
    return {line.store: line.reason for line in made.left_out}


def closing(chain, store, day):
    closes = pl.when(pl.col("store") == store).then(pl.lit(day)).otherwise("closed").alias("closed")
    return replace(chain, stores=chain.stores.with_columns(closes))


def test_every_store_that_can_is_in_one_pair_of_its_own_stratum(chain, origin):
    made = designed(chain, origin)
    assert len(made.pairs) == 12
    assert not made.left_out
    place = {row["store"]: f"{row['region']}/{row['store_format']}" for row in chain.stores.to_dicts()}
    assert all(place[pair.pilot] == place[pair.control] == pair.stratum for pair in made.pairs)
    assert (made.first, made.last) == (LAST - 51 * WEEK, LAST)


def test_the_same_seed_makes_the_same_design_and_another_one_other_pilots(chain, origin):
    made = designed(chain, origin)
    assert designed(chain, origin) == made
    other = designed(chain, origin, replace(PLAN, seed=2))
    assert {frozenset((p.pilot, p.control)) for p in other.pairs} == {
        frozenset((p.pilot, p.control)) for p in made.pairs
    }
    assert {p.pilot for p in other.pairs} != {p.pilot for p in made.pairs}


def test_the_order_of_rows_and_of_stores_changes_nothing(chain, origin):
    shuffled = replace(
        chain,
        weeks=chain.weeks.sample(fraction=1.0, shuffle=True, seed=1),
        stores=chain.stores.sample(fraction=1.0, shuffle=True, seed=2),
    )
    made, again = designed(chain, origin), designed(shuffled, origin)
    assert again.pairs == made.pairs
    for line, other in zip(made.balance, again.balance, strict=True):
        assert other.apart == pytest.approx(line.apart)


def test_the_coin_is_fair(chain, origin):
    first = [min(pair.pilot, pair.control) for pair in designed(chain, origin).pairs]
    heads = [
        pair.pilot == name
        for seed in range(40)
        for pair, name in zip(
            designed(chain, origin, replace(PLAN, seed=seed, weeks=40)).pairs, first, strict=True
        )
    ]
    assert 0.42 < np.mean(heads) < 0.58


def test_pairs_leave_the_groups_more_alike_than_coins_alone(origin):
    chain = make_chain(stores=96)
    of_pairs, by_chance = [], []
    for seed in range(10):
        for line in designed(chain, origin, replace(PLAN, seed=seed, weeks=40)).balance:
            if line.feature in ("sales", "returns"):
                of_pairs.append(abs(line.apart))
                by_chance.append(line.by_chance)
    assert np.mean(of_pairs) < 0.75 * np.mean(by_chance)


def test_a_store_that_cannot_take_part_is_left_out_with_the_reason(chain, origin):
    changed = closing(chain, "S000", LAST - 3 * WEEK)
    changed = closing(changed, "S004", LAST + 5 * WEEK)
    opens = (
        pl.when(pl.col("store") == "S008").then(pl.lit(LAST - 20 * WEEK)).otherwise("opened").alias("opened")
    )
    rarely = (pl.col("store") == "S012") & (pl.col("week") < LAST - 30 * WEEK)
    stranger = chain.weeks.filter(pl.col("store") == "S001").with_columns(store=pl.lit("X"))
    changed = replace(
        changed,
        stores=changed.stores.with_columns(opens),
        weeks=pl.concat([changed.weeks.filter(~rarely), stranger]),
    )
    made = designed(changed, origin, replace(PLAN, without=("S016",)))
    found = left_out(made)
    assert found.pop("S020") == "no_pair"  # the last of its stratum
    assert found == {
        "S000": "closed", "S004": "closes_soon", "S008": "opened_later", "S012": "few_deliveries",
        "S016": "named_by_hand", "X": "no_master_data",
    }  # fmt: skip


def test_a_number_or_a_share_of_stores_takes_the_closest_pairs_of_each_stratum(chain, origin):
    made = designed(chain, origin, replace(PLAN, share=0.7))
    assert len(made.pairs) == 8
    assert set(left_out(made).values()) == {"no_pair"}
    assert {pair.stratum for pair in made.pairs} == {"east/large", "west/large", "east/small", "west/small"}
    assert len(designed(chain, origin, replace(PLAN, stores=13)).pairs) == 6


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (replace(PLAN, stores=30), "24 stores could take part and make 12 pairs; 15 pairs are needed"),
        (
            replace(PLAN, stores=6),
            "6 stores make 3 pairs, and fewer than 5 tell nothing from chance.*--stores 10 or more",
        ),
        (replace(PLAN, share=0.1), "2 stores make 1 pair, and fewer than 5 .*larger --share"),
        (replace(PLAN, stores=10, share=0.5), "give one of the two"),
        (replace(PLAN, within=("postal_code",)), "make 0 pairs"),
        (replace(PLAN, within=("town",)), "cannot be made within 'town'"),
        (replace(PLAN, without=("S999",)), "no store 'S999' to leave out"),
        (replace(PLAN, history=80), "only 52 weeks are known, not 80"),
        (replace(PLAN, outcome="smiles"), "no outcome 'smiles'; there are returns, sales"),
    ],
)
def test_a_plan_that_cannot_be_met_says_what_to_ask_for(chain, origin, plan, message):
    if plan.within == ("postal_code",):
        chain = replace(chain, stores=chain.stores.with_columns(postal_code="store"))
    with pytest.raises(UsageError, match=message):
        designed(chain, origin, plan)


def test_money_cannot_be_what_a_trial_is_judged_by_when_no_price_is_known(chain, origin):
    poor = replace(chain, weeks=chain.weeks.with_columns(money=pl.lit(None, pl.Float64)))
    with pytest.raises(UsageError, match="money cannot be told"):
        designed(poor, origin, replace(PLAN, outcome="money"))
    assert [line.outcome for line in designed(poor, origin).detectable] == ["returns", "sales", "sold_out"]


def test_nothing_final_is_no_ground_for_a_design(chain, origin):
    with pytest.raises(UsageError, match="no week of any store is final yet"):
        design(chain.weeks.clear(), chain.stores, plan=PLAN, origin=origin)


def test_what_can_be_found_needs_past_windows_as_long_as_the_trial(chain, origin):
    told = {line.outcome: line for line in designed(chain, origin).detectable}
    assert told["sales"].windows == 5
    assert 0 < told["sales"].lift < 0.3
    longer = designed(chain, origin, replace(PLAN, weeks=40)).detectable[0]
    assert (longer.lift, longer.windows) == (None, 0)


def test_the_promise_of_what_can_be_found_is_kept(origin):
    """A lift of the promised size is found about eight times in ten, in chains nobody has seen."""
    found = []
    for seed in range(25):
        chain = make_chain(seed=100 + seed)
        made = designed(chain, origin, replace(PLAN, seed=seed, outcome="sales"))
        promised = next(line.lift for line in made.detectable if line.outcome == "sales")
        pilots = [pair.pilot for pair in made.pairs]
        more = (
            pl.when(pl.col("store").is_in(pilots) & (pl.col("week") > LAST)).then(1 + promised).otherwise(1.0)
        )
        weeks = chain.weeks.with_columns((pl.col("sold") * more).alias("sold"))
        known = levels(
            weeks, [p.arms for p in made.pairs], OUTCOMES["sales"], start=LAST + timedelta(weeks=1)
        )
        found.append(lift(known, coins(len(made.pairs), seed)).found)
    assert 0.6 <= np.mean(found) <= 0.96


def test_postal_codes_with_both_arms_are_counted(chain, origin):
    assert designed(chain, origin).shared_postal_codes > 0
    alone = replace(chain, stores=chain.stores.with_columns(postal_code="store"))
    assert designed(alone, origin).shared_postal_codes == 0
