import re

import polars as pl

from fleetcast.domain.tables import FORECASTS, ORDERS, ROUNDS
from fleetcast.fleet import tables
from fleetcast.testing.kiosks import opened, run_week, write_standard_sources


def test_a_workspace_fed_by_exported_csv_alone_has_the_same_tables_and_the_same_forecasts(
    finished_retailer, tmp_path
):
    told = opened(finished_retailer)
    base = {name: table for name, table in told.base_tables.items() if told.lake.leaves(table)}
    tables.export(told, tmp_path / "export", file_format="csv", tables=list(base))

    folder = tmp_path / "fed"
    for name in base:
        (folder / "data" / name).mkdir(parents=True)
        (tmp_path / "export" / f"{name}.csv").rename(folder / "data" / name / "exported.csv")
    settings = (finished_retailer / "fleetcast.toml").read_text("utf-8")
    without_sources = re.sub(r"(?ms)^\[sources\..*?(?=^\[(?!sources\.)|\Z)", "", settings)
    write_standard_sources(folder, base, settings=without_sources)
    report = run_week(folder)

    fed = opened(folder)
    assert {name: fed.lake.version(table) for name, table in base.items()} == {
        name: told.lake.version(table) for name, table in base.items()
    }
    assert len(base) == 10
    assert all(line.quarantined == line.duplicates == 0 for line in report.sources)
    for table in (FORECASTS, ORDERS, ROUNDS):
        values = [w.lake.read(table).drop("release", "recipe", strict=False) for w in (told, fed)]
        assert values[0].equals(values[1]), table.name
    assert fed.lake.read(FORECASTS).select(pl.len()).item() > 0
