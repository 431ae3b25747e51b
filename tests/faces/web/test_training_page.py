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


def test_loss_curves_are_drawn_for_the_challengers_that_are_shown_and_their_twin_has_the_numbers(pages):
    page = pages.get("/dev/training/2026w46?q=region-02").text
    drawn = page.split("Loss curves", 1)[1].split("</section>")[0]
    assert drawn.count('class="small-picture') == 4
    assert drawn.count('class="median"') == 8
    assert "1.55 → 0.71 in 4 epochs" in drawn
    rows = pages.get("/dev/training/2026w46.json?list=curves&q=region-02/large/fast").json()
    assert [row["loss"] for row in rows if row["member"] == 1] == [1.5, 0.9, 0.75, 0.7]
    assert pages.get(f"/dev/models/{OVER}.json?list=curves").json()[0]["loss"] == 1.5
    assert "Loss curves" in pages.get(f"/dev/models/{OVER}").text
