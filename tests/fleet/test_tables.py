from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK, known_by
from fleetcast.fleet import tables
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.sources.sample import demo, simulate
from fleetcast.sources.sample.mail import opening, weekly
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, write_file


def test_every_table_with_rows_says_its_version_its_rows_and_its_weeks(chain):
    w = opened(chain)
    lines = {line.table: line for line in tables.versions(w)}
    assert set(lines) == {
        "deliveries", "stores", "products", "demand", "segments", "rounds", "forecasts", "orders", "completeness",
        "histograms",
    }  # fmt: skip
    assert (lines["deliveries"].rows, lines["deliveries"].last) == (4 * 4 * 60, str(LAST))
    assert (lines["stores"].first, lines["stores"].version) == ("", w.lake.version(w.tables["stores"]))


def test_what_changed_since_a_release_is_told_table_by_table_and_week_by_week(chain):
    sold = kiosks()["deliveries"]
    twice = pl.when(pl.col("week") == LAST - WEEK).then(pl.col("delivered") * 2).otherwise("delivered")
    write_file(chain, "deliveries", sold.with_columns(twice.alias("delivered")), "corrected")
    release = opened(chain).ledger.pointer()
    later = opened(chain, WEDNESDAY + timedelta(days=1))
    run_cycle(later, only="condition", progress=Silent(), actor="test")

    for name in (release, release[:10]):
        changes = {change.table: change for change in tables.diff(later, name)}
        assert set(changes) == {"deliveries", "demand"}
        assert changes["deliveries"].kind == "correction"
        assert changes["deliveries"].weeks == (str(LAST - WEEK),)
        assert changes["deliveries"].rows_after - changes["deliveries"].rows_before == 16
    assert tables.diff(later, "2026w46") == []  # the cycle has been derived anew since


@pytest.mark.parametrize(
    ("name", "told"),
    [("2025w01", "no snapshot of dev goes by"), ("zzz", "no snapshot of dev goes by"), ("", "goes by ''")],
)
def test_a_name_of_no_snapshot_says_what_to_name(first_week, name, told):
    folder, _ = first_week
    with pytest.raises(UsageError, match=f"{told}.*name a release, or a cycle like 2026w46"):
        tables.diff(opened(folder), name)


def test_a_table_that_does_not_exist_cannot_be_exported(chain, tmp_path):
    with pytest.raises(UsageError, match="no table 'sales'; there are clusters, completeness, deliveries"):
        tables.export(opened(chain), tmp_path / "out", file_format="csv", tables=["sales"])
    assert not (tmp_path / "out").exists()


def test_weather_of_days_that_was_forecast_anew_is_told_by_its_weeks(tmp_path):
    retailer = simulate(stores=2, products=2, weeks=60, erratic=None).only(["oklahoma"])
    first, snapshots = retailer.last - WEEK, []
    demo.template(tmp_path)
    for week in (first, retailer.last):
        for letter in opening(retailer, week) if week == first else weekly(retailer, week):
            letter.deliver(tmp_path / "data")
        settings = tmp_path / demo.SETTINGS
        settings.write_text(demo.with_files(settings.read_text("utf-8"), tmp_path), "utf-8")
        w = opened(tmp_path, known_by(week, 2))
        run_cycle(w, only="condition", progress=Silent(), actor="test")
        snapshots.append(w.lake.snapshot(w.base_tables.values()))
    (weather,) = [change for change in tables.changes(w, *snapshots) if change.table == "weather"]
    assert [column.column for column in weather.columns] == ["temperature", "precipitation"]
    assert retailer.last.isoformat() in weather.weeks
