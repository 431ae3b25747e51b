"""The historical average, with its fallbacks."""

import polars as pl
import pytest

from fleetcast.domain.week import WEEK
from fleetcast.features.panel import Panel, build
from fleetcast.models.baseline import HistoricalAverage, load
from fleetcast.testing.builders import FIRST_WEEK, weekly_sales

PLACE = {"region": "north", "store_format": "large"}


def panel(**units: list[float | None]) -> Panel:
    demand = pl.concat([weekly_sales(*values, store=store) for store, values in units.items()])
    series = pl.DataFrame([{"store": store, "product": "00042", **PLACE} for store in units])
    last = max(len(values) for values in units.values()) - 1
    return build(demand, series, cutoff=FIRST_WEEK + last * WEEK, horizons=(1,))


def asked(store: str, product: str = "00042", region: str = "north") -> pl.DataFrame:
    return pl.DataFrame([{"store": store, "product": product, "region": region, "store_format": "large"}])


def averages(fitted, series) -> tuple[float, float]:
    return fitted.predict(series).select("baseline_mean", "baseline_median").row(0)


def test_the_mean_and_the_median_are_of_the_series_own_known_weeks():
    fitted = HistoricalAverage().fit(panel(S1=[1, None, 2, 9]))
    assert averages(fitted, asked("S1")) == (4.0, 2.0)


def test_only_the_trailing_weeks_count_when_asked_for():
    fitted = HistoricalAverage(weeks=2).fit(panel(S1=[100, 100, 2, 4]))
    assert averages(fitted, asked("S1")) == (3.0, 3.0)


def test_weeks_after_the_cutoff_do_not_count():
    demand = weekly_sales(5, 5, 99)
    series = asked("S1")
    fitted = HistoricalAverage().fit(build(demand, series, cutoff=FIRST_WEEK + WEEK, horizons=(1,)))
    assert averages(fitted, series) == (5.0, 5.0)


def test_negative_weeks_count_as_nothing_sold():
    assert averages(HistoricalAverage().fit(panel(S1=[-4, 4])), asked("S1")) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("series", "mean"),
    [
        (asked("S9"), 3.0),  # the product in this format and region
        (asked("S9", region="south"), 3.0),  # the product
        (asked("S9", product="x"), 3.0),  # everything
    ],
)
def test_a_series_without_history_falls_back(series, mean):
    fitted = HistoricalAverage().fit(panel(S1=[2, 2], S2=[4, 4]))
    assert averages(fitted, series)[0] == mean


def test_without_any_history_the_average_is_nothing():
    assert averages(HistoricalAverage().fit(panel(S1=[None, None])), asked("S1")) == (0.0, 0.0)


def test_a_dumped_baseline_loads_as_itself():
    fitted = HistoricalAverage().fit(panel(S1=[1, 2, 9], S2=[4, 4, 4]))
    both = pl.concat([asked("S1"), asked("S2"), asked("S3")])
    assert load(fitted.dump()).predict(both).equals(fitted.predict(both))
