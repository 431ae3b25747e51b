"""What contenders forecast from one origin."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleetcast.backtesting.contenders import PLAIN, Trained
from fleetcast.backtesting.origin import Donor, Origin
from fleetcast.backtesting.peers import LightGBM
from fleetcast.backtesting.replay import judged, with_quantiles
from fleetcast.features.design import Design
from fleetcast.models.baseline import HistoricalAverage
from fleetcast.models.transfer import Transfer
from fleetcast.rounds.subject import Subject
from fleetcast.testing.shop import COVARIATES, FEATURES, RETURNS_WEEKS, SETTINGS, shop

SHOP = shop(stores=3, products=3, weeks=44)
LAST = SHOP.deliveries["week"].max()
ROW = ["store", "product", "week"]


def origin(weeks_back: int = 0) -> Origin:
    panel = SHOP.panel(LAST - timedelta(weeks=weeks_back))
    return Origin(Design.of(panel, FEATURES, COVARIATES), SETTINGS)


@pytest.fixture(scope="module")
def now() -> Origin:
    return origin()


@pytest.mark.parametrize("contender", [*PLAIN.values(), Trained("weekly"), LightGBM(trees=5)])
def test_every_contender_forecasts_each_series_and_horizon_once(now, contender):
    rows, _ = contender.forecast(now, None)
    assert rows.height == len(now.design.panel) * 2
    assert rows.select(ROW).is_unique().all()
    points = rows.select("mape", "median", "mean").to_numpy()
    assert np.isfinite(points).all()
    assert (points >= 0).all()
    assert (rows["week"] > now.cutoff).all()


def test_averages_are_of_the_weeks_up_to_the_cutoff(now):
    panel = now.design.panel
    known = np.maximum(panel.units[0, : panel.cutoff + 1], 0)
    for name, statistic in (("historical mean", np.nanmean), ("historical median", np.nanmedian)):
        rows, _ = PLAIN[name].forecast(now)
        assert rows["mape"][0] == pytest.approx(statistic(known))
    newest, _ = PLAIN["last week"].forecast(now)
    assert newest["mape"][0] == pytest.approx(max(panel.units[0, panel.cutoff], 0))


@pytest.mark.parametrize("average", ["historical mean", "historical median", "geometric mean"])
def test_a_series_without_history_has_the_average_that_the_fleets_baseline_gives_it(average):
    new = (pl.col("store") == "S00") & (pl.col("product") == "00000")
    made = replace(SHOP, deliveries=SHOP.deliveries.filter(~new), returns=SHOP.returns.filter(~new))
    panel = made.panel(LAST)
    there = Origin(Design.of(panel, FEATURES, COVARIATES), SETTINGS)
    rows, _ = PLAIN[average].forecast(there)
    (found,) = rows.filter(new)["mape"].unique()
    assert found > 1
    if average != "geometric mean":
        fleet = HistoricalAverage().fit(panel).predict(panel.series.filter(new))
        assert found == fleet[f"baseline_{average.split()[1]}"].item()


@pytest.mark.parametrize("contender", [Trained("weekly"), Trained("weekly-pooled"), LightGBM(trees=5)])
def test_who_is_too_young_for_a_model_is_served_by_medians(contender):
    young = replace(SHOP, deliveries=SHOP.deliveries.filter(pl.col("week") > LAST - timedelta(weeks=6)))
    there = Origin(Design.of(young.panel(LAST), FEATURES, COVARIATES), SETTINGS)
    rows, _ = contender.forecast(there, None)
    medians, _ = PLAIN["historical median"].forecast(there)
    assert rows.sort(*ROW, "horizon").equals(medians.sort(*ROW, "horizon"))


def test_intervals_come_only_from_windows_that_were_final_by_then():
    frames, memory = [], None
    for weeks_back in (8, 6, 4, 2):
        there = origin(weeks_back)
        rows, memory = Trained("weekly").forecast(there, memory)
        marks = (pl.lit("weekly").alias("contender"), pl.lit(there.cutoff).alias("origin"))
        frames.append(rows.select(*marks, pl.all()))
    known = judged(pl.concat(frames), SHOP.demand(LAST).filter("final"))
    promised = with_quantiles(known, open_weeks=RETURNS_WEEKS)
    first = known["origin"].min()
    assert first not in promised["origin"].to_list()

    later = known.with_columns(
        units=pl.when(pl.col("week") > known["origin"].max() - timedelta(weeks=RETURNS_WEEKS))
        .then(pl.col("units") * 50)
        .otherwise("units")
    )
    moved = with_quantiles(later, open_weeks=RETURNS_WEEKS)
    quantiles = [name for name in promised.columns if name.startswith("q")]
    assert moved.select(quantiles).equals(promised.select(quantiles))


def young_and_old() -> Origin:
    """A segment of six weeks in the north, whose donor has a year in the south."""
    late = pl.col("week") > LAST - timedelta(weeks=6)
    young = replace(SHOP, deliveries=SHOP.deliveries.filter(late)).panel(LAST)
    north = replace(young, series=young.series.with_columns(segment=pl.lit("north/fast")))
    old = SHOP.panel(LAST)
    south = replace(old, series=old.series.with_columns(segment=pl.lit("south/fast")))
    designs = {"south": Design.of(south, FEATURES, COVARIATES)}
    donors = {"north/fast": Donor("south/fast", "south")}
    return Origin(Design.of(north, FEATURES, COVARIATES), SETTINGS, donors, designs.__getitem__)


def test_a_young_segment_starts_from_its_lender_as_it_was_at_the_origin():
    there = young_and_old()
    rows, memory = Trained("weekly").forecast(there, None)
    assert rows["donor"].unique().to_list() == ["south/fast"]
    lent = memory.walks["south/fast"].fitted
    subject = Subject("north/fast", "north/fast", SETTINGS, fewest=0)
    by_hand = Transfer(SETTINGS.training).fit(subject.examples(there.design), donor=lent, seed=subject.seed)
    found = rows.sort(*ROW, "horizon")["mape"].to_numpy()
    ahead = there.ahead
    wanted = there.forecasts(ahead, by_hand.predict(ahead)).sort(*ROW, "horizon")["mape"].to_numpy()
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("weeks", "borrows"), [(51, True), (52, False)])
def test_a_segment_borrows_until_it_has_a_year_of_its_own(weeks, borrows):
    made, donor = shop(stores=1, products=2, weeks=weeks), Donor("south/fast", "south")
    panel = made.panel(made.deliveries["week"].max())
    there = Origin(Design.of(panel, FEATURES, COVARIATES), SETTINGS, {"north/large/fast": donor})
    assert there.donor("north/large/fast") == (donor if borrows else None)


def test_without_its_lender_s_partition_a_young_segment_starts_from_nothing():
    alone = replace(young_and_old(), elsewhere=None)
    rows, _ = Trained("weekly").forecast(alone, None)
    assert rows["donor"].null_count() == rows.height
