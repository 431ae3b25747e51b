from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleetcast.demand import Net, active, census, net_demand
from fleetcast.domain.tables import DEMAND
from fleetcast.settings import DemandSettings

FIRST = date(2026, 11, 16)
KNOWN = datetime(2027, 3, 1, tzinfo=UTC)
LONG_AGO = date(2020, 1, 6)

OPEN_STORE = {
    "store": "0042",
    "region": "north-texas",
    "store_format": "large",
    "postal_code": "75001",
    "opened": LONG_AGO,
    "closed": None,
    "valid_from": LONG_AGO,
}
LISTED_PRODUCT = {
    "product": "cola",
    "category": "drinks",
    "case_pack": 6,
    "listed": LONG_AGO,
    "delisted": None,
    "replaces": None,
    "valid_from": LONG_AGO,
}


def week(number: int) -> date:
    return FIRST + timedelta(weeks=number)


def deliveries(*units: float | None, store: str = "0042", product: str = "cola") -> pl.DataFrame:
    """Deliveries of consecutive weeks from the first; None: no row that week."""
    rows = [(week(i), store, product, float(u), KNOWN) for i, u in enumerate(units) if u is not None]
    schema = {"week": pl.Date, "store": pl.String, "product": pl.String, "delivered": pl.Float64}
    return pl.DataFrame(rows, schema=schema | {"known_at": pl.Datetime("us", "UTC")}, orient="row")


def returns(*units: float | None, store: str = "0042", product: str = "cola") -> pl.DataFrame:
    frame = deliveries(*units, store=store, product=product).rename({"delivered": "returned"})
    return frame.with_columns(allocated=pl.lit(value=False))


def stores(*rows: dict[str, object]) -> pl.DataFrame:
    dates = {"opened": pl.Date, "closed": pl.Date, "valid_from": pl.Date}
    return pl.DataFrame([OPEN_STORE | row for row in rows or ({},)], schema_overrides=dates)


def products(*rows: dict[str, object]) -> pl.DataFrame:
    types = {"listed": pl.Date, "delisted": pl.Date, "replaces": pl.String, "valid_from": pl.Date}
    return pl.DataFrame([LISTED_PRODUCT | row for row in rows or ({},)], schema_overrides=types)


EVERY_WEEK = [1] * 5  # somebody has a delivery, so the week has been heard of


def of_cola(frame: pl.DataFrame, column: str = "units") -> list[float | None]:
    return frame.filter(pl.col("product") == "cola")[column].to_list()


def found(
    brought: pl.DataFrame,
    back: pl.DataFrame | None = None,
    *,
    last: int,
    shops: pl.DataFrame | None = None,
    goods: pl.DataFrame | None = None,
    **settings: object,
) -> Net:
    return net_demand(
        brought,
        returns() if back is None else back,
        stores() if shops is None else shops,
        products() if goods is None else goods,
        cutoff=week(last),
        settings=DemandSettings(**({"returns_weeks": 0} | settings)),
    )


def net(*tables: pl.DataFrame, **given: Any) -> pl.DataFrame:
    """The DEMAND rows of what is `found`."""
    return found(*tables, **given).frame()


def test_demand_is_what_was_delivered_less_what_came_back_of_that_week():
    frame = net(deliveries(10, 12), returns(3, None), last=1)
    assert frame["units"].to_list() == [7.0, 12.0]
    assert frame.columns == DEMAND.columns


def test_more_returned_than_delivered_stays_negative_and_is_counted():
    brought, back = deliveries(10, 2), returns(0, 5)
    frame = net(brought, back, last=1)
    assert frame["units"].to_list() == [10.0, -3.0]
    assert census(found(brought, back, last=1)).negative == 1


def test_a_return_in_a_week_without_delivery_is_negative_demand():
    brought = pl.concat([deliveries(10, None, 4), deliveries(*EVERY_WEEK, product="water")])
    assert of_cola(net(brought, returns(0, 2, 0), last=2)) == [10.0, -2.0, 4.0]


def test_an_absent_week_inside_the_span_is_zero_where_the_source_says_so():
    frame = net(
        pl.concat([deliveries(None, 10, None, 4), deliveries(*EVERY_WEEK, product="water")]), last=4
    ).filter(pl.col("product") == "cola")
    assert frame["units"].to_list() == [10.0, 0.0, 4.0, 0.0]
    assert frame["week"].to_list() == [week(1), week(2), week(3), week(4)]


