from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.domain.week import WEEK, is_week, label
from fleetcast.sources.sample import ERRATIC, Retailer, simulate
from fleetcast.sources.sample.climate import DAYS_AHEAD
from fleetcast.sources.sample.holidays import easter
from fleetcast.sources.sample.retailer import AHEAD

FRAMES = (
    "stores",
    "products",
    "shelf",
    "prices",
    "shoppers",
    "promotions",
    "weather",
    "forecasts",
    "events",
    "history",
)


def segments(retailer: Retailer) -> pl.DataFrame:
    """Past weeks of returned and not sold out series, with their segment."""
    names = pl.concat_str("region", "store_format", "mover", separator="/").alias("segment")
    return (
        retailer.past.filter(pl.col("returned") > 0)
        .join(retailer.stores.select("store", "region", "store_format"), on="store")
        .join(retailer.products.select("product", "mover"), on="product")
        .with_columns(names)
    )


def mape(units_hat: pl.Expr) -> pl.Expr:
    sold = pl.col("sold")
    return ((sold - units_hat).abs() / sold).filter(sold > 0).mean()


def test_one_seed_draws_one_retailer():
    first, again = (simulate(regions=2, stores=2, products=4, weeks=60, seed=7) for _ in range(2))
    assert all(getattr(first, name).equals(getattr(again, name)) for name in FRAMES)


def test_another_seed_draws_another():
    one, other = (simulate(regions=1, stores=2, products=4, weeks=60, seed=seed) for seed in (1, 2))
    assert not one.history["demand"].equals(other.history["demand"])


def test_a_further_region_leaves_the_others_as_they_were():
    two, three = (simulate(regions=n, stores=2, products=4, weeks=60) for n in (2, 3))
    assert three.history[: two.history.height].equals(two.history)


def test_a_fifteenth_region_is_a_number_away():
    assert simulate(regions=15, stores=2, products=2, weeks=60).stores["region"][-1] == "region-15"


def test_what_is_sold_is_what_was_wanted_or_all_there_was(retailer):
    history = retailer.history
    assert history["sold"].equals(history.select(pl.min_horizontal("demand", "delivered")).to_series())


def test_what_was_not_sold_comes_back_within_three_weeks(retailer):
    history = retailer.history.with_columns(back=pl.sum_horizontal("back_1", "back_2", "back_3"))
    assert history.filter(pl.col("returned") != pl.col("delivered") - pl.col("sold")).is_empty()
    assert history.filter(pl.col("back") != pl.col("returned")).is_empty()


def test_returns_mature_late(retailer):
    lags = retailer.history.select(pl.col("back_1", "back_2", "back_3").sum()).row(0)
    assert lags[0] > lags[1] > lags[2] > 0


def test_about_one_week_in_twenty_five_is_sold_out_and_something_comes_back_from_most(retailer):
    assert 0.02 < retailer.past["sold_out"].mean() < 0.07
    assert (retailer.past["returned"] > 0).mean() > 0.9


def test_a_sold_out_week_returns_nothing(retailer):
    assert retailer.past.filter(pl.col("sold_out"))["returned"].sum() == 0


def test_slow_movers_sell_six_to_twenty_and_fast_ones_more(retailer):
    pace = segments(retailer).group_by("mover", "store", "product").agg(pl.col("rate").median())
    slow, fast = (pace.filter(pl.col("mover") == mover)["rate"] for mover in ("slow", "fast"))
    assert (slow.quantile(0.05) > 6, slow.quantile(0.95) < 20, slow.max() < 25) == (True, True, True)
    assert (fast.min() > 24, fast.quantile(0.95) < 120) == (True, True)


def test_small_stores_sell_less_of_the_fast(retailer):
    pace = segments(retailer).filter(mover="fast").group_by("store_format").agg(pl.col("rate").mean())
    assert pace.filter(store_format="small")["rate"][0] < 0.8 * pace.filter(store_format="large")["rate"][0]


def test_a_good_forecast_can_pass_the_gate_and_an_average_is_clearly_worse(retailer):
    average = pl.col("sold").mean().over("store", "product")
    errors = (
        segments(retailer).group_by("segment").agg(good=mape(pl.col("rate") * 0.95), average=mape(average))
    )
    others = errors.filter(pl.col("segment") != ERRATIC)
    assert others["good"].max() < 0.37
    assert (others["average"] / others["good"]).min() > 1.3


def test_no_forecast_passes_the_gate_of_the_erratic_segment(retailer):
    erratic = segments(retailer).filter(segment=ERRATIC)
    scales = [
        erratic.select(mape(pl.col("rate") * scale)).item() for scale in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
    ]
    assert min(scales) > 0.55
    assert (erratic["sold"] <= 3).mean() > 0.15


def test_the_erratic_segment_is_not_planted_where_its_region_is_missing():
    assert simulate(regions=2, stores=2, products=2, weeks=60).erratic is None


