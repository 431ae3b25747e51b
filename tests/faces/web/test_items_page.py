"""Stores, products and the search, through the pages."""

import pytest
from starlette.testclient import TestClient
from tests.faces.web.browser import application

from fleetcast.faces.web.items import SORT
from fleetcast.testing.served import Size, served

STORE, PRODUCT = "/dev/stores/S01-l01", "/dev/products/fast-01"


def test_a_store_shows_each_of_its_series_as_a_picture_and_in_a_table(pages):
    page = pages.get(STORE).text
    assert page.count('class="small-picture') == 4
    assert "Products forecast here" in page
    assert [row["product"] for row in pages.get(f"{STORE}.json").json()].count("fast-01") == 1


def test_what_missed_most_units_comes_first(pages):
    rows = pages.get(f"{PRODUCT}.json").json()
    missed = [row["missed"] for row in rows]
    assert SORT == "-missed"
    assert missed == sorted(missed, reverse=True)
    assert all(row["n"] and row["mape"] > 0 for row in rows)


def test_a_product_has_no_store_of_a_region_that_was_not_granted(pages_of):
    rows = pages_of("planner", "region-02").get(f"{PRODUCT}.json").json()
    assert {row["region"] for row in rows} == {"region-02"}


@pytest.mark.parametrize("path", [STORE, f"{STORE}.csv", "/dev/stores/nowhere", "/dev/products/nothing"])
def test_what_is_not_there_and_what_may_not_be_seen_look_the_same(pages_of, path):
    answer = pages_of("planner", "region-02").get(path)
    assert answer.status_code == 404
    assert "There is no such page here." in answer.text


@pytest.mark.parametrize(
    ("asked", "kind", "name"),
    [
        ("s01-L", "store", "S01-l01"),
        ("slow-02", "product", "slow-02"),
        ("region-03/small/slow", "model", "dev/region-03/small/slow/c01/2026w46-1"),
        ("2026w46", "run", "2026w46"),
    ],
)
def test_things_are_found_by_a_piece_of_their_name(pages, asked, kind, name):
    found = pages.get("/dev/search.json", params={"q": asked}).json()
    assert (kind, name) in {(hit["kind"], hit["name"]) for hit in found}


def test_a_search_finds_nothing_of_another_region(pages_of):
    found = pages_of("planner", "region-02").get("/dev/search.json", params={"q": "0"}).json()
    assert {hit["name"][:3] for hit in found if hit["kind"] == "store"} == {"S02"}
    assert not [hit for hit in found if "region-01" in hit["name"]]


def test_a_search_for_nothing_says_what_can_be_looked_for(pages):
    assert "Type a piece of a name above." in pages.get("/dev/search").text
    assert "Nothing is called so." in pages.get("/dev/search", params={"q": "<script>"}).text


def test_the_summary_says_what_came_back_and_what_was_lost_in_regions_that_were_granted(pages, pages_of):
    rows = pages.get("/dev/summary.json").json()
    assert {"returned_money", "lost_money", "cost"} <= rows[0].keys()
    page = pages_of("viewer", "region-02").get("/dev/summary").text
    assert "Cost of returns" in page
    assert "region-01" not in page


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A fleet of more orders than a page of a list has."""
    w = served(tmp_path_factory.mktemp("many") / "fleet", Size(regions=3, clusters=3, weeks=10))
    return TestClient(application(w.folder))


def test_orders_are_shown_whole_to_be_printed(many):
    part, whole = (many.get("/dev/orders", params=query).text for query in ({}, {"rows": "all"}))
    assert "/dev/products/" in part or "/dev/forecasts/" in part
    rows = many.get("/dev/orders.json").json()
    assert [page.split("<tbody>")[1].count("<tr>") for page in (part, whole)] == [50, len(rows)]
    assert "?sort=change&amp;rows=all" in part
    assert "show all of the list before you print it" in part
    assert "before you print it" not in whole


def test_before_anything_published_is_scored_pages_say_that_errors_are_of_backtest_rounds(first_week, pages):
    new = TestClient(application(first_week[0]))
    store = new.get("/dev/orders.json").json()[0]["store"]
    for path in ("/dev/summary", f"/dev/stores/{store}"):
        assert "These errors come from backtest rounds" in new.get(path).text
    for path in ("/dev/summary", STORE):
        assert "backtest rounds" not in pages.get(path).text
