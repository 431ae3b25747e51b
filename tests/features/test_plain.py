"""Features that are made at once and kept in shared tables are those that a loop over an example's weeks finds."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.features.plain import Plain

from fleetcast.domain.week import WEEK
from fleetcast.features.borrowing import lend
from fleetcast.features.column import Table
from fleetcast.features.design import Design
from fleetcast.features.panel import LENT, Panel
from fleetcast.settings import FeatureSettings
from fleetcast.testing.shop import COVARIATES, PROMOTIONS, shop

SETTINGS = FeatureSettings(lags=(0, 1, 4), windows=(1, 4, 13, 26), seasonal_lags=(26,), harmonics=2)
CROSSED = {**COVARIATES, "promotions": PROMOTIONS.model_copy(update={"cross": ("price",)})}


def gappy(*, horizons: tuple[int, ...], shared: bool) -> Panel:
    """A shop of returns, gaps, newcomers, plans with holes (`shared`: by product alone), a past covariate, a successor."""
    random = np.random.default_rng(7)
    made = shop(weeks=70)
    cutoff = made.deliveries["week"].min() + 62 * WEEK
    panel = made.panel(cutoff, horizons=horizons)
    S, W = panel.units.shape
    gap = random.random((S, W)) < 0.2
    gap[0], gap[1, :50], gap[5, :40] = True, True, True
    zero = random.random((S, W)) < 0.1
    units = np.where(gap, np.nan, np.where(zero, 0, panel.units))
    known = {
        name: np.where(random.random((S, W)) < 0.1, np.nan, values).astype(np.float32)
        for name, values in panel.known.items()
    }
    known["promotions.price"][3] = np.nan
    if shared:
        known = {name: values[np.arange(S) % 4] for name, values in known.items()}
    traffic = np.where(random.random((S, W)) < 0.4, np.nan, random.normal(5, 1, (S, W)))
    panel = replace(
        panel,
        units=units,
        seen=np.where(gap, np.nan, panel.seen),
        status=np.where(gap, 1, panel.status).astype(np.uint8),
        given=panel.given & ~gap,
        known=known,
        past={"footfall.traffic": traffic.astype(np.float32)},
    )
    succeeds = pl.DataFrame(
        [
            {"week": week, "store": "S01", "product": "00001", "predecessor": "00000"}
            for week in panel.weeks[:40]
        ],
        schema=LENT,
    )
    return lend(panel, succeeds)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("horizons", [(1, 2), (3, 30, 1)])
def test_features_are_what_a_loop_over_the_weeks_finds(horizons, shared):
    panel = gappy(horizons=horizons, shared=shared)
    design = Design.of(panel, SETTINGS, CROSSED)
    examples = design.examples(training=False)
    plain = Plain(panel, SETTINGS, CROSSED)
    names = [name for name in examples.names if name != "alike"]
    at = [examples.names.index(name) for name in names]
    drawn = np.random.default_rng(1).choice(len(examples), 80, replace=False)
    assert panel.waiting[examples.row[drawn], examples.week[drawn] - examples.horizon[drawn]].any()
    for n in drawn:
        expected = plain.features(int(examples.row[n]), int(examples.week[n]), int(examples.horizon[n]))
        assert set(expected) == set(names)
        found = examples.X[n, at]
        np.testing.assert_allclose(
            found, [expected[name] for name in names], rtol=1e-5, atol=1e-5, err_msg=str(names)
        )


def test_windows_that_are_longer_than_the_history_are_of_all_its_weeks():
    made = shop(weeks=14)
    settings = FeatureSettings(lags=(0, 20), windows=(4, 13, 26, 52), seasonal_lags=(52,), harmonics=1)
    panel = made.panel(made.deliveries["week"].min() + 9 * WEEK, horizons=(1, 2))
    examples = Design.of(panel, settings, COVARIATES).examples(training=False)
    plain = Plain(panel, settings, COVARIATES)
    names = [name for name in examples.names if name != "alike"]
    at = [examples.names.index(name) for name in names]
    for n in range(len(examples)):
        expected = plain.features(int(examples.row[n]), int(examples.week[n]), int(examples.horizon[n]))
        np.testing.assert_allclose(
            examples.X[n, at], [expected[name] for name in names], rtol=1e-5, atol=1e-5, err_msg=str(names)
        )


@pytest.mark.parametrize("last", [None, 40])
def test_examples_of_a_segment_come_horizon_by_horizon_then_series_then_week(last):
    design = Design.of(gappy(horizons=(2, 1), shared=True), SETTINGS, CROSSED)
    rows = np.arange(len(design.panel)) % 3 == 1
    examples = design.examples(rows=rows, first=9, last=last, training=True)
    expected = [
        (h, s, w)
        for h in (2, 1)
        for s, w in zip(*np.nonzero(design.usable(h)), strict=True)
        if rows[s] and 9 <= w <= (last or design.panel.cutoff)
    ]
    found = zip(examples.horizon.tolist(), examples.row.tolist(), examples.week.tolist(), strict=True)
    assert list(found) == expected
    np.testing.assert_array_equal(examples.units, design.panel.units[examples.row, examples.week])


def test_what_is_scored_are_the_weeks_after_the_cutoff_as_any_weeks_are_read():
    design = Design.of(gappy(horizons=(1, 2), shared=False), SETTINGS, CROSSED)
    every, ahead = design.examples(training=False), design.ahead()
    asked = every.take(every.week - every.horizon == design.panel.cutoff)
    np.testing.assert_array_equal(ahead.X, asked.X)
    for name in ("horizon", "row", "week", "store", "product", "week_of_year"):
        np.testing.assert_array_equal(getattr(ahead, name), getattr(asked, name))


def test_a_table_keeps_equal_rows_once_and_gives_every_series_its_own():
    random = np.random.default_rng(1)
    one, two = random.normal(size=(2, 3, 4, 9)).astype(np.float32)[:, :, [0, 1, 1, 3, 0]]
    two[:, 4] += 1
    table = Table.of(one, two)
    assert table.values.shape == (3, 4, 9, 2)
    first, second = table.cells
    np.testing.assert_array_equal(first.spread, one)
    np.testing.assert_array_equal(second.spread, two)