def test_a_week_without_any_delivery_is_unknown_for_its_file_is_late():
    frame = net(pl.concat([deliveries(10, None, 4, None), deliveries(6, None, 5, product="water")]), last=3)
    assert of_cola(frame) == [10.0, None, 4.0, None]
    assert of_cola(frame, "delivered") == [10.0, None, 4.0, None]


def test_an_absent_week_is_unknown_where_the_source_says_so_and_never_a_zero():
    frame = net(deliveries(10, None, 4), last=2, absent="unknown")
    assert frame["units"].to_list() == [10.0, None, 4.0]
    assert frame["delivered"].to_list() == [10.0, None, 4.0]


def test_a_delivery_of_zero_is_known_to_be_zero():
    assert net(deliveries(10, 0), last=1, absent="unknown")["units"].to_list() == [10.0, 0.0]


def test_weeks_after_the_cutoff_are_not_seen():
    assert_frame_equal(net(deliveries(1, 2, 99), last=1), net(deliveries(1, 2), last=1))


def test_a_year_of_53_weeks_has_no_gap():
    weeks = net(deliveries(*[1] * 10), last=9)["week"]
    assert date(2026, 12, 28) in weeks.to_list()
    assert weeks.diff().drop_nulls().unique().to_list() == [timedelta(days=7)]


def test_a_closed_store_ends_in_the_week_of_its_last_day():
    shops = stores({"closed": week(2) + timedelta(days=3)})
    assert net(deliveries(5), last=5, shops=shops)["week"].to_list() == [week(0), week(1), week(2)]


def test_a_store_closed_on_a_monday_has_no_demand_that_week():
    frame = net(deliveries(5), last=5, shops=stores({"closed": week(2)}))
    assert frame["week"].to_list() == [week(0), week(1)]


def test_a_closing_announced_for_later_does_not_end_a_series_yet():
    shops = stores({}, {"valid_from": week(9), "closed": week(1)})
    assert net(deliveries(5), last=3, shops=shops).height == 4


def test_a_new_store_starts_with_its_opening_when_that_is_after_the_first_row():
    begun = found(deliveries(5, 6, 7), last=2, shops=stores({"opened": week(1) + timedelta(days=2)}))
    assert begun.frame()["week"].to_list() == [week(1), week(2)]
    assert census(begun).outside == 1


def test_a_delisted_product_ends_and_a_new_one_starts():
    goods = products({"listed": week(1), "delisted": week(3)})
    assert net(deliveries(5, 6, 7), last=5, goods=goods)["week"].to_list() == [week(1), week(2)]


def test_history_before_the_first_week_of_the_settings_is_left_out():
    frame = net(deliveries(5, 6, 7), last=2, first_week=week(1).isoformat())
    assert frame["week"].to_list() == [week(1), week(2)]


def test_returns_mature_late_so_open_weeks_are_net_of_expected_returns_and_not_final():
    frame = net(deliveries(*[10] * 8), returns(*[2] * 6, 0, 0), last=7, returns_weeks=2)
    assert frame["final"].to_list() == [True] * 6 + [False] * 2
    assert frame["units"].to_list() == pytest.approx([8.0] * 8)


def test_what_has_come_back_already_is_not_expected_a_second_time():
    frame = net(deliveries(*[10] * 8), returns(*[2] * 6, 1, 0), last=7, returns_weeks=2)
    assert frame["units"].to_list()[-2:] == pytest.approx([8.0, 8.0])


def open_units(*last: float) -> list[float]:
    """Units of the open week of stores that usually see 2 of 10 come back, and have seen this much so far."""
    names = [f"{i:04d}" for i in range(len(last))]
    brought = pl.concat([deliveries(*[10] * 8, store=name) for name in names])
    back = pl.concat([returns(*[2] * 7, units, store=name) for name, units in zip(names, last, strict=True)])
    shops = stores(*({"store": name} for name in names))
    frame = net(brought, back, last=7, shops=shops, returns_weeks=1)
    return frame.filter(~pl.col("final"))["units"].to_list()


def test_where_returns_come_at_once_a_week_that_saw_its_own_expects_no_more():
    assert open_units(2, 2, 0) == pytest.approx([8.0, 8.0, 8.0])
    assert open_units(3, 1, 0) == pytest.approx([7.0, 9.0, 8.0])


def test_where_returns_come_bit_by_bit_every_open_week_expects_more():
    assert open_units(1, 1, 1) == pytest.approx([8.0, 8.0, 8.0])


