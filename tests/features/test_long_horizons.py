"""Horizons of up to a year: how often a week is learned from, and which year its season is read from."""

import numpy as np
import pytest

from fleetcast.domain.week import WEEK
from fleetcast.features.design import MOST_HORIZONS, Design
from fleetcast.settings import FeatureSettings
from fleetcast.testing.shop import COVARIATES, RETURNS_WEEKS, shop

SETTINGS = FeatureSettings(lags=(0,), windows=(4,), seasonal_lags=(26,), harmonics=1)


@pytest.fixture(scope="module")
def far() -> Design:
    made = shop(weeks=80)
    cutoff = made.deliveries["week"].min() + 70 * WEEK
    return Design.of(made.panel(cutoff, horizons=tuple(range(1, 31))), SETTINGS, COVARIATES)


def test_of_many_horizons_each_week_is_learned_from_at_a_share(far):
    learned = far.examples(training=True)
    targets = learned.row.astype(np.int64) * 1000 + learned.week
    counts = np.unique(targets, return_counts=True)[1]
    assert counts.max() <= MOST_HORIZONS
    late = learned.week > 45  # every horizon's origin is past the warm-up
    assert np.unique(targets[late], return_counts=True)[1].min() >= 30 // (MOST_HORIZONS // 2 + 1) - 1
    assert set(np.unique(learned.horizon)) == set(range(1, 31))


def test_few_horizons_are_all_learned_from():
    made = shop(weeks=60)
    cutoff = made.deliveries["week"].min() + 50 * WEEK
    design = Design.of(made.panel(cutoff, horizons=(1, 8, 26)), SETTINGS, COVARIATES)
    learned = design.examples(training=True)
    assert len(learned) == sum(int(design.usable(h).sum()) for h in (1, 8, 26))
    np.testing.assert_array_equal(design.usable(8)[:, 12:], (design.panel.status == 0)[:, 12:])


def test_every_horizon_is_scored(far):
    asked = far.examples(first=far.panel.cutoff + 1, training=False)
    asked = asked.take(asked.week - asked.horizon == far.panel.cutoff)
    assert len(asked) == 30 * len(far.panel)


def test_the_season_of_a_far_horizon_is_that_of_two_years_before(far):
    asked = far.examples(first=far.panel.cutoff + 1, training=False)
    season = asked.X[:, asked.names.index("season26")]
    level = asked.X[:, asked.names.index("level")]
    logs = np.log1p(np.maximum(far.panel.units, 0))
    for horizon in (1, 26 - RETURNS_WEEKS - 1, 26 - RETURNS_WEEKS, 30):
        back = 26 if horizon + RETURNS_WEEKS + 1 <= 26 else 52
        at = np.flatnonzero((asked.horizon == horizon) & (asked.week == far.panel.cutoff + horizon))
        expected = [
            logs[asked.row[i], asked.week[i] - back - 1 : asked.week[i] - back + 2].mean() for i in at
        ]
        np.testing.assert_allclose(season[at] + level[at], expected, atol=1e-5)
