"""A segment with more weeks than a model needs is learned from at fewer horizons, but from every week."""

import numpy as np
import pytest

from fleetcast.domain.week import WEEK
from fleetcast.features import design as designs
from fleetcast.features.design import Design
from fleetcast.settings import FeatureSettings
from fleetcast.testing.shop import COVARIATES, shop

SETTINGS = FeatureSettings(lags=(0,), windows=(4,), seasonal_lags=(), harmonics=1)


@pytest.fixture
def design() -> Design:
    made = shop(weeks=60)
    cutoff = made.deliveries["week"].min() + 50 * WEEK
    return Design.of(made.panel(cutoff, horizons=(1, 2, 3, 4)), SETTINGS, COVARIATES)


def test_a_large_segment_learns_from_every_week_at_turning_horizons(design, monkeypatch):
    everything = design.examples(training=True)
    monkeypatch.setattr(designs, "ENOUGH", len(everything) // 8)
    some = design.examples(training=True)

    def weeks(examples):
        past = examples.week > 20  # every horizon's origin is past the warm-up
        return set(zip(examples.row[past].tolist(), examples.week[past].tolist(), strict=True))

    assert weeks(some) == weeks(everything)
    counts = np.bincount(some.horizon)[1:]
    assert counts.min() > 0.2 * len(some)
    assert len(some) < 0.3 * len(everything)


def test_its_ledger_still_closes(design, monkeypatch):
    before = design.ledger()
    monkeypatch.setattr(designs, "ENOUGH", 100)
    after = design.ledger()
    assert after["conditioned"] == before["conditioned"]
    parts = [n for reason, n in after.items() if reason != "conditioned"]
    assert sum(parts) == after["conditioned"]


def test_what_is_scored_is_scored_at_every_horizon(design, monkeypatch):
    before = len(design.ahead())
    monkeypatch.setattr(designs, "ENOUGH", 100)
    assert len(design.ahead()) == before
