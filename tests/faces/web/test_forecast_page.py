import gzip

from fleetcast.faces.web.assets import assets

SERIES = "/dev/forecasts/S01-l01/fast-01"
MOST = 400_000  # bytes, compressed, of the forecast page with all that it loads


def test_a_series_is_shown_with_its_order_its_interval_and_its_model(pages):
    page = pages.get(SERIES).text
    for said in (
        "80 % interval 5.9 to 11.9",
        "Order for 16 Nov 2026",
        "dev/region-01/large/fast/c01/2026w46-1",
    ):
        assert said in page.replace("\u00a0", " ")


def test_its_picture_needs_no_script_and_has_the_weather_below(pages):
    page = pages.get(SERIES).text
    for drawn in ("history", "median", "band", "before", "event", "weather", "weather expected"):
        assert f'<path class="{drawn}" d="M' in page
    assert ">harvest</text>" in page


def test_the_form_of_a_series_leads_to_another_one(pages):
    moved = pages.get(SERIES, params={"store": "S02-s01", "product": "slow-02"}, follow_redirects=False)
    assert moved.headers["location"] == "/dev/forecasts/S02-s01/slow-02?weeks=52"


def test_a_series_that_is_not_there_and_one_that_may_not_be_seen_look_the_same(pages_of):
    mine = pages_of("planner", "region-02")
    absent, forbidden = mine.get("/dev/forecasts/S02-l01/none"), mine.get(SERIES)
    assert mine.get("/dev/forecasts/S02-l01/fast-01").status_code == 200
    assert absent.status_code == forbidden.status_code == 404
    assert "There is no such page here." in forbidden.text


def test_the_page_of_a_series_is_small(pages):
    page = pages.get(SERIES, params={"weeks": "156"}).text
    sent = len(gzip.compress(page.encode())) + sum(len(one.content) for one in assets().values())
    assert sent <= MOST, sent


def test_orders_are_ranked_by_how_far_they_are_from_what_was_brought(pages):
    changes = [abs(row["change"]) for row in pages.get("/dev/orders.json").json()]
    assert len(changes) == 24
    assert changes == sorted(changes, reverse=True)


def test_orders_of_another_region_are_not_there(pages_of):
    rows = pages_of("planner", "region-02").get("/dev/orders.json").json()
    assert {row["region"] for row in rows} == {"region-02"}


def test_home_lists_what_stands_out_the_gravest_first(pages):
    rows = pages.get("/dev/attention.json").json()
    assert [row["kind"] for row in rows] == ["over_gate", "over_gate", "stale"]
    page = pages.get("/dev/").text
    assert "Look at region-01/large/slow/c01" in page


def test_home_of_one_region_tells_of_no_other(pages_of):
    rows = pages_of("scientist", "region-03").get("/dev/attention.json").json()
    assert {row["subject"].split("/")[0] for row in rows} <= {"region-03"}


def test_the_summary_pools_what_was_published_by_region(pages, pages_of):
    rows = pages.get("/dev/summary.json").json()
    assert [row["region"] for row in rows] == sorted(
        (row["region"] for row in rows),
        key=lambda name: -next(r["skill"] for r in rows if r["region"] == name),
    )
    assert all(row["n"] > 0 and row["mape"] > 0 for row in rows)
    assert "Forecasts as they were published" in pages.get("/dev/summary").text
    assert {row["region"] for row in pages_of("viewer", "region-02").get("/dev/summary.json").json()} == {
        "region-02"
    }
