import csv
import gzip
import io
import json
import re

import openpyxl
import pytest

from fleetcast.faces.web.assets import assets

MOST = 100_000  # bytes, compressed, of the fleet page with all that it loads


def cells(text: str) -> list[list[str]]:
    """The rows of the model table, without tags."""
    table = text.rsplit("<tbody>", maxsplit=1)[-1].split("</tbody>", maxsplit=1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [
        [re.sub(r"<[^>]+>|\s+", "", cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
        for row in rows
    ]


def test_every_model_is_listed_the_worst_first(pages):
    rows = cells(pages.get("/dev/fleet").text)
    assert len(rows) == 12
    assert [row[1] for row in rows[:3]] == ["Overgate", "Overgate", "Stale"]


def test_a_filter_chooses_models_and_the_matrix_ignores_the_state(pages):
    page = pages.get("/dev/fleet", params={"region": "region-01", "state": "over_gate"}).text
    assert [row[0] for row in cells(page)] == ["region-01/large/slow/c01"]
    matrix = page.split("<tbody>")[1].split("</tbody>")[0]
    assert matrix.count("<tr>") == 1
    assert matrix.count('class="cell"') == 4


def test_a_list_is_sorted_by_what_the_address_says(pages):
    rows = cells(pages.get("/dev/fleet", params={"sort": "-mape"}).text)
    shown = [float(row[2].removesuffix("%")) for row in rows]
    assert shown == sorted(shown, reverse=True)


def test_twins_have_the_rows_of_the_page_at_the_same_query(pages):
    query = {"state": "over_gate", "sort": "mape"}
    rows = list(csv.DictReader(io.StringIO(pages.get("/dev/fleet.csv", params=query).text)))
    book = openpyxl.load_workbook(io.BytesIO(pages.get("/dev/fleet.xlsx", params=query).content))
    sheet = [row[0] for row in book.active.values][1:]
    asked = json.loads(pages.get("/dev/fleet.json", params=query).text)
    assert [row["segment"] for row in rows] == sheet == [row["segment"] for row in asked]
    assert asked[0]["mape"] < asked[1]["mape"]


def test_who_may_see_one_region_finds_no_trace_of_another(pages_of):
    mine = pages_of("planner", "region-02")
    for path in ("/dev/fleet", "/dev/fleet/wall", "/dev/fleet.csv", "/dev/fleet?region=region-01"):
        answer = mine.get(path)
        assert answer.status_code == 200
        assert "region-01/" not in answer.text
        assert "region-01</" not in answer.text


def test_what_does_not_exist_is_said_in_words(pages):
    answer = pages.get("/nowhere/fleet")
    assert answer.status_code == 404
    assert "There is no such page here." in answer.text


def test_an_environment_without_a_release_says_what_to_do(pages):
    assert "The first <code>fleetcast run</code> trains the fleet" in pages.get("/prod/fleet").text


def test_nothing_chosen_is_a_page_too(pages):
    assert "No model meets what is chosen above." in pages.get("/dev/fleet", params={"q": "nobody"}).text


def test_a_theme_is_remembered_and_leads_back(pages):
    answer = pages.post("/theme", data={"theme": "dark", "next": "/dev/fleet"}, follow_redirects=False)
    assert answer.headers["location"] == "/dev/fleet"
    assert 'data-theme="dark"' in pages.get("/dev/fleet", headers={"cookie": "theme=dark"}).text
    pages.cookies.clear()


@pytest.mark.parametrize("elsewhere", ["https://example.org", "//example.org", "/\\example.org"])
def test_a_theme_leads_to_no_other_site(pages, elsewhere):
    answer = pages.post("/theme", data={"theme": "dark", "next": elsewhere}, follow_redirects=False)
    assert answer.headers["location"] == "/"
    pages.cookies.clear()


def test_the_page_with_all_that_it_loads_is_small(pages):
    page = pages.get("/dev/fleet").text
    loaded = [asset for asset in assets().values() if asset.address in page]
    sent = len(gzip.compress(page.encode()))
    sent += sum(
        len(one.content if one.type == "font/woff2" else gzip.compress(one.content)) for one in loaded
    )
    assert sent <= MOST, sent


def test_a_file_of_the_face_may_be_kept_for_ever_under_its_name(pages):
    answer = pages.get(assets()["app.css"].address)
    assert "immutable" in answer.headers["cache-control"]
    assert pages.get("/static/app.css").status_code == 404
