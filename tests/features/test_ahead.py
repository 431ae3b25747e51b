"""Known-ahead features: against their past, against the other products, and the weeks that were like this one."""

from dataclasses import replace

import numpy as np
import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.features.columns import columns
from fleetcast.features.panel import Covariate, Panel, build
from fleetcast.settings import CovariateSettings, FeatureSettings
from fleetcast.testing.builders import FIRST_WEEK, weekly_sales

SETTINGS = FeatureSettings(windows=(4,), seasonal_lags=())
PRICE = CovariateSettings(
    keys=("week", "product"),
    columns={"price": "known_future"},
    log=("price",),
    relative=("price",),
    cross=("price",),
)


def market(prices: dict[str, list[float | None]], units: dict[str, list[float]]) -> Panel:
    """Products of one store; the last week of the prices is the only one after the cutoff."""
    length = len(next(iter(units.values())))
    series = pl.DataFrame(
        [{"store": "S1", "product": p, "category": "c", "region": "r", "store_format": "f"} for p in units]
    )
    rows = [
        {"week": FIRST_WEEK + i * WEEK, "product": product, "price": price}
        for product, values in prices.items()
        for i, price in enumerate(values)
        if price is not None
    ]
    return build(
        pl.concat([weekly_sales(*values, product=product) for product, values in units.items()]),
        series,
        cutoff=FIRST_WEEK + (length - 1) * WEEK,
        horizons=(1,),
        covariates=[Covariate("plan", PRICE, pl.DataFrame(rows))],
    )


def feature(panel: Panel, name: str) -> np.ndarray:
    column = next(c for c in columns(panel, SETTINGS, {"plan": PRICE}) if c.name == name)
    assert column.target is not None
    if column.origin is None:
        return column.target.spread
    return column.target.spread[:, 1:] - column.origin.spread[:, :-1]


def test_a_price_is_read_at_the_week_itself_and_against_the_weeks_up_to_the_origin():
    panel = market({"A": [1, 1, 1, 1, np.e]}, {"A": [5, 5, 5, 5]})
    assert feature(panel, "plan.price")[0, -1] == 1.0
    assert feature(panel, "plan.price-mean4")[0, -1] == 1.0
    assert feature(panel, "plan.price-before1")[0, -1] == 0.0


def test_a_price_is_compared_with_the_others_of_its_store_and_category():
    prices = {"A": [1.0] * 5, "B": [np.e] * 5, "C": [np.e**2] * 5}
    panel = market(prices, {name: [5, 5, 5, 5] for name in prices})
    np.testing.assert_allclose(feature(panel, "plan.price-others")[:, -1], [-1.5, 0, 1.5], atol=1e-6)
    np.testing.assert_allclose(feature(panel, "plan.price-lowest")[:, -1], [0, 1, 2], atol=1e-6)


def test_every_product_sees_every_price():
    prices = {"A": [1.0] * 5, "B": [np.e] * 5}
    panel = market(prices, {name: [5, 5, 5, 5] for name in prices})
    np.testing.assert_allclose(feature(panel, "plan.price@B")[:, -1], [1, 1], atol=1e-6)


def test_a_missing_price_is_the_last_known_one():
    panel = market({"A": [1, 1, np.e, None, None]}, {"A": [5, 5, 5, 5]})
    assert feature(panel, "plan.price")[0].tolist() == [0, 0, 1, 1, 1]


def test_weeks_alike_in_price_say_how_far_from_its_level_a_product_will_sell():
    cheap = [1.0, 0.5, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 0.5]
    units = [10.0, 40.0, 10.0, 10.0, 40.0, 10.0, 10.0, 10.0]
    panel = market({"A": cheap}, {"A": units})
    level = np.log1p(units)[-4:].mean()
    expected = np.log1p(40) - level
    assert 0.7 * expected < feature(panel, "alike")[0, 0, -1] < expected


def test_a_past_covariate_nobody_knew_yet_is_as_its_average_and_not_as_it_came_to_be():
    panel = market({"A": [1.0] * 5}, {"A": [5, 5, 5, 5]})
    traffic = np.array([[np.nan, np.nan, 6.0, 2.0, np.nan]], np.float32)
    past = replace(panel, past={"footfall.traffic": traffic})
    column = next(c for c in columns(past, SETTINGS, {"plan": PRICE}) if c.name == "footfall.traffic")
    assert column.origin.spread[0, :4].tolist() == [4.0, 4.0, 6.0, 2.0]
