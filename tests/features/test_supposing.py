"""What is supposed is what the tables would say: a panel of changed tables, and a changed panel, are the same."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK
from fleetcast.features.supposing import named, normal, supposing
from fleetcast.testing.shop import COVARIATES, shop

MADE = shop(weeks=40)
CUTOFF = MADE.deliveries["week"].max() - 3 * WEEK
NEXT = CUTOFF + WEEK
PANEL = MADE.panel(CUTOFF)
MINE = (PANEL.series["store"] == "S01").to_numpy()
HERE = (pl.col("week") == NEXT) & (pl.col("store") == "S01")


def supposed(**values):
    weather = normal(PANEL, MADE.weather, MADE.stores, ready_after_days=2)
    by_name = {named(PANEL, name): value for name, value in values.items()}
    at = [PANEL.weeks.index(NEXT)]
    return supposing(PANEL, MINE, at, by_name, covariates=COVARIATES, normal=weather)


def test_a_price_and_a_deal_are_what_the_plan_would_say():
    told = MADE.promotions.with_columns(
        price=pl.when(HERE).then(2.49).otherwise("price"), deal=pl.when(HERE).then(1.0).otherwise("deal")
    )
    as_told, found = replace(MADE, promotions=told).panel(CUTOFF), supposed(price=2.49, deal=1)
    for name, values in as_told.known.items():
        np.testing.assert_array_equal(found.known[name], values, name)


def test_degrees_and_rain_are_what_a_forecast_would_say_of_each_day_of_the_week():
    day = pl.col("date").is_between(NEXT, NEXT + WEEK, closed="left") & (pl.col("kind") == "forecast")
    told = MADE.weather.with_columns(
        temperature=pl.when(day).then(31.0).otherwise("temperature"),
        precipitation=pl.when(day).then(4.0).otherwise("precipitation"),
    )
    as_told, found = replace(MADE, weather=told).panel(CUTOFF), supposed(temperature=31, precipitation=4)
    at = PANEL.weeks.index(NEXT)
    for name in ("weather.temperature", "weather.precipitation"):
        both = found.issued[name][0, MINE, at], as_told.issued[name][0, MINE, at]
        np.testing.assert_allclose(*both, rtol=1e-5)


def test_an_event_has_the_days_that_are_supposed():
    assert (
        supposed(fair=3).issued["event.fair"][:, MINE, PANEL.weeks.index(NEXT)] == np.float32(3 / 7)
    ).all()


def test_other_series_and_weeks_and_the_panel_itself_stay_as_they_are():
    before = {name: values.copy() for name, values in (PANEL.known | PANEL.issued).items()}
    found = supposed(price=1, temperature=30, fair=7)
    for name, values in (found.known | found.issued).items():
        mine = np.zeros(values.shape, bool)
        mine[..., MINE, PANEL.weeks.index(NEXT)] = True
        np.testing.assert_array_equal(values[~mine], before[name][~mine], name)
        np.testing.assert_array_equal((PANEL.known | PANEL.issued)[name], before[name], name)


def test_a_column_of_two_tables_has_to_be_named_whole():
    both = replace(PANEL, known=PANEL.known | {"leaflets.price": PANEL.known["promotions.price"]})
    with pytest.raises(UsageError, match=r"leaflets\.price, promotions\.price"):
        named(both, "price")
    assert named(both, "leaflets.price") == "leaflets.price"
