"""A panel holds what was known, where it belongs."""

from datetime import UTC, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import WEEK, known_by
from fleetcast.features.panel import Covariate, build
from fleetcast.settings import CovariateSettings
from fleetcast.testing.builders import FIRST_WEEK, weekly_sales
from fleetcast.testing.shop import shop

SERIES = pl.DataFrame({"store": ["S1"], "product": ["00042"], "region": ["north"], "store_format": ["large"]})


def test_a_panel_reaches_as_many_weeks_past_the_cutoff_as_the_longest_horizon():
    panel = build(weekly_sales(5, 6, 7), SERIES, cutoff=FIRST_WEEK + 2 * WEEK, horizons=(1, 4))
    assert (len(panel.weeks), panel.cutoff) == (7, 2)
    np.testing.assert_array_equal(panel.units[0], [5, 6, 7, np.nan, np.nan, np.nan, np.nan])


def test_demand_after_the_cutoff_is_not_in_the_panel():
    panel = build(weekly_sales(5, 6, 7, 99), SERIES, cutoff=FIRST_WEEK + 2 * WEEK, horizons=(1,))
    assert np.isnan(panel.units[0, 3])


def test_each_week_that_is_not_trained_on_says_why():
    demand = weekly_sales(5, None, 7, 8).with_columns(
        censored=pl.Series([False, False, True, False]), final=pl.Series([True, True, True, False])
    )
    panel = build(demand, SERIES, cutoff=FIRST_WEEK + 3 * WEEK, horizons=(1,))
    assert panel.status[0].tolist() == [0, 2, 3, 4, 1]


def test_weeks_of_a_closed_series_are_coded_closed():
    closed = SERIES.with_columns(closed=pl.lit(FIRST_WEEK + 2 * WEEK))
    panel = build(weekly_sales(5, 6, 0), closed, cutoff=FIRST_WEEK + 2 * WEEK, horizons=(1,))
    assert panel.status[0].tolist() == [0, 0, 5, 5]


def test_seen_units_shrink_as_returns_come_in():
    made = shop(stores=1, products=1)
    cutoff = made.deliveries["week"].max()
    panel = made.panel(cutoff)
    week = 20
    delivered = made.deliveries.sort("week")["delivered"][week]
    returned = made.returns.sort("week", "known_at")["returned"].to_list()[2 * week : 2 * week + 2]
    known = made.returns.sort("week", "known_at")["known_at"].to_list()[2 * week : 2 * week + 2]
    looked = [panel.weeks[week] + timedelta(days=9), panel.weeks[week] + timedelta(days=16)]
    back = [
        max([r for r, k in zip(returned, known, strict=True) if k.date() <= day], default=0) for day in looked
    ]
    assert panel.seen.shape[0] == 2
    # nothing was back after the first look, so the product's usual share is taken off; half was after the second
    assert back == [0, returned[0]]
    assert all(
        delivered - returned[1] - 3 < units < delivered - b
        for units, b in zip(panel.seen[:, 0, week], back, strict=True)
    )


def test_a_store_covariate_reaches_every_product_of_the_store():
    settings = CovariateSettings(keys=("store",), columns={"income": "static"})
    two = pl.concat([SERIES, SERIES.with_columns(product=pl.lit("00043"))])
    income = Covariate("shoppers", settings, pl.DataFrame({"store": ["S1"], "income": [3.5]}))
    panel = build(weekly_sales(5, 6), two, cutoff=FIRST_WEEK + WEEK, horizons=(1,), covariates=[income])
    assert panel.static["shoppers.income"].tolist() == [3.5, 3.5]


def footfall(*days: int) -> np.ndarray:
    """What a panel of four weeks and one ahead holds of a traffic of 1, 2, 3, 4, known so many days after each Monday."""
    settings = CovariateSettings(keys=("week",), columns={"traffic": "past"})
    weeks = [FIRST_WEEK + i * WEEK for i in range(4)]
    known = [datetime.combine(w, time(), UTC) + timedelta(days=d) for w, d in zip(weeks, days, strict=True)]
    rows = pl.DataFrame({"week": weeks, "traffic": [1.0, 2.0, 3.0, 4.0], "known_at": known})
    rows = rows.with_columns(pl.col("known_at").dt.cast_time_unit("us"))
    covariates = [Covariate("footfall", settings, rows)]
    cutoff = FIRST_WEEK + 3 * WEEK
    panel = build(weekly_sales(5, 6, 7, 8), SERIES, cutoff=cutoff, horizons=(1,), covariates=covariates)
    return panel.past["footfall.traffic"][0]


