from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.scoring.failover import KEY, ORDER, VALUES, carry_forward, serve, universe

CYCLE = date(2026, 11, 16)
HORIZONS = (1, 2)
SEGMENT = "north-texas/large/fast"


def week(number: int) -> date:
    return CYCLE + timedelta(weeks=number)


def active(*stores: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"store": stores or ("0042",), "product": "cola", "segment": SEGMENT, "until": None},
        schema_overrides={"until": pl.Date},
    )


def predictions(*rows: tuple[str, int, float | None], model: str = "m") -> pl.DataFrame:
    """(store, horizon, units): all values the same."""
    data = [(week(h), store, "cola", model, *([value] * len(VALUES))) for store, h, value in rows]
    texts = {"week": pl.Date, "store": pl.String, "product": pl.String, "model": pl.String}
    return pl.DataFrame(data, schema=texts | dict.fromkeys(VALUES, pl.Float64), orient="row")


def served(offers: dict[str, pl.DataFrame], series: pl.DataFrame | None = None, **options: object):
    series = active() if series is None else series
    return serve(series, offers, cycle=CYCLE, horizons=HORIZONS, release="r1", **options)


def story(offers: dict[str, pl.DataFrame], **options: object) -> list[tuple[str, str]]:
    return served(offers, **options).completeness.select("state", "reason").rows()


def both(value: float, model: str = "m") -> pl.DataFrame:
    return predictions(("0042", 1, value), ("0042", 2, value), model=model)


def test_a_champion_serves_every_series_and_week():
    found = served({"champion": both(5.0)})
    assert found.forecasts.columns == FORECASTS.columns
    assert found.completeness.columns == COMPLETENESS.columns
    assert found.forecasts.select("week", "horizon", "failover", "median").rows() == [
        (week(1), 1, "champion", 5.0),
        (week(2), 2, "champion", 5.0),
    ]
    assert found.completeness["reason"].to_list() == ["ok", "ok"]


@pytest.mark.parametrize("lost", range(len(ORDER)))
def test_each_source_gives_way_to_the_next_in_order(lost: int):
    offers = {source: both(float(i), model=source) for i, source in enumerate(ORDER)}
    kept = {source: offers[source] for source in ORDER[lost:]}
    found = served(kept).forecasts
    assert found["failover"].unique().to_list() == [ORDER[lost]]
    assert found["model"].unique().to_list() == [ORDER[lost]]


def test_with_no_source_at_all_a_series_is_blocked_and_accounted_for():
    found = served({})
    assert found.forecasts.is_empty()
    assert found.completeness.select("state", "reason").rows() == [("blocked", "no_row")] * 2


def test_a_row_falls_over_alone():
    offers = {"champion": predictions(("0042", 1, 5.0)), "baseline": both(1.0)}
    assert story(offers) == [("champion", "ok"), ("baseline", "no_row")]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0, 1e12, None])
def test_a_value_that_is_no_forecast_is_not_published(bad: float | None):
    offers = {"champion": predictions(("0042", 1, bad), ("0042", 2, 5.0)), "baseline": both(1.0)}
    assert story(offers) == [("baseline", "invalid_row"), ("champion", "ok")]


def test_a_source_that_contradicts_itself_is_not_trusted_for_that_row():
    twice = pl.concat([both(5.0), predictions(("0042", 1, 6.0))])
    assert story({"champion": twice, "baseline": both(1.0)}) == [
        ("baseline", "invalid_row"),
        ("champion", "ok"),
    ]


def test_a_source_that_says_the_same_twice_is_published_once():
    assert story({"champion": pl.concat([both(5.0), both(5.0)])}) == [("champion", "ok")] * 2


def test_the_reason_a_segments_champion_did_not_serve_is_the_one_given():
    assert story({"baseline": both(1.0)}, why={SEGMENT: "gate_failed"}) == [("baseline", "gate_failed")] * 2


def test_a_prediction_for_a_series_that_is_not_active_is_not_published():
    found = served({"champion": pl.concat([both(5.0), predictions(("9999", 1, 5.0))])})
    assert found.forecasts["store"].unique().to_list() == ["0042"]


def test_a_store_that_closes_is_published_up_to_its_last_week():
    closing = active().with_columns(until=pl.lit(week(1)))
    assert universe(closing, cycle=CYCLE, horizons=HORIZONS)["week"].to_list() == [week(1)]


def test_a_product_that_is_listed_later_is_published_from_its_first_week_on():
    coming = active().with_columns(since=pl.lit(week(2)))
    assert universe(coming, cycle=CYCLE, horizons=HORIZONS)["week"].to_list() == [week(2)]


def test_the_order_of_rows_does_not_matter():
    champion = predictions(*[(f"{i:04d}", h, float(i)) for i in range(20) for h in HORIZONS])
    stores = active(*[f"{i:04d}" for i in range(20)])
    one = served({"champion": champion}, stores)
    other = served(
        {"champion": champion.sample(fraction=1, shuffle=True, seed=1)},
        stores.sample(fraction=1, shuffle=True, seed=2),
    )
    assert_frame_equal(one.forecasts, other.forecasts)
    assert_frame_equal(one.completeness, other.completeness)


def test_last_weeks_forecast_is_carried_to_the_same_week_and_its_last_beyond():
    before = predictions(("0042", 0, 3.0), ("0042", 1, 4.0)).with_columns(horizon=pl.lit(1))
    found = carry_forward(before, cycle=CYCLE, horizons=HORIZONS)
    assert found.select("week", "median").rows() == [(week(1), 4.0), (week(2), 4.0)]
    assert served({"carried_forward": found}).forecasts["failover"].to_list() == ["carried_forward"] * 2


def test_without_a_forecast_last_week_nothing_is_carried_forward():
    assert carry_forward(predictions(), cycle=CYCLE, horizons=HORIZONS).is_empty()


value = st.sampled_from([0.0, 1.0, 2.5, -1.0, float("nan"), float("inf"), None])
offer = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "gone"]), st.sampled_from([1, 2, 3]), value), max_size=10
)


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(ORDER), offer),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
)
def test_no_series_is_lost_or_doubled_whatever_is_missing(offers, stores):
    series = active(*stores) if stores else active().clear()
    found = served({source: predictions(*rows) for source, rows in offers.items()}, series)
    wanted = universe(series, cycle=CYCLE, horizons=HORIZONS)
    assert_frame_equal(found.completeness.select(KEY), wanted.select(KEY))
    published = found.completeness.filter(pl.col("state") != "blocked")
    assert_frame_equal(found.forecasts.select(KEY), published.select(KEY))
    assert found.forecasts["failover"].to_list() == published["state"].to_list()
    assert (found.completeness["reason"] != "").all()
    assert found.forecasts.select(pl.col(VALUES).is_finite().all()).row(0) == (True,) * len(VALUES)


def test_a_champion_that_serves_with_less_than_all_its_members_says_so():
    offers = {
        "champion": predictions(("0042", 1, 3.0), ("0042", 2, None)),
        "baseline": predictions(("0042", 2, 1.0)),
    }
    noted = {SEGMENT: "without_pool"}
    assert story(offers, noted=noted) == [("champion", "without_pool"), ("baseline", "invalid_row")]
