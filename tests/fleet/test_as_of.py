"""A forecast knows what was known, whatever became known since: told through the history a worker reads."""

from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import Looks
from fleetcast.features.design import Design
from fleetcast.features.view import panel_at
from fleetcast.lake.history import read_history
from fleetcast.testing.kiosks import LAST, opened

CUTOFF = LAST - timedelta(weeks=9)


@pytest.fixture(scope="module")
def seen(finished_retailer):
    w = opened(finished_retailer)
    live = w.registry.releases.current()
    assert live is not None
    snapshot = w.lake.snapshot(w.tables.values())
    history = read_history(w.lake, snapshot, partition="north-texas", cutoff=LAST, covariates=w.covariates)
    history = replace(
        history, deliveries=later_begun(history.deliveries), returns=later_begun(history.returns)
    )
    when = Looks(2).at(CUTOFF) + timedelta(days=3)
    announced = history.events.head(1).with_columns(
        first=pl.lit(CUTOFF + timedelta(days=9)),
        last=pl.lit(CUTOFF + timedelta(days=11)),
        known_at=pl.lit(when).dt.cast_time_unit("us"),
    )
    return w, replace(
        history,
        events=pl.concat([history.events, announced]),
        products=pl.concat([history.products, *successions(history, when)]),
    )


EARLY, LATE = (
    "00190",
    "00227",
)  # both come after 00042: of one it is always known, of the other it is told late


def later_begun(frame):
    return frame.filter(~((pl.col("product") == EARLY) & (pl.col("week") < CUTOFF - timedelta(weeks=30))))


def successions(history, when):
    for product, known_at in ((EARLY, pl.col("known_at")), (LATE, pl.lit(when))):
        rows = history.products.filter(pl.col("product") == product)
        yield rows.with_columns(replaces=pl.lit("00042"), known_at=known_at.dt.cast_time_unit("us"))


def design(w, history, cutoff=CUTOFF):
    panel = panel_at(history, cutoff, w.tables, settings=w.settings)
    return Design.of(panel, w.settings.training.features, w.settings.covariates)


def values(made):
    panel = made.panel
    train = made.examples(training=True)
    ahead = made.examples(first=panel.cutoff + 1, training=False)
    return {
        "train": train.X,
        "units": train.units,
        "ahead": ahead.X,
        "panel": panel.units,
        "line": panel.series["line"].to_numpy(),
        "seen": panel.seen,
        "status": panel.status,
    }


def otherwise(frame, moment):
    """Every number and day that became known after a moment is another one, and nothing replaces anything; keys stay."""
    later = pl.col("known_at") > moment
    numbers = [name for name, kind in frame.schema.items() if kind == pl.Float64]
    days = [name for name in ("closed", "delisted", "last") if name in frame.columns]
    texts = [name for name in ("replaces",) if name in frame.columns]
    return frame.with_columns(
        *(pl.when(~later).then(name).alias(name) for name in texts),
        *(pl.when(later).then(pl.col(name) * 3 + 7).otherwise(name).alias(name) for name in numbers),
        *(
            pl.when(later).then(pl.lit(CUTOFF - timedelta(weeks=20))).otherwise(name).alias(name)
            for name in days
        ),
    )


def forgotten(frame, moment):
    return frame.filter(pl.col("known_at") <= moment)


def changed(history, change):
    moment = Looks(2).at(CUTOFF)
    others = ("membership", "covariates", "received", "version")
    bitemporal = [f.name for f in fields(history) if f.name not in others]
    tables = {name: change(getattr(history, name), moment) for name in bitemporal}
    covariates = {name: change(frame, moment) for name, frame in history.covariates.items()}
    return replace(history, **tables, covariates=covariates)


@pytest.mark.parametrize("change", [otherwise, forgotten])
def test_what_became_known_after_a_cutoff_moves_nothing_before_it(seen, change):
    w, history = seen
    other = changed(history, change)
    for name in ("deliveries", "returns", "weather", "events"):
        assert not getattr(other, name).equals(getattr(history, name)), name
    assert not other.covariates["promotions"].equals(history.covariates["promotions"])
    before, after = values(design(w, history)), values(design(w, other))
    for name, array in before.items():
        assert np.array_equal(array, after[name], equal_nan=array.dtype.kind == "f"), name
    assert before["train"].shape[0] > 1000


def test_the_same_change_does_move_the_cutoff_that_knows_it(seen):
    w, history = seen
    before, after = design(w, history, LAST), design(w, changed(history, otherwise), LAST)
    assert not np.array_equal(before.panel.units, after.panel.units, equal_nan=True)


def test_a_correction_is_used_from_the_look_at_which_it_is_known(seen):
    w, history = seen
    when = Looks(2).at(CUTOFF) + timedelta(hours=1)  # an hour too late for this cutoff
    week = CUTOFF - timedelta(weeks=5)
    told = history.deliveries.filter(pl.col("week") == week).with_columns(
        pl.col("delivered") * 10, pl.lit(when).dt.cast_time_unit("us").alias("known_at")
    )
    corrected = replace(history, deliveries=pl.concat([history.deliveries, told]))
    column = design(w, history).panel.weeks.index(week)
    units = [
        design(w, h, cutoff).panel.units[:, column]
        for cutoff in (CUTOFF, CUTOFF + timedelta(weeks=1))
        for h in (history, corrected)
    ]
    assert np.array_equal(units[0], units[1], equal_nan=True)
    assert np.nansum(units[3]) > 5 * np.nansum(units[2])
    # unless the fleet looked again that week, because the file with it came in
    looked = replace(corrected, received=(when,))
    assert np.nansum(design(w, looked).panel.units[:, column]) > 5 * np.nansum(units[0])


def test_a_succession_counts_from_the_look_at_which_it_is_known(seen):
    w, history = seen
    for week, known in ((CUTOFF, {EARLY}), (LAST, {EARLY, LATE})):
        panel = panel_at(history, week, w.tables, settings=w.settings)
        assert set(panel.series["product"].filter(panel.waiting.any(axis=1))) == known
        assert set(panel.series.filter(pl.col("line") != pl.col("product"))["product"]) == known
