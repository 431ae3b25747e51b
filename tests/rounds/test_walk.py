"""What a round may be tuned by: errors in weeks that were final at its origin, and nothing that came after."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.tables import DELIVERIES, RETURNS, ROUNDS
from fleetcast.domain.week import WEEK, known_by
from fleetcast.features.design import Design
from fleetcast.lake.contracts import empty
from fleetcast.models.baseline import Sold
from fleetcast.models.recipes import OURS
from fleetcast.rounds.subject import Subject
from fleetcast.rounds.walk import Round, Walk, fitted_at, scouted, walked
from fleetcast.testing.shop import COVARIATES, FEATURES, RETURNS_WEEKS, SETTINGS, shop
from fleetcast.training.account import Conditioned
from fleetcast.training.fitting import Walking, averages_of

SEGMENT = "north/large/fast"
SHOP = shop(stores=3, products=3, weeks=48)
LAST = SHOP.deliveries["week"].max()
SUBJECT = Subject(SEGMENT, SEGMENT, SETTINGS)
DOOR = OURS["weekly"]
ORIGINS = [LAST - back * WEEK for back in (9, 8, 7, 6, 5, 4)]


def design(made, cutoff):
    return Design.of(made.panel(cutoff), FEATURES, COVARIATES)


def designs(made):
    return {origin: design(made, origin) for origin in ORIGINS}


@cache
def whole_walk():
    """All rounds of the shop, and what has become final since."""
    _, walk = walked(SUBJECT, designs(SHOP), Walk.resumed(None, DOOR.load), fit, DOOR, each=lambda made: made)
    return walk.looking(SUBJECT, design(SHOP, LAST))


def fit(examples, *, origin, warm, tuning):
    return DOOR.make(SETTINGS.training).fit(examples, seed=1, warm=warm, tuning=tuning)


def changed_after(made, origin):
    """The shop in which everything that became known after an origin is another."""
    unknown = pl.col("known_at") > known_by(origin, 2)
    noise = pl.Series(np.random.default_rng(3).integers(0, 400, made.deliveries.height).astype(float))
    brought = pl.when(unknown).then(noise).otherwise("delivered").alias("delivered")
    corrected = made.deliveries.filter(pl.col("week") <= origin).with_columns(
        pl.lit(known_by(origin, 2) + timedelta(hours=1)).alias("known_at"),
        (pl.col("delivered") * 30).alias("delivered"),
    )
    back = pl.when(unknown).then(0.0).otherwise("returned").alias("returned")
    return replace(
        made,
        deliveries=pl.concat([made.deliveries.with_columns(brought), corrected]).select(DELIVERIES.columns),
        returns=made.returns.with_columns(back).select(RETURNS.columns),
    )


@pytest.mark.parametrize("at", [0, 2, 5])
def test_nothing_that_became_known_after_an_origin_moves_its_forecasts_or_its_penalty(at):
    origin = ORIGINS[at]
    forecasts, chosen = [], []
    for made in (SHOP, changed_after(SHOP, origin)):
        (*_, round_), _ = walked(
            SUBJECT,
            {o: d for o, d in designs(made).items() if o <= origin},
            Walk.resumed(None, DOOR.load),
            fit,
            DOOR,
            each=lambda made: made,
        )
        assert round_.origin == origin
        forecasts.append(round_.fitted.predict(round_.ahead))
        chosen.append(round_.fitted.linear.chosen)
    assert chosen[0] == chosen[1]
    assert all(np.array_equal(forecasts[0][name], forecasts[1][name]) for name in ("mape", "median", "mean"))


def test_a_whole_training_leaves_the_rounds_it_would_have_left_with_another_future():
    """All rounds in one go, as in a first week: each is as if the weeks after its origin had not come yet."""
    origin = ORIGINS[2]
    streams = []
    for made in (SHOP, changed_after(SHOP, origin)):
        now = design(made, LAST)
        held = Conditioned(int(now.panel.conditioned.sum()), float(np.nansum(now.panel.units)))
        walking = Walking.begun(
            SEGMENT, empty(ROUNDS).select(ROUNDS.columns), chain=None, recipe="weekly-1", settings=SETTINGS
        )
        for seen in designs(made).values():
            walking = walking.at(seen, averages_of(Sold.of(seen.panel)))
        fitted = walking.arrived(now, averages_of(Sold.of(now.panel)), held)
        streams.append(fitted.rounds)
    before = [stream.filter(pl.col("origin") <= origin) for stream in streams]
    assert before[0].equals(before[1])
    assert not streams[0].equals(streams[1])


def test_only_weeks_final_at_the_origin_tune_and_of_each_horizon_the_newest_rounds():
    walk = whole_walk()
    for origin in (ORIGINS[-1], LAST):
        tuned_by = walk.stream.join(
            walk.tuning(SUBJECT, origin), on=["loss", "horizon", "alpha", "loss_sum", "n"]
        )
        weeks = tuned_by.select(
            pl.col("origin") + pl.duration(weeks=pl.col("horizon") + RETURNS_WEEKS)
        ).to_series()
        assert weeks.max() <= origin
        newest = tuned_by.group_by("horizon").agg(
            pl.col("origin").n_unique(), pl.col("origin").max().alias("last")
        )
        assert set(newest["origin"]) == {SETTINGS.training.rounds}
    assert set(newest["last"]) == {ORIGINS[-1]}  # the serving model is tuned by the newest rounds, whole


def test_the_first_round_is_tuned_by_a_quick_fit_s_errors_up_to_its_last_final_week():
    oldest = design(SHOP, ORIGINS[0])
    errors = scouted(SUBJECT, oldest, DOOR)
    weeks = errors.select(pl.col("origin") + pl.duration(weeks=pl.col("horizon"))).to_series()
    last = ORIGINS[0] - RETURNS_WEEKS * WEEK
    assert sorted(weeks.unique()) == [last - back * WEEK for back in (3, 2, 1, 0)]
    fitted, walk = fitted_at(SUBJECT, oldest, Walk.resumed(None, DOOR.load), fit, DOOR)
    assert walk.stream.equals(errors)
    assert (
        fitted.linear.chosen
        != fit(SUBJECT.examples(oldest), origin=None, warm=None, tuning=None).linear.chosen
    )


def test_a_subject_too_young_to_be_scouted_begins_untuned():
    young = design(SHOP, LAST - 34 * WEEK)
    assert scouted(SUBJECT, young, DOOR).height == 0
    fitted, walk = fitted_at(SUBJECT, young, Walk.resumed(None, DOOR.load), fit, DOOR)
    again = Walk.resumed(replace(walk, fitted=fitted, origin=LAST, began=LAST).dump(), DOOR.load)
    assert again.stream.equals(walk.stream)
    assert (
        fitted.linear.chosen
        == fit(SUBJECT.examples(young), origin=None, warm=None, tuning=None).linear.chosen
    )


def test_a_walk_that_was_stored_goes_on_as_if_it_had_not_been():
    _, walk = walked(SUBJECT, designs(SHOP), Walk.resumed(None, DOOR.load), fit, DOOR, each=lambda made: made)
    again = Walk.resumed(walk.dump(), DOOR.load)
    assert (again.origin, again.began, again.length) == (walk.origin, walk.began, walk.length)
    assert [(one.origin, one.horizons) for one in again.unjudged] == [
        (one.origin, one.horizons) for one in walk.unjudged
    ]
    later = design(SHOP, LAST)
    assert again.looking(SUBJECT, later).stream.equals(walk.looking(SUBJECT, later).stream)
    assert walk.looking(SUBJECT, later).unjudged == ()


def test_a_round_is_judged_horizon_by_horizon_as_its_weeks_become_final():
    origin = ORIGINS[0]
    fitted, walk = fitted_at(SUBJECT, design(SHOP, origin), Walk.resumed(None, DOOR.load), fit, DOOR)
    walk = walk.after(SUBJECT, Round(origin, design(SHOP, origin), None, fitted), DOOR)
    judged = []
    for back in range(RETURNS_WEEKS, RETURNS_WEEKS + 3):
        seen = walk.looking(SUBJECT, design(SHOP, origin + back * WEEK))
        judged.append(seen.stream.filter(origin=origin)["horizon"].unique().sort().to_list())
    assert judged == [[], [1], [1, 2]]


def test_errors_that_no_later_origin_could_use_are_not_kept():
    walk = whole_walk()
    # horizon 2: the newest 4 that were final at the newest origin, and the 4 that were not yet
    kept = walk.stream.filter(horizon=2)["origin"].unique().sort()
    assert kept.len() == 4 + 4
    assert kept[-1] == ORIGINS[-1]
