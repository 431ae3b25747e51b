import csv
import io

from tests.faces.web.test_fleet_page import cells

OVER = "region-01/large/slow/c01"


def test_a_training_shows_its_challengers_those_that_did_not_pass_first(pages):
    page = pages.get("/dev/training", follow_redirects=True)
    assert str(page.url).endswith("/dev/training/2026w46")
    rows = cells(page.text.split("Challengers", 1)[1].split("</section>")[0])
    assert len(rows) == 12
    assert [row[2] for row in rows[:3]] == ["Didnotpass", "Didnotpass", "Passed"]


def test_its_filters_and_twins_agree(pages):
    query = {"verdict": "refused", "q": "region-01"}
    rows = list(csv.DictReader(io.StringIO(pages.get("/dev/training/2026w46.csv", params=query).text)))
    assert [row["segment"] for row in rows] == [OVER]
    page = pages.get("/dev/training/2026w46", params=query).text
    assert "/dev/training/2026w46.csv?verdict=refused&amp;q=region-01" in page
    assert "Show all challengers" in pages.get("/dev/training/2026w46", params={"q": "nobody"}).text
    steps = pages.get("/dev/training/2026w46.json", params={"list": "steps"}).json()
    assert [one["step"] for one in steps] == ["derive", "score"]


def test_an_environment_without_a_run_says_so(pages):
    assert "Nothing has been trained in prod." in pages.get("/prod/training").text
    assert pages.get("/dev/training/2020w01").status_code == 404
    assert pages.get("/dev/training/nonsense").status_code == 404
