"""Files week by week: nothing is lost, nothing comes too early."""

from pathlib import Path

import polars as pl
import pytest

from fleetcast import workspace
from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK, known_by, weeks
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.sources.sample import Retailer, demo, files, simulate
from fleetcast.sources.sample.mail import opening, weekly

LAYOUTS = ("oklahoma", "south-texas", "tennessee", "north-florida", "carolinas", "ohio-valley")  # one of each
YEAR = 12  # weeks that come in one by one


@pytest.fixture(scope="module")
def chain() -> Retailer:
    return simulate(stores=4, products=6, weeks=100, erratic=None).only(LAYOUTS)


def versions(folder: Path, chain: Retailer) -> dict[str, str]:
    """The content version of every table that the files in a workspace fill, taken in at once."""
    settings = folder / demo.SETTINGS
    settings.write_text(demo.with_files(settings.read_text("utf-8"), folder), "utf-8")
    w = workspace.open(folder, clock=lambda: known_by(chain.last, 2))
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    return {name: w.lake.version(table) for name, table in w.base_tables.items()}


def test_the_files_of_all_weeks_taken_in_at_once_are_the_whole_load(chain, tmp_path):
    demo.template(tmp_path / "whole")
    files.write(chain, tmp_path / "whole" / "data", sound=True)
    demo.template(tmp_path / "weekly")
    first = chain.last - YEAR * WEEK
    for letter in opening(chain, first):
        letter.deliver(tmp_path / "weekly" / "data")
    for week in weeks(first + WEEK, chain.last):
        for letter in weekly(chain, week):
            letter.deliver(tmp_path / "weekly" / "data")
    assert versions(tmp_path / "weekly", chain) == versions(tmp_path / "whole", chain)


@pytest.mark.parametrize("back", [0, 1, 30, 90])
def test_wherever_the_opening_load_ends_every_row_is_sent_once(chain, back):
    first = chain.last - back * WEEK
    everything = [letter for letter in opening(chain, chain.last) if "until" in letter.name]
    sent = [
        *opening(chain, first),
        *(x for week in weeks(first + WEEK, chain.last) for x in weekly(chain, week)),
    ]
    for whole in everything:
        parts = [
            letter.rows for letter in sent if letter.name.rpartition("/")[0] == whole.name.rpartition("/")[0]
        ]
        mine = [rows for rows in parts if rows.columns == whole.rows.columns]
        columns = whole.rows.columns
        assert pl.concat(mine).sort(columns).equals(whole.rows.sort(columns)), whole.name


def test_no_row_comes_before_its_week_is_looked_at(chain):
    week = chain.last - 5 * WEEK
    moments = {
        "promotions": "announced",
        "weather_forecasts": "issued_at",
        "events": "announced",
        "stores": "updated",
    }
    for letter in opening(chain, week):
        if letter.source in moments:
            assert letter.rows[moments[letter.source]].max() <= known_by(week, 2), letter.name
        elif "week" in letter.rows.columns:
            assert letter.rows["week"].max() <= week, letter.name


def test_a_file_that_is_sent_whole_comes_again_when_something_is_new_in_it(chain):
    listed = chain.products.filter(pl.col("delisted").is_not_null())["delisted"][0]
    told = [
        week
        for week in weeks(listed - 10 * WEEK, listed)
        if any(letter.name == "products.csv" for letter in weekly(chain, week))
    ]
    assert told == [listed - 4 * WEEK]  # three weeks before, on a Monday: after one look, before the next


def test_a_region_that_keeps_a_database_sends_no_files():
    chain = simulate(stores=2, products=2, weeks=60).only(["south-florida"])
    with pytest.raises(UsageError, match="keeps a database"):
        opening(chain, chain.last)
