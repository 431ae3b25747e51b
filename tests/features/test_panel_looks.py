"""When a week became known: late files, unheard weeks and second looks, as lags see them."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import WEEK, Looks
from fleetcast.features.panel import build
from fleetcast.testing.shop import RETURNS_WEEKS, shop

SHOP = shop(stores=2, products=2, weeks=30)
CUTOFF = SHOP.deliveries["week"].max()
NEWEST = pl.col("week") == CUTOFF


def panel(deliveries, **more):
    told = replace(SHOP, deliveries=deliveries)
    return build(
        told.demand(CUTOFF),
        SHOP.series,
        cutoff=CUTOFF,
        horizons=(1,),
        deliveries=deliveries,
        returns=SHOP.returns,
        returns_weeks=RETURNS_WEEKS,
        **more,
    )


def late(by):
    """Deliveries whose newest week became known that much after the fleet looked at it."""
    moment = Looks(2).at(CUTOFF) + by
    known = pl.when(NEWEST).then(pl.lit(moment).dt.cast_time_unit("us")).otherwise("known_at")
    return SHOP.deliveries.with_columns(known.alias("known_at"))


def test_a_week_known_in_time_is_seen_at_once():
    made = panel(SHOP.deliveries)
    assert np.isfinite(made.seen[0][:, made.cutoff]).all()


def test_a_week_known_too_late_is_unknown_to_lags_and_not_zero():
    made = panel(late(timedelta(hours=1)))
    assert np.isnan(made.seen[0][:, made.cutoff]).all()
    assert np.isfinite(made.seen[0][:, made.cutoff - 1]).all()


def test_a_week_that_came_with_a_later_look_is_seen():
    by = timedelta(hours=1)
    made = panel(late(by), received=[Looks(2).at(CUTOFF) + by])
    assert np.array_equal(made.seen[0], panel(SHOP.deliveries).seen[0], equal_nan=True)


def test_a_look_in_the_week_after_does_not_count_for_this_one():
    made = panel(late(WEEK), received=[Looks(2).at(CUTOFF) + WEEK])
    assert np.isnan(made.seen[0][:, made.cutoff]).all()


@pytest.mark.parametrize(("absent", "found"), [("zero", 0.0), ("unknown", None)])
def test_a_series_without_a_row_in_a_week_others_have_is_zero_or_unknown_as_its_source_says(absent, found):
    gone = NEWEST & (pl.col("store") == "S00") & (pl.col("product") == "00000")
    made = panel(SHOP.deliveries.filter(~gone), absent=absent)
    row = (
        made.series.select((pl.col("store") == "S00") & (pl.col("product") == "00000"))
        .to_series()
        .arg_true()[0]
    )
    seen = made.seen[0][row, made.cutoff]
    assert seen <= 0 if found is not None else np.isnan(seen)
    others = np.delete(made.seen[0][:, made.cutoff], row)
    assert np.isfinite(others).all()
    assert (others > 0).all()


def test_looks_follow_each_other_whatever_was_received():
    received = [Looks(2).at(CUTOFF) + timedelta(days=day) for day in (-9, -1, 0, 3, 6, 8)]
    looks = Looks.of(2, received)
    moments = [looks.at(CUTOFF + n * WEEK) for n in range(-3, 3)]
    assert moments == sorted(set(moments))
    assert looks.at(CUTOFF) == received[4]
