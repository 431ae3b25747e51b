from datetime import date

import polars as pl

from fleetcast.domain.tables import DELIVERIES, DEMAND, PRODUCTS, RETURNS, STORES
from fleetcast.testing.builders import deliveries, products, returns, stores, weekly_sales


def test_builders_keep_the_contracts_of_their_tables():
    DEMAND.contract.validate(weekly_sales(5, None, 7))
    DELIVERIES.contract.validate(deliveries(5, None, 7))
    RETURNS.contract.validate(returns(1, None, 0, allocated=True))
    STORES.contract.validate(stores("S1", "S2", closed=date(2026, 5, 4)))
    PRODUCTS.contract.validate(products("00042", case_pack=6))


def test_no_number_means_no_delivery_row_and_an_unknown_week_of_sales():
    assert deliveries(5, None, 7)["week"].to_list() == [date(2026, 1, 5), date(2026, 1, 19)]
    assert weekly_sales(5, None, 7)["units"].to_list() == [5.0, None, 7.0]


def test_returns_become_known_when_they_are_picked_up():
    known = returns(2, weeks_later=3).select(pl.col("known_at").dt.date()).item()
    assert known == date(2026, 2, 3)