def test_a_past_covariate_is_unknown_after_the_cutoff():
    np.testing.assert_array_equal(footfall(8, 8, 8, 8), [1, 2, 3, 4, np.nan])


@pytest.mark.parametrize(
    ("days", "seen"),
    [
        ((15, 15, 15, 15), [np.nan, 1, 2, 3, np.nan]),  # a week late, every week
        ((8, 22, 8, 8), [1, 1, 3, 4, np.nan]),  # one that comes after the next one is old news
        ((36, 36, 36, 8), [np.nan, np.nan, np.nan, 4, np.nan]),  # a backfill is no news of then
    ],
)
def test_a_past_covariate_is_at_each_week_the_newest_that_was_known_then(days, seen):
    np.testing.assert_array_equal(footfall(*days), seen)


def test_a_column_declared_log_is_read_as_its_logarithm():
    settings = CovariateSettings(keys=("week",), columns={"price": "known_future"}, log=("price",))
    weeks = [FIRST_WEEK + i * WEEK for i in range(3)]
    price = Covariate("prices", settings, pl.DataFrame({"week": weeks, "price": [1.0, np.e, np.e**2]}))
    panel = build(weekly_sales(5, 6), SERIES, cutoff=FIRST_WEEK + WEEK, horizons=(1,), covariates=[price])
    np.testing.assert_allclose(panel.known["prices.price"][0], [0, 1, 2], rtol=1e-6)


def test_an_event_is_known_from_its_announcement_and_only_in_its_region():
    made = shop(weeks=20)
    announced = made.events.with_columns(
        known_at=pl.col("first").cast(pl.Datetime("us", "UTC")) - timedelta(days=4)
    )
    panel = build(
        made.demand(made.deliveries["week"].max()),
        made.series,
        cutoff=made.deliveries["week"].max(),
        horizons=(1, 2),
        events=announced,
    )
    at = panel.weeks.index(made.events["first"][0])
    # four days before: the look two weeks ahead comes five days before the week, that of one week ahead two days into it
    assert panel.issued["event.fair"][:, 0, at].tolist() == [np.float32(4 / 7), 0.0]


def test_an_event_that_is_corrected_was_at_each_origin_as_it_had_been_told_by_then():
    made = shop(weeks=20)
    last = made.deliveries["week"].max()
    told = made.events.head(1)  # four days, announced long before
    week = told["first"][0]
    late = known_by(week - 2 * WEEK, 2) + timedelta(hours=1)  # after the look of two weeks before
    corrected = told.with_columns(
        last=pl.col("first") + timedelta(days=1), known_at=pl.lit(late).dt.cast_time_unit("us")
    )
    events = pl.concat([told, corrected.select(told.columns)])
    panel = build(made.demand(last), made.series, cutoff=last, horizons=(1, 2), events=events)
    seen = panel.issued["event.fair"][:, 0, panel.weeks.index(week)]
    assert seen.tolist() == [np.float32(2 / 7), np.float32(4 / 7)]  # of a week ahead, and of two


def test_a_correction_that_nobody_has_seen_yet_leaves_an_event_as_it_was():
    made = shop(weeks=20)
    last = made.deliveries["week"].max()
    told = made.events.head(1)
    late = pl.lit(known_by(last, 2) + timedelta(hours=1)).dt.cast_time_unit("us")
    corrected = told.with_columns(last=pl.col("first"), known_at=late).select(told.columns)
    asked = {"cutoff": last, "horizons": (1,)}
    one, both = (
        build(made.demand(last), made.series, events=events, **asked).issued["event.fair"]
        for events in (told, pl.concat([told, corrected]))
    )
    np.testing.assert_array_equal(one, both)


def test_weather_is_the_last_forecast_issued_by_the_origin_not_what_came():
    made = shop(stores=1, products=1, weeks=30)
    cutoff = made.deliveries["week"].max()
    true = made.panel(cutoff)
    known = pl.col("kind") == "forecast"
    lead = (pl.col("date").cast(pl.Datetime("us", "UTC")) - pl.col("issued_at")).dt.total_days()
    # of two weeks ahead only forecasts of 17 days are seen by the end of the origin week; newer ones are not read
    spoiled = made.weather.with_columns(
        pl.when(known & (lead == 3))
        .then(pl.col("temperature") + 100)
        .otherwise("temperature")
        .alias("temperature")
    )
    other = type(made)(**{**made.__dict__, "weather": spoiled}).panel(cutoff)
    np.testing.assert_array_equal(
        true.issued["weather.temperature"][1], other.issued["weather.temperature"][1]
    )
