"""The peer of the orange-juice benchmark takes part in a backtest."""

from dataclasses import replace

import numpy as np
from benchmarks.microsoft_lightgbm import MicrosoftLightGBM

from benchmarks import microsoft_lightgbm
from fleetcast.backtesting.origin import Origin
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design
from fleetcast.testing.shop import COVARIATES, FEATURES, SETTINGS, shop

SHOP = shop(stores=3, products=3, weeks=50)
LAST = SHOP.deliveries["week"].max()


def origin() -> Origin:
    panel = SHOP.panel(LAST)
    leaflet = np.zeros_like(panel.known["promotions.deal"])
    panel = replace(panel, known={**panel.known, "promotions.feat": leaflet})
    return Origin(Design.of(panel, FEATURES, COVARIATES), SETTINGS)


def test_the_peer_forecasts_each_series_and_horizon_once(monkeypatch):
    monkeypatch.setattr(microsoft_lightgbm, "TREES", 3)
    now = origin()
    rows, _ = MicrosoftLightGBM(since=now.cutoff).forecast(now, None)
    assert rows.height == len(now.ahead)
    assert rows["mape"].is_finite().all()


def test_before_its_first_origin_the_peer_says_nothing():
    now = origin()
    rows, _ = MicrosoftLightGBM(since=now.cutoff + WEEK).forecast(now, None)
    assert not rows.height
