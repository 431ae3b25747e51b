"""The long-term recipe: what is planted a year back is still there a year ahead."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import WEEK
from fleetcast.features import panel
from fleetcast.features.design import Design
from fleetcast.models.longterm import FittedLongTerm, LongTerm, view
from fleetcast.models.recipes import load
from fleetcast.registry.packs import pack, unpack
from fleetcast.settings import FeatureSettings, TrainingSettings
from fleetcast.testing.builders import weekly_sales

FIRST = date(2021, 1, 4)
HORIZONS = (13, 26, 52)
RECIPE = LongTerm(TrainingSettings(passes=1))
STORES, PRODUCTS = ("S1", "S2", "S3"), ("00001", "00002")


def rates(weeks: int, *, growth: float = 0.0, wave: float = 0.4) -> np.ndarray:
    """A year's wave and a trend (log units a year) around 40 units a week."""
    t = np.arange(weeks)
    return 40 * np.exp(wave * np.cos(2 * np.pi * t * 7 / 365.2425) + growth * t / 52)


def grid(weeks: int, *, noise: float = 0.1, **planted: float) -> pl.DataFrame:
    """Demand of six series that follow the planted rates."""
    random = np.random.default_rng(3)
    return pl.concat(
        weekly_sales(
            *(rates(weeks, **planted) * np.exp(random.normal(0, noise, weeks))),
            store=store,
            product=product,
            first=FIRST,
        )
        for store in STORES
        for product in PRODUCTS
    )


def designed(demand: pl.DataFrame, cutoff: int) -> Design:
    series = demand.select("store", "product").unique().with_columns(region=pl.lit("r"), segment=pl.lit("s"))
    made = panel.build(demand, series, cutoff=FIRST + (cutoff - 1) * WEEK, horizons=HORIZONS)
    return Design.of(made, FeatureSettings(), {})


def ahead(design: Design):
    asked = design.examples(first=design.panel.cutoff + 1, training=False)
    return asked.take(asked.week - asked.horizon == design.panel.cutoff)


def forecast(demand: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    design = designed(demand, cutoff)
    fitted, asked = RECIPE.fit(design.examples(training=True), seed=1), ahead(design)
    where = design.panel.series[asked.row].select("store", "product")
    units = fitted.predict(asked)
    return where.with_columns(horizon=pl.Series(asked.horizon, dtype=pl.Int64), **units)


def test_a_planted_wave_and_trend_go_on_for_a_year():
    found = forecast(grid(208, growth=0.15), 156)
    truth = rates(208, growth=0.15)[155 + found["horizon"].to_numpy()]
    for functional in ("mape", "median", "mean"):
        assert np.abs(found[functional] / truth - 1).mean() < 0.08


def test_a_series_of_ten_weeks_takes_the_profile_of_its_segment():
    young = pl.col("week") >= FIRST + 146 * WEEK  # it began at the top of the year
    demand = grid(156).filter(young | ~((pl.col("store") == "S3") & (pl.col("product") == "00002")))
    found = forecast(demand, 156).filter(store="S3", product="00002").sort("horizon")
    np.testing.assert_allclose(found["median"], rates(208)[155 + found["horizon"].to_numpy()], rtol=0.15)


@pytest.mark.parametrize(("weeks", "waves"), [(60, 0), (100, 1), (156, 3)])
def test_the_fewer_years_there_are_the_coarser_is_the_profile(weeks, waves):
    fitted = RECIPE.fit(designed(grid(weeks), weeks).examples(training=True), seed=1)
    assert sum(name in fitted.linear.names for name in ("sin1", "sin2", "sin3")) == waves
    assert np.isfinite(fitted.predict(ahead(designed(grid(weeks), weeks)))["mean"]).all()


def test_nothing_after_the_cutoff_moves_a_forecast():
    calm = grid(170)
    spiked = calm.with_columns(
        units=pl.when(pl.col("week") > FIRST + 139 * WEEK).then(pl.col("units") * 9).otherwise("units")
    )
    assert forecast(calm, 140).equals(forecast(spiked, 140))


def test_the_order_of_rows_changes_nothing():
    demand = grid(130)
    design = designed(demand, 130)
    train, asked = design.examples(training=True), ahead(design)
    order = np.random.default_rng(1).permutation(len(train))
    turned = np.arange(len(asked))[::-1]
    first, second = RECIPE.fit(train, seed=1), RECIPE.fit(train.take(order), seed=2)
    for name, units in first.predict(asked).items():
        np.testing.assert_allclose(second.predict(asked.take(turned))[name][turned], units, rtol=1e-5)
    assert forecast(demand.sample(fraction=1, shuffle=True, seed=1), 130).equals(forecast(demand, 130))


def test_what_never_sells_is_forecast_to_sell_nothing():
    demand = grid(130).with_columns(units=pl.when(pl.col("product") == "00001").then(0.0).otherwise("units"))
    found = forecast(demand, 130)
    nothing = found.filter(product="00001")
    for functional in ("mape", "median", "mean"):
        assert found[functional].is_finite().all()
        assert nothing[functional].is_between(0, 0.5).all()


def test_a_packed_model_forecasts_the_same_bits():
    design = designed(grid(110), 110)
    fitted, asked = RECIPE.fit(design.examples(training=True), seed=1), ahead(design)
    again = load(unpack(pack({"r/large": fitted.dump()}))["r/large"])
    assert isinstance(again, FittedLongTerm)
    for name, units in fitted.predict(asked).items():
        np.testing.assert_array_equal(again.predict(asked)[name], units)


def test_a_product_of_few_weeks_has_no_profile_of_its_own_to_run_away_with():
    rising = weekly_sales(*np.linspace(20, 60, 20), store="S1", product="00003", first=FIRST + 110 * WEEK)
    design = designed(pl.concat([grid(130), rising]), 130)
    loosest = pl.DataFrame({"loss": ["mape", "absolute", "squared"], "horizon": 13, "alpha": 11})
    tuning = loosest.with_columns(loss_sum=pl.lit(0.0), n=pl.lit(1))
    asked = ahead(design)
    found = RECIPE.fit(design.examples(training=True), seed=1, tuning=tuning).predict(asked)
    young = asked.product == asked.products.index("00003")
    for functional in ("mape", "median", "mean"):
        assert ((found[functional][young] > 15) & (found[functional][young] < 120)).all()


def test_a_plan_is_left_out_whatever_its_table_is_called():
    train = designed(grid(110), 110).examples(training=True)
    plan = np.zeros((len(train), 1), np.float32)
    planned = replace(train, X=np.hstack([train.X, plan]), names=(*train.names, "seasonal_plans.price"))
    assert view(planned).names == view(train).names


@pytest.mark.parametrize("weeks", [40, 60])
def test_where_all_products_are_young_each_series_is_forecast_about_its_own_level(weeks):
    levels = {store: 10.0 * 3**k for k, store in enumerate(STORES)}
    demand = grid(weeks, wave=0.0)
    scaled = demand.with_columns(units=pl.col("units") / 40 * pl.col("store").replace_strict(levels))
    found = forecast(scaled, weeks).filter(pl.col("horizon") == 13)
    for row in found.iter_rows(named=True):
        assert row["median"] == pytest.approx(levels[row["store"]], rel=0.25)
