"""Where stores stand in a week: what master data and clusters say of them by then."""

from datetime import date

import polars as pl

from fleetcast.conditioning.places import placed, places
from fleetcast.domain.tables import CLUSTERS
from fleetcast.domain.week import WEEK
from fleetcast.testing.builders import stores

WEEK_9 = date(2026, 3, 2)


def clusters(*rows: tuple[str, str, date]) -> pl.DataFrame:
    """Rows of store, cluster, valid_from."""
    known = pl.DataFrame(rows, schema=["store", "cluster", "valid_from"], orient="row")
    return pl.concat([pl.DataFrame(schema=CLUSTERS.types), known], how="diagonal")


def cluster(store: str, week: date, *rows: tuple[str, str, date]) -> str:
    series = pl.DataFrame({"store": [store]})
    return placed(series, places(stores("A", "B"), clusters(*rows), week))["cluster"].item()


def test_a_cluster_holds_from_its_first_day_until_the_next_one_does():
    rows = ("A", "c1", WEEK_9), ("A", "c2", WEEK_9 + 4 * WEEK)
    assert cluster("A", WEEK_9 - WEEK, *rows) == "unclustered"
    assert cluster("A", WEEK_9, *rows) == cluster("A", WEEK_9 + 3 * WEEK, *rows) == "c1"
    assert cluster("A", WEEK_9 + 4 * WEEK, *rows) == "c2"


def test_a_cluster_that_begins_within_a_week_holds_in_it_as_master_data_do():
    friday = date(2026, 3, 6)
    assert cluster("A", WEEK_9, ("A", "c1", friday)) == "c1"


def test_a_store_that_is_in_no_file_of_clusters_is_unclustered_and_stands_where_it_stood():
    frame = placed(
        pl.DataFrame({"store": ["B"]}), places(stores("A", "B"), clusters(("A", "c1", WEEK_9)), WEEK_9)
    )
    assert frame.rows() == [("B", "north-texas", "large", "unclustered")]


def test_clusters_are_known_without_any_other_master_data():
    nobody = stores("A").clear()
    frame = placed(pl.DataFrame({"store": ["A"]}), places(nobody, clusters(("A", "c1", WEEK_9)), WEEK_9))
    assert frame.rows() == [("A", "all", "all", "c1")]