def test_another_segment_can_be_the_erratic_one():
    retailer = simulate(regions=1, stores=2, products=4, weeks=60, erratic="north-texas/small/slow")
    errors = segments(retailer).group_by("segment").agg(error=mape(pl.col("rate"))).sort("error")
    assert errors["segment"][-1] == retailer.erratic == "north-texas/small/slow"


def test_half_of_the_stores_are_large_and_half_of_the_products_fast(retailer):
    assert (retailer.stores["store_format"] == "large").mean() == 0.5
    assert (retailer.products["mover"] == "fast").mean() == 0.5


def test_product_numbers_keep_their_leading_zeros(retailer):
    assert retailer.products["product"][0] == "00042"


def test_stores_open_and_close_and_products_come_and_go(retailer):
    assert retailer.stores["opened"].max() > retailer.first
    assert retailer.stores["closed"].drop_nulls().len() == 1
    assert retailer.products["listed"].max() > retailer.first
    assert retailer.products["delisted"].drop_nulls().len() == 1


def test_nothing_is_brought_to_a_closed_store_or_of_a_product_not_listed(retailer):
    known = retailer.history.join(retailer.stores, on="store").join(retailer.products, on="product")
    begins, ends = pl.max_horizontal("opened", "listed"), pl.min_horizontal("closed", "delisted")
    assert known.filter((pl.col("week") < begins) | (pl.col("week") >= ends)).is_empty()


def test_week_53_is_a_week_like_any_other(retailer):
    weeks = retailer.history["week"].unique().sort()
    assert "2026w53" in [label(week) for week in weeks]
    assert all(is_week(week) for week in weeks)
    assert set(weeks.diff().drop_nulls()) == {WEEK}


def test_the_truth_knows_eight_weeks_that_have_not_come(retailer):
    assert retailer.history["week"].max() == retailer.last + AHEAD * WEEK
    assert retailer.past["week"].max() == retailer.last


def test_the_price_plan_covers_the_weeks_ahead_and_was_announced_in_time(retailer):
    plan = retailer.promotions
    assert plan["week"].max() == retailer.last + 8 * WEEK
    assert (plan["announced"].dt.date() + timedelta(days=70) == plan["week"]).all()


def test_a_price_cut_is_part_of_every_promotion(retailer):
    plan = retailer.promotions.filter(pl.col("week").dt.year() <= 2026).with_columns(
        usual=pl.col("price").max().over("region", "product", pl.col("week").dt.year())
    )
    assert plan.filter((pl.col("promotion") == 1) & (pl.col("price") > 0.92 * pl.col("usual"))).is_empty()


def test_a_forecast_is_issued_before_what_it_forecasts_and_never_from_the_future(retailer):
    forecasts = retailer.forecasts
    assert (forecasts["issued_at"].dt.date() <= forecasts["date"]).all()
    assert forecasts["issued_at"].dt.date().max() == retailer.last + WEEK
    assert set(forecasts["issued_at"].dt.weekday()) == {1}
    assert set(forecasts["issued_at"].dt.hour()) == {6}


def test_every_origin_sees_the_weather_of_five_weeks(retailer):
    ahead = retailer.forecasts.group_by("postal_code", "issued_at").len()
    assert set(ahead["len"]) == {DAYS_AHEAD}
    assert ahead["issued_at"].n_unique() == 130


def test_a_forecast_knows_less_the_further_it_looks(retailer):
    came = retailer.weather.select("postal_code", "date", came="temperature")
    lead = (pl.col("date") - pl.col("issued_at").dt.date()).dt.total_days() // 7
    errors = (
        retailer.forecasts.join(came, on=["postal_code", "date"])
        .group_by(lead.alias("lead"))
        .agg(error=(pl.col("temperature") - pl.col("came")).abs().mean())
        .sort("lead")["error"]
    )
    assert errors[0] < 0.7 * errors[4]
    assert errors.is_sorted()


def test_weather_is_observed_up_to_the_end_of_the_last_week(retailer):
    assert retailer.weather["date"].max() == retailer.last + timedelta(days=6)


@pytest.mark.parametrize(
    ("year", "day"), [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5))]
)
def test_easter_is_when_it_is(year, day):
    assert easter(year) == day


def test_holidays_are_at_their_true_dates_in_the_weeks_ahead_too(retailer):
    ends = dict(retailer.events.filter(pl.col("last") > retailer.last).select("event", "last").iter_rows())
    assert ends == {
        "thanksgiving": date(2026, 11, 26),
        "christmas": date(2026, 12, 24),
        "new_year": date(2027, 1, 1),
    }


def test_nobody_knows_of_a_hurricane_a_year_ahead():
    events = simulate(regions=1, stores=2, products=2, weeks=130).events
    storm = events.filter(event="hurricane_milton").row(0, named=True)
    assert (storm["first"] - storm["announced"].date()).days == 2
