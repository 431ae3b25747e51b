"""The scoring page: what was scored of each region, and by how old models."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fleetcast.domain.tables import COMPLETENESS
from fleetcast.domain.week import label
from fleetcast.faces.web import routes
from fleetcast.reading.scoring import scoring
from fleetcast.testing.served import CUTOFF, Size, served

RUN = f"/dev/scoring/{CUTOFF}"


def test_the_newest_week_is_shown_first(pages):
    answer = pages.get("/dev/scoring")
    assert answer.url.path == RUN
    assert "Series due" in answer.text


def test_every_region_is_counted_and_its_twin_has_the_same_rows(pages):
    rows = pages.get(f"{RUN}.json").json()
    assert [row["region"] for row in rows] == ["region-01", "region-02", "region-03"]
    assert all(row["active"] == row["scored"] == row["champion"] == 8 and row["missing"] == 0 for row in rows)


def test_models_that_are_stale_or_will_be_are_named_the_oldest_first(pages):
    page = pages.get(RUN).text
    old = page.rsplit("<tbody>", maxsplit=1)[-1]
    assert old.index("region-02/large/slow/c01") < old.index("region-02/small/fast/c01")
    assert "more than 60" in old
    assert len(pages.get(f"{RUN}/ages.json").json()) == 12


def test_who_may_see_one_region_finds_no_trace_of_another(pages_of):
    mine = pages_of("operator", "region-02")
    for path in (RUN, f"{RUN}.csv", f"{RUN}/ages.csv"):
        assert "region-02" in mine.get(path).text
        assert "region-01" not in mine.get(path).text


@pytest.mark.parametrize("week", ["2020-01-06", "2026w46", "x"])
def test_a_week_without_a_run_is_not_there(pages, week):
    assert pages.get(f"/dev/scoring/{week}").status_code == 404


def test_before_the_first_run_it_says_what_to_do(pages):
    assert "Nothing has been scored in prod." in pages.get("/prod/scoring").text


@pytest.fixture
def broken(tmp_path):
    """A fleet of two regions, of which the second lost two series and failed, and the first failed over."""
    w = served(tmp_path / "fleet", Size(regions=2, series=1, weeks=12))
    rows = w.lake.read(COMPLETENESS, week=CUTOFF)
    last = rows["store"].str.starts_with("S02")
    w.lake.replace(COMPLETENESS, rows.filter(last & (rows["product"] != "slow-01")), partition="region-02")
    elsewhere = rows.filter(~last).with_columns(
        state=rows.filter(~last)["state"].replace("champion", "baseline")
    )
    w.lake.replace(COMPLETENESS, elsewhere, partition="region-01")
    w.ledger.fail(w.ledger.begin(label(CUTOFF), "score", "region-02", "inputs"), "the disk was full")
    return w


def test_a_region_that_lost_series_or_failed_comes_first_and_says_why(broken):
    found = scoring(broken, None, CUTOFF)
    lost = next(line for line in found.regions if line.region == "region-02")
    assert (lost.state, lost.active, lost.missing, lost.error) == ("failed", 4, 2, "the disk was full")
    assert next(line for line in found.regions if line.region == "region-01").state == "watch"
    rows = TestClient(Starlette(routes=routes(lambda _: broken))).get(f"{RUN}.json").json()
    assert [row["region"] for row in rows] == ["region-02", "region-01"]
