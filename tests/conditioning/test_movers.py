from datetime import date, timedelta

import polars as pl
from polars.testing import assert_frame_equal

from fleetcast.conditioning.movers import movers, sold
from fleetcast.domain.tables import MEMBERSHIP
from fleetcast.masters import membership_at
from fleetcast.settings import MoverSettings, SegmentSettings

FIRST = date(2026, 1, 5)
SETTINGS = SegmentSettings(mover=MoverSettings(weeks=8, band=0.15))


def week(number: int) -> date:
    return FIRST + timedelta(weeks=number)


def stores(*names: str, region: str = "north-texas", cluster: str | None = None) -> pl.DataFrame:
    """Where stores stand."""
    return pl.DataFrame(
        {"store": names, "region": region, "store_format": "large", "cluster": cluster},
        schema=dict.fromkeys(("store", "region", "store_format", "cluster"), pl.String),
    )


def demand(paces: dict[str, float], *, at: int, store: str = "0042") -> pl.DataFrame:
    """Eight weeks of steady demand up to week `at`, per product."""
    rows = [(week(at - i), store, product, pace) for product, pace in paces.items() for i in range(8)]
    return pl.DataFrame(rows, schema=["week", "store", "product", "units"], orient="row")


def moved(
    demand: pl.DataFrame, places: pl.DataFrame, previous: pl.DataFrame | None, *, cutoff: date
) -> pl.DataFrame:
    """The rows that a week's decision adds."""
    recent = sold(demand, cutoff=cutoff, settings=SETTINGS.mover)
    return movers(recent, places, previous, cutoff=cutoff, settings=SETTINGS)


def steady(**paces: float) -> dict[str, float]:
    """Four products that stand still, two fast and two slow, with a median of 10, and others."""
    return {"a": 100.0, "b": 50.0, "y": 2.0, "z": 1.0} | paces


def decided(
    *weekly: dict[str, float], membership: pl.DataFrame | None = None, shops: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The membership table after deciding at weeks 8, 9, … on these paces."""
    rows = [] if membership is None else [membership]
    for i, paces in enumerate(weekly):
        previous = pl.concat(rows) if rows else None
        rows.append(
            moved(
                demand(paces, at=8 + i),
                stores("0042") if shops is None else shops,
                previous,
                cutoff=week(8 + i),
            )
        )
    return pl.concat(rows)


def story(membership: pl.DataFrame, product: str) -> list[str]:
    return membership.filter(pl.col("product") == product).sort("valid_from")["mover"].to_list()


def test_products_at_or_above_the_formats_median_are_fast():
    frame = decided(steady())
    assert frame.columns == MEMBERSHIP.columns
    assert dict(zip(frame["product"], frame["mover"], strict=True)) == {
        "a": "fast",
        "b": "fast",
        "y": "slow",
        "z": "slow",
    }


def test_a_product_that_crosses_once_moves_once():
    frame = decided(*[steady(m=10.0, k=9.0)] * 2, *[steady(m=4.0, k=9.0)] * 3)
    assert story(frame, "m") == ["fast", "slow"]


def test_a_product_that_hovers_around_the_median_does_not_move():
    frame = decided(*[steady(m=pace, k=10.0) for pace in (10.5, 9.5, 10.4, 9.6, 10.5, 9.4)])
    assert story(frame, "m") == ["fast"]


def test_nothing_new_gives_no_rows():
    assert decided(steady(), steady()).filter(pl.col("valid_from") == week(9)).is_empty()


def test_a_week_decided_twice_gives_the_same_rows():
    once = decided(steady(), steady(a=0.5))
    again = moved(demand(steady(a=0.5), at=9), stores("0042"), once, cutoff=week(9))
    assert_frame_equal(again, once.filter(pl.col("valid_from") == week(9)))


def test_a_series_that_moves_is_in_exactly_one_segment_in_every_week():
    frame = decided(steady(m=10.0, k=9.0), steady(m=4.0, k=9.0))
    for number in (8, 9, 20):
        now = membership_at(frame, week(number))
        assert now.select("store", "product").is_unique().all()
        assert now.height == 6
    assert membership_at(frame, week(8)).filter(pl.col("product") == "m")["mover"].item() == "fast"
    assert membership_at(frame, week(9)).filter(pl.col("product") == "m")["mover"].item() == "slow"


def test_before_the_first_decision_nobody_belongs_anywhere():
    assert membership_at(decided(steady()), week(7)).is_empty()


def test_a_new_series_gets_the_class_its_product_has():
    before = decided(steady())
    both = pl.concat([demand(steady(), at=9), demand({"a": 1.0}, at=9, store="0043").tail(1)])
    new = moved(both, stores("0042", "0043"), before, cutoff=week(9))
    assert new.select("store", "product", "mover", "valid_from").rows() == [("0043", "a", "fast", week(9))]


def test_a_product_not_seen_in_the_trailing_weeks_keeps_its_class():
    old = pl.concat([demand(steady(), at=30), demand({"m": 80.0}, at=8)])
    before = decided(steady(m=80.0))
    assert moved(old, stores("0042"), before, cutoff=week(30)).is_empty()


def test_a_store_that_changes_its_region_changes_segment():
    before = decided(steady())
    there = stores("0042", region="south-texas")
    after = moved(demand(steady(), at=9), there, before, cutoff=week(9))
    assert after["region"].unique().to_list() == ["south-texas"]


def test_a_store_that_gets_another_cluster_moves_with_all_its_series_and_keeps_its_classes():
    before = decided(steady(), shops=stores("0042", cluster="c1"))
    there = stores("0042", cluster="c2")
    after = moved(demand(steady(), at=9), there, before, cutoff=week(9))
    assert after["cluster"].unique().to_list() == ["c2"]
    assert after.select("product", "mover").equals(before.select("product", "mover"))


def test_unknown_weeks_do_not_slow_a_product_down():
    gaps = demand(steady(m=60.0), at=8).with_columns(
        pl.when((pl.col("product") == "m") & (pl.col("week") > week(3)))
        .then(None)
        .otherwise("units")
        .alias("units")
    )
    frame = moved(gaps, stores("0042"), None, cutoff=week(8))
    assert story(frame, "m") == ["fast"]


def test_a_workspace_without_store_master_data_has_one_region_and_format():
    frame = moved(demand(steady(), at=8), stores(), None, cutoff=week(8))
    assert frame.select("region", "store_format", "cluster").unique().rows() == [
        ("all", "all", "unclustered")
    ]


def test_a_format_that_sells_nothing_at_all_still_has_its_classes():
    frame = decided({"a": 0.0, "b": 0.0})
    assert frame["mover"].to_list() == ["fast", "fast"]


def test_rows_of_one_series_in_two_frames_add_up():
    """A successor's own weeks, and those it borrowed."""
    frame = demand(steady(m=60.0), at=8)
    halves = [
        sold(half, cutoff=week(8), settings=SETTINGS.mover)
        for half in (frame.filter(pl.col("week") <= week(4)), frame.filter(pl.col("week") > week(4)))
    ]
    whole = moved(frame, stores("0042"), None, cutoff=week(8))
    assert_frame_equal(
        movers(pl.concat(halves), stores("0042"), None, cutoff=week(8), settings=SETTINGS), whole
    )