def test_a_week_that_saw_more_than_usual_is_not_given_back_any():
    assert open_units(6, 6, 0) == pytest.approx([4.0, 4.0, 10.0])


def test_the_usual_return_share_is_the_products_own():
    brought = pl.concat([deliveries(*[10] * 4, product=p) for p in ("cola", "tea")])
    back = pl.concat([returns(*[2] * 3, product="cola"), returns(*[5] * 3, product="tea")])
    frame = net(brought, back, last=3, goods=products({}, {"product": "tea"}), returns_weeks=1)
    assert frame.filter(~pl.col("final"))["units"].to_list() == pytest.approx([8.0, 5.0])


def test_without_returns_weeks_everything_up_to_the_cutoff_is_final():
    assert net(deliveries(1, 2), last=1)["final"].all()


def test_a_week_of_which_nothing_came_back_is_a_sell_out_where_something_usually_does():
    frame = net(deliveries(*[10] * 5), returns(2, 2, 0, 2, 2), last=4)
    assert frame["censored"].to_list() == [False, False, True, False, False]


def test_a_series_that_never_sees_returns_is_never_called_sold_out():
    assert not net(deliveries(*[10] * 5), last=4)["censored"].any()


def test_an_open_week_is_not_called_sold_out_yet():
    frame = net(deliveries(*[10] * 5), returns(2, 2, 2, 2, 0), last=4, returns_weeks=1)
    assert not frame["censored"].any()


def test_a_segment_of_zeros_is_kept_as_zeros():
    frame = net(deliveries(0, 0, 0), last=2)
    assert frame["units"].to_list() == [0.0, 0.0, 0.0]
    assert not frame["censored"].any()


def test_no_data_at_all_give_an_empty_frame_of_the_same_shape():
    frame = net(deliveries(), last=2, returns_weeks=3)
    assert frame.is_empty()
    assert frame.schema == net(deliveries(1), last=2).schema


def test_a_workspace_without_master_data_works():
    frame = net(deliveries(5, 6), last=1, shops=stores().clear(), goods=products().clear())
    assert frame["units"].to_list() == [5.0, 6.0]


def test_rows_come_sorted_by_series_and_week_whatever_their_order():
    brought = pl.concat([deliveries(1, 2, 3, product=p) for p in ("tea", "cola")])
    goods = products({}, {"product": "tea"})
    shuffled = net(brought.sample(fraction=1, shuffle=True, seed=1), last=2, goods=goods)
    assert_frame_equal(shuffled, shuffled.sort("store", "product", "week"))
    assert_frame_equal(shuffled, net(brought, last=2, goods=goods))


def forecastable(
    frame: pl.DataFrame, last: int, shops: pl.DataFrame | None = None, goods: pl.DataFrame | None = None
) -> pl.DataFrame:
    return active(
        frame,
        stores() if shops is None else shops,
        products() if goods is None else goods,
        cutoff=week(last),
        horizons=(1, 2),
        settings=DemandSettings(active_weeks=3),
    )


def test_a_series_delivered_lately_is_active():
    assert forecastable(net(deliveries(5, 0, 0), last=2), 2).rows() == [("0042", "cola", LONG_AGO, None)]


def test_a_series_not_delivered_in_the_trailing_weeks_is_not_active():
    assert forecastable(net(deliveries(5, 0, 0, 0), last=3), 3).is_empty()


def test_a_store_that_closes_before_the_coming_week_is_not_active():
    shops = stores({"closed": week(3)})
    assert forecastable(net(deliveries(5, 5, 5), last=2, shops=shops), 2, shops).is_empty()


def test_a_store_that_closes_within_the_horizon_is_active_until_then():
    shops = stores({"closed": week(4)})
    found = forecastable(net(deliveries(5, 5, 5), last=2, shops=shops), 2, shops)
    assert found["until"].to_list() == [week(3)]


def test_a_closing_may_be_a_row_that_comes_into_force_with_it():
    shops = stores({}, {"valid_from": week(4), "closed": week(4)})
    found = forecastable(net(deliveries(5, 5, 5), last=2, shops=shops), 2, shops)
    assert found["until"].to_list() == [week(3)]


def test_a_delisted_product_is_not_active():
    goods = products({"delisted": week(3)})
    assert forecastable(net(deliveries(5, 5, 5), last=2, goods=goods), 2, goods=goods).is_empty()
