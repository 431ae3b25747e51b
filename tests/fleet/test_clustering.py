"""Stores that sell alike become segments: a file of clusters, taken in as a column of the master data."""

import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.fleet import clustering
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, run_week, write_workspace

CLUSTERED = SETTINGS.replace(
    "[demand]",
    '[segments]\nkeys = ["store_format", "mover"]\nbaseline_keys = ["store_format"]\npartition = "none"\n\n[demand]',
)


def busy_and_quiet():
    """Four kiosks, of which the second of each region sells a third."""
    frames = kiosks(weeks=60)
    share = pl.when(pl.col("store").str.ends_with("2")).then(1 / 3).otherwise(1.0)
    return {**frames, "deliveries": frames["deliveries"].with_columns(pl.col("delivered") * share)}


def test_clusters_of_stores_are_trained_judged_and_served_as_segments(tmp_path):
    frames = busy_and_quiet()
    w = opened(write_workspace(tmp_path / "before", frames))
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    made = clustering.write(w, k=2, to=tmp_path / "clusters.csv")
    found = pl.read_csv(made.path)
    assert dict(found.iter_rows()) == {"east-1": "c2", "east-2": "c1", "west-1": "c2", "west-2": "c1"}

    stores = frames["stores"].drop("store_format").join(found.rename({"cluster": "store_format"}), on="store")
    frames["stores"] = stores.select(frames["stores"].columns)
    folder = write_workspace(tmp_path / "after", frames, settings=CLUSTERED)
    report = run_week(folder)
    members = opened(folder).registry.releases.current().manifest.members
    assert sorted(members) == ["c1/fast", "c1/slow", "c2/fast", "c2/slow"]
    assert report.series.published == report.series.active == 16


def test_a_number_of_clusters_that_makes_no_sense_is_refused(first_week, tmp_path):
    with pytest.raises(UsageError, match="9 clusters of 4 stores: write a number from 2 to 4"):
        clustering.write(opened(first_week[0]), k=9, to=tmp_path / "clusters.csv")
    assert not (tmp_path / "clusters.csv").exists()
