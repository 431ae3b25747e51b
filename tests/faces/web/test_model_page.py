import csv
import io

SEGMENT = "region-01/large/fast/c01"
OVER = "region-01/large/slow/c01"


def test_a_model_says_why_it_stands_as_it_does(pages):
    page = pages.get(f"/dev/models/{OVER}").text
    assert "Over gate" in page
    assert "&gt; 45 %" in page


def test_without_a_version_it_is_the_one_that_serves(pages):
    page = pages.get(f"/dev/models/{SEGMENT}")
    assert page.status_code == 200
    assert "2026w46-1" in page.text
    assert "Serves" in page.text


def test_its_errors_by_week_are_those_of_what_was_published(pages):
    rows = list(csv.DictReader(io.StringIO(pages.get(f"/dev/models/{SEGMENT}.csv").text)))
    assert len(rows) == 5
    assert {row["basis"] for row in rows} == {"published"}


def test_its_series_and_versions_have_twins_too(pages):
    series = pages.get(f"/dev/models/{SEGMENT}.json", params={"list": "series"}).json()
    assert {one["product"] for one in series} == {"fast-01", "fast-02"}
    assert series == sorted(series, key=lambda one: -one["missed"])
    versions = pages.get(f"/dev/models/{SEGMENT}.json", params={"list": "versions"}).json()
    assert [one["model"] for one in versions] == [f"dev/{SEGMENT}/2026w46-1"]
    assert pages.get(f"/dev/models/{SEGMENT}.xlsx").content[:2] == b"PK"


def test_a_model_of_another_region_is_as_if_it_were_not(pages_of):
    theirs = pages_of("scientist", "region-02")
    assert theirs.get(f"/dev/models/{SEGMENT}").status_code == 404
    assert theirs.get("/dev/models/region-99/large/fast/c01").status_code == 404
    assert theirs.get("/dev/models/region-02/large/fast/c01").status_code == 200


def test_a_version_that_is_not_there_is_not_shown_as_another(pages):
    assert pages.get(f"/dev/models/{SEGMENT}", params={"v": "2026w46-9"}).status_code == 404


def test_only_what_a_role_may_do_is_offered(pages_of):
    address = "/dev/models/region-01/large/fast/c01"
    offered = {
        role: [word for word in ("Retrain", "Roll back", "Quarantine") if f">{word}</a>" in page]
        for role in ("viewer", "scientist", "operator")
        for page in [pages_of(role, "region-01").get(address).text]
    }
    assert offered == {
        "viewer": [],
        "scientist": ["Retrain", "Quarantine"],
        "operator": ["Retrain", "Roll back", "Quarantine"],
    }


def test_the_fleet_leads_to_its_models(pages):
    assert f'href="/dev/models/{SEGMENT}"' in pages.get("/dev/fleet").text
