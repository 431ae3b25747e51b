"""Clusters of stores: who sells alike is put together, whatever the order of the rows."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from fleetcast.clusters import clustered, profiles
from fleetcast.domain.week import WEEK

LAST = date(2026, 11, 9)


def demand(*, small=6, large=6, seasonal=6):
    """Stores of three kinds over a year: small, large, and large ones that sell in summer alone."""
    random, rows = np.random.default_rng(1), []
    for kind, stores in (("small", small), ("large", large), ("summer", seasonal)):
        for store in range(stores):
            for n in range(52):
                rate = {"small": 4.0, "large": 40.0, "summer": 80.0 if 13 <= n < 26 else 20.0}[kind]
                rows.append(
                    (f"{kind}-{store}", "00001", LAST - n * WEEK, rate * np.exp(random.normal(0, 0.1)))
                )
    return pl.DataFrame(rows, schema=["store", "product", "week", "units"], orient="row")


def kinds(found):
    """The kinds of stores in each cluster."""
    kind = pl.col("store").str.split("-").list.first()
    return dict(found.group_by("cluster").agg(kind.unique().sort()).sort("cluster").iter_rows())


def test_stores_of_a_kind_come_together_named_by_what_they_sell():
    found = clustered(profiles(demand(), cutoff=LAST), k=3, seed=1)
    assert kinds(found) == {"c1": ["small"], "c2": ["summer"], "c3": ["large"]}


def test_the_order_of_the_rows_changes_no_cluster():
    rows = demand()
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=3)
    one, other = (clustered(profiles(r, cutoff=LAST), k=3, seed=1) for r in (rows, shuffled))
    assert one.equals(other)


def test_demographics_tell_stores_apart_that_sell_the_same():
    rows = demand(small=8, large=0, seasonal=0)
    income = pl.DataFrame({"store": [f"small-{n}" for n in range(8)], "income": [1.0] * 4 + [9.0] * 4})
    found = clustered(profiles(rows, income, cutoff=LAST).select("store", "level", "income"), k=2, seed=1)
    assert found.head(4)["cluster"].n_unique() == found.tail(4)["cluster"].n_unique() == 1


@pytest.mark.parametrize("late", [LAST + WEEK, LAST - 52 * WEEK])
def test_only_the_year_up_to_the_cutoff_counts(late):
    more = pl.DataFrame({"store": ["small-0"], "product": ["00001"], "week": [late], "units": [1e6]})
    rows = demand()
    assert profiles(pl.concat([rows, more]), cutoff=LAST).equals(profiles(rows, cutoff=LAST))


def test_there_are_no_more_clusters_than_different_stores():
    same = pl.DataFrame({"store": list("abcd"), "level": [1.0, 1.0, 2.0, 2.0], "swing": [0.0] * 4})
    assert clustered(same, k=4, seed=1)["cluster"].to_list() == ["c1", "c1", "c2", "c2"]


def test_what_is_not_known_of_a_store_is_as_at_the_average_one():
    known = pl.DataFrame(
        {"store": list("abc"), "level": [1.0, 2.0, 9.0], "income": [None, float("nan"), 5.0]}
    )
    assert clustered(known, k=2, seed=1)["cluster"].to_list() == ["c1", "c1", "c2"]
