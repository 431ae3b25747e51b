from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.errors import DataError
from fleetcast.features.design import Design
from fleetcast.models.baseline import Sold
from fleetcast.rounds.subject import Subject, TooLittleError
from fleetcast.testing.shop import COVARIATES, FEATURES, SETTINGS, shop
from fleetcast.training.account import Conditioned, check_ledger
from fleetcast.training.fitting import Walking, averages_of, fit_baselines

SEGMENT = "north/large/fast"
SHOP = shop(stores=3, products=3, weeks=44)
LAST = SHOP.deliveries["week"].max()
ALL = Conditioned(3 * 3 * 44, float(SHOP.demand(LAST)["units"].sum()))


def design(weeks_back=0):
    panel = SHOP.panel(LAST - timedelta(weeks=weeks_back))
    panel = replace(panel, series=panel.series.with_columns(baseline=pl.lit("north/large")))
    return Design.of(panel, FEATURES, COVARIATES)


def earlier(*weeks_back):
    return {LAST - timedelta(weeks=back): design(back) for back in weeks_back}


@pytest.fixture(scope="module")
def now():
    return design()


def fit(now, rounds, *, recorded=None, chain=None, conditioned=ALL, segment=SEGMENT, afresh=False):
    from fleetcast.domain.tables import ROUNDS
    from fleetcast.lake.contracts import empty

    recorded = empty(ROUNDS).select(ROUNDS.columns) if recorded is None else recorded
    walking = Walking.begun(
        segment, recorded, chain=chain, recipe="weekly-1", settings=SETTINGS, afresh=afresh
    )
    for origin in sorted(rounds):
        walking = walking.at(rounds[origin], averages_of(Sold.of(rounds[origin].panel)))
    return walking.arrived(now, averages_of(Sold.of(now.panel)), conditioned)


@pytest.fixture(scope="module")
def in_one_go(now):
    return fit(now, earlier(7, 6, 5, 4))


def test_every_conditioned_row_is_fitted_or_excluded_for_a_reason(in_one_go):
    rows = in_one_go.record["rows"]
    assert rows["conditioned"] == ALL.rows
    assert sum(count for reason, count in rows.items() if reason != "conditioned") == ALL.rows
    assert rows["not_final"] == 9 * 2
    assert rows["warm_up"] > 0
    assert rows["fitted"] > 0


def test_a_ledger_that_does_not_close_says_how_many_rows_came_out_nowhere():
    with pytest.raises(DataError, match="100 rows were conditioned, but 90 were fitted"):
        check_ledger(SEGMENT, {"conditioned": 100, "fitted": 80, "warm_up": 10})


def test_rows_lost_on_the_way_to_the_panel_stop_the_segment(now):
    with pytest.raises(DataError, match="does not close"):
        fit(now, {}, conditioned=replace(ALL, rows=ALL.rows + 1))
    with pytest.raises(DataError, match="units were conditioned"):
        fit(now, {}, conditioned=replace(ALL, units=ALL.units + 1))


def test_rows_lost_in_the_panel_stop_the_segment(now):
    panel = now.panel
    given = panel.given.copy()
    status = panel.status.copy()
    given[:, 20], status[:, 20] = False, 1  # as a sampled week would be
    with pytest.raises(DataError, match="does not close"):
        fit(replace(now, panel=replace(panel, given=given, status=status)), {})


def test_a_week_s_training_goes_on_from_the_one_before_as_if_it_had_walked_there(now, in_one_go):
    """A training's own forecasts are its newest round: the week after has no round to make up for."""
    before = design(1)
    held = Conditioned(9 * 43, float(SHOP.demand(LAST - timedelta(weeks=1))["units"].sum()))
    first = fit(before, earlier(7, 6, 5, 4), conditioned=held)
    second = fit(now, {}, recorded=first.rounds, chain=first.models[f"{SEGMENT}#chain"])
    whole = fit(now, earlier(7, 6, 5, 4, 1))
    assert second.rounds.equals(whole.rounds)
    assert second.models[SEGMENT].meta == whole.models[SEGMENT].meta
    for name, array in whole.models[SEGMENT].arrays.items():
        assert np.array_equal(array, second.models[SEGMENT].arrays[name])
    assert max(in_one_go.rounds["origin"].unique()) == LAST


def test_after_a_model_that_was_refused_a_network_begins_anew_on_the_same_rounds(now):
    before = design(1)
    held = Conditioned(9 * 43, float(SHOP.demand(LAST - timedelta(weeks=1))["units"].sum()))
    first = fit(before, earlier(7, 6, 5, 4), conditioned=held)
    chain = first.models[f"{SEGMENT}#chain"]
    on, afresh = (fit(now, {}, recorded=first.rounds, chain=chain, afresh=anew) for anew in (False, True))
    assert (on.record["warm_starts"], afresh.record["warm_starts"]) == (1, 0)
    assert afresh.record["full_fit"] == str(LAST)
    assert afresh.rounds.filter(pl.col("origin") < LAST).equals(first.rounds)


def test_a_young_segment_has_fewer_rounds_and_a_model_all_the_same(now):
    fitted = fit(now, earlier(38, 30, 4))
    assert sorted(fitted.rounds["origin"].unique()) == [LAST - timedelta(weeks=back) for back in (30, 4, 0)]


def test_a_segment_without_series_or_sales_has_too_little_to_learn_from(now):
    with pytest.raises(TooLittleError, match="too few to learn from"):
        fit(now, {}, segment="nowhere/large/fast")
    nothing = replace(now, panel=replace(now.panel, units=np.zeros_like(now.panel.units)))
    with pytest.raises(TooLittleError, match="sold nothing"):
        fit(nothing, {})


def test_forecasts_are_judged_by_final_known_weeks_only(now):
    asked = SHOP.demand(LAST).select("store", "product", "week").with_columns(mape=1.0)
    nobody = pl.DataFrame({"store": "elsewhere", "product": "other", "week": LAST, "mape": 1.0})
    judged = Subject(SEGMENT, SEGMENT, SETTINGS).sold(pl.concat([asked, nobody]), now.panel)
    assert judged["week"].max() == LAST - timedelta(weeks=2)
    assert judged["units"].is_finite().all()
    assert judged.height == asked.filter(pl.col("week") <= LAST - timedelta(weeks=2)).height
    known = SHOP.demand(LAST).select("store", "product", "week", sold="units")
    both = judged.join(known, on=["store", "product", "week"], maintain_order="left")
    assert both["units"].equals(both["sold"], check_names=False)


def test_each_baseline_segment_has_its_average_and_its_intervals(now):
    fitted = fit_baselines(now.panel, Sold.of(now.panel))
    assert [record["segment"] for record in fitted.records] == ["north/large"]
    assert sorted(fitted.models) == ["north/large#baseline", "north/large#baseline#intervals"]
