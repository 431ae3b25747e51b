"""Who came before a product, and which weeks a successor borrows."""

from datetime import date

import polars as pl
import pytest

from fleetcast.domain.errors import DataError
from fleetcast.domain.week import WEEK
from fleetcast.succession import borrowed, lines, predecessors, refuse_circles, strangers
from fleetcast.testing import builders
from fleetcast.testing.builders import FIRST_WEEK, weekly_sales

NOW = FIRST_WEEK + 20 * WEEK


def week(number: int) -> date:
    return FIRST_WEEK + number * WEEK


def goods(**replaced: str | None) -> pl.DataFrame:
    """Products by name with what each replaces, listed one week after the other."""
    frames = [
        builders.products(name, listed=week(n), replaces=old)
        for n, (name, old) in enumerate(replaced.items())
    ]
    return pl.concat(frames)


def before(products: pl.DataFrame, by: date = NOW) -> list[tuple[str, str, int]]:
    found = predecessors(products, by).sort("product", "distance")
    return list(found.select("product", "predecessor", "distance").iter_rows())


CHAIN = goods(a=None, b="a", c="b", other=None)


def test_a_product_comes_after_all_of_its_chain_the_nearest_first():
    assert before(CHAIN) == [("b", "a", 1), ("c", "b", 1), ("c", "a", 2)]
    assert lines(predecessors(CHAIN, NOW)).sort("product").rows() == [("b", "a"), ("c", "a")]


def test_a_succession_holds_from_the_week_of_its_listing():
    assert before(CHAIN, by=week(1)) == [("b", "a", 1)]
    assert before(CHAIN, by=week(0)) == []


def test_a_product_sold_before_succeeds_from_the_row_that_says_so():
    renamed = pl.concat(
        [
            goods(a=None, b=None),
            builders.products("b", listed=week(5), replaces="a").with_columns(listed=week(1)),
        ]
    )
    assert before(renamed, by=week(4)) == []
    assert predecessors(renamed, week(5))["since"].to_list() == [week(5)]
    again = pl.concat([renamed, renamed.tail(1).with_columns(valid_from=week(9))])
    assert predecessors(again, NOW)["since"].to_list() == [week(5)]


def test_a_later_row_without_a_predecessor_ends_the_succession():
    ended = pl.concat([goods(a=None, b="a"), builders.products("b", listed=week(8))])
    assert before(ended) == []
    assert before(ended, by=week(7)) == [("b", "a", 1)]


@pytest.mark.parametrize(
    ("products", "told"),
    [
        (goods(a="b", b="a"), "a replaces b and b replaces a"),
        (goods(a="a"), "a replaces a"),
        (goods(d="a", a="b", b="c", c="a"), "a replaces b and b replaces c and c replaces a"),
    ],
)
def test_a_product_that_would_come_after_itself_is_refused_by_name(products, told):
    with pytest.raises(DataError, match=f"in a circle: {told};"):
        refuse_circles(products, NOW)
    assert before(products) == []  # a view from a past week goes on without


def test_master_data_without_a_circle_are_not_refused():
    refuse_circles(CHAIN, NOW)


def test_a_predecessor_that_nobody_knows_is_named():
    assert strangers(goods(a=None, b="a", c="x")) == [("c", "x")]


def lent(*sold: pl.DataFrame, products: pl.DataFrame = CHAIN) -> list[tuple[str, str, int, float]]:
    rows = borrowed(pl.concat(sold), predecessors(products, NOW))
    numbers = (pl.col("week") - FIRST_WEEK).dt.total_days() // 7
    return list(rows.select("product", "predecessor", numbers, "units").iter_rows())


def test_a_successor_borrows_the_weeks_before_its_own_first_one():
    sold = weekly_sales(5, 6, product="a"), weekly_sales(9, product="b", first=week(2))
    assert lent(*sold, products=goods(a=None, b="a")) == [("b", "a", 0, 5), ("b", "a", 1, 6)]


def test_own_weeks_win_while_both_are_sold():
    sold = weekly_sales(5, 6, 7, 8, product="a"), weekly_sales(2, None, 3, product="b", first=week(1))
    assert lent(*sold, products=goods(a=None, b="a")) == [("b", "a", 0, 5)]


def test_one_that_was_never_sold_borrows_up_to_now():
    sold = weekly_sales(5, 6, product="a")
    assert lent(sold, products=goods(a=None, b="a")) == [("b", "a", 0, 5), ("b", "a", 1, 6)]


def test_along_a_chain_each_week_is_that_of_the_nearest_who_had_begun():
    sold = (
        weekly_sales(1, 2, 3, product="a"),
        weekly_sales(20, 30, product="b", first=week(1)),
        weekly_sales(300, product="c", first=week(2)),
    )
    assert lent(*sold) == [("b", "a", 0, 1), ("c", "a", 0, 1), ("c", "b", 1, 20)]


def test_a_link_that_a_store_never_had_is_passed_over():
    assert ("c", "a", 0, 1) in lent(weekly_sales(1, product="a"), weekly_sales(9, product="c", first=week(1)))


def test_nothing_is_borrowed_in_a_store_that_never_had_the_predecessor():
    sold = weekly_sales(5, product="a"), weekly_sales(9, product="b", store="S2", first=week(1))
    assert borrowed(pl.concat(sold), predecessors(goods(a=None, b="a"), NOW))["store"].unique().to_list() == [
        "S1"
    ]
