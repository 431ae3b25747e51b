from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleetcast import workspace
from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.tables import FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import explanations
from fleetcast.workspace import Workspace

SEGMENT = "north-texas/large/fast"


@pytest.fixture
def w(finished_retailer) -> Workspace:
    return workspace.open(finished_retailer)


@pytest.fixture
def published(w) -> pl.DataFrame:
    return w.lake.read(FORECASTS, where=pl.col("segment") == SEGMENT).sort("store", "product", "week")


def test_a_segment_says_what_drives_it_and_what_would_move_it(w, published):
    told = explanations.segment_explained(w, SEGMENT)
    assert told.forecasts == published.height
    assert {driver.name for driver in told.drivers} >= {"level", "recent weeks", "promotions", "events"}
    price = next(effect for effect in told.effects if effect.change == "price −10 %")
    assert 0.1 < price.effect < 0.4  # planted: about 23 %


def test_a_published_forecast_is_taken_apart_to_the_unit(w, published):
    for row in published.sample(5, seed=1).iter_rows(named=True):
        told = explanations.forecast_explained(w, SEGMENT, row["store"], row["product"], week=row["week"])
        assert told.forecast == pytest.approx(row["median"], rel=1e-5)
        assert told.published == row["median"]
        total = np.log1p(told.average) + sum(part.logs for part in told.drivers)
        assert np.expm1(total) == pytest.approx(row["median"], rel=1e-5)


def test_without_a_week_the_first_one_ahead_is_meant(w, published):
    row = published.row(0, named=True)
    told = explanations.forecast_explained(w, SEGMENT, row["store"], row["product"])
    assert (told.week, told.horizon) == (row["cycle"] + WEEK, 1)


def test_a_segment_nobody_forecasts_is_a_usage_error_that_names_the_others(w):
    with pytest.raises(UsageError, match=SEGMENT):
        explanations.segment_explained(w, "mars/large/fast")


def test_a_forecast_nobody_made_is_a_usage_error(w, published):
    row = published.row(0, named=True)
    with pytest.raises(UsageError, match=f"no forecast for product '7{row['product']}'.*{row['product']}"):
        explanations.forecast_explained(w, SEGMENT, row["store"], f"7{row['product']}")
    with pytest.raises(UsageError, match=rf"no store 'nowhere'.*{row['store'][:3]}"):
        explanations.forecast_explained(w, SEGMENT, "nowhere", row["product"])
    with pytest.raises(UsageError, match="is none of them"):
        explanations.forecast_explained(w, SEGMENT, row["store"], row["product"], week=row["cycle"])


def test_a_segment_that_its_baseline_serves_has_no_ensemble_to_explain(w):
    live = w.registry.releases.current().manifest
    member = replace(live.members[SEGMENT], serving="baseline", reason="mape 0.5 is over 0.45")
    red = replace(live, members={**live.members, SEGMENT: member})
    with pytest.raises(UsageError, match=r"its baseline serves it \(mape 0.5 is over 0.45\)"):
        explanations.serving(red, SEGMENT)


def test_a_model_that_is_damaged_is_said_to_be(retailer):
    w = workspace.open(retailer)
    member = w.registry.releases.current().manifest.members[SEGMENT]
    (stored,) = (path for path in (w.state / "bank").rglob("*") if member.artefact in path.name)
    stored.chmod(0o600)
    content = stored.read_bytes()
    stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CorruptError, match="cannot be loaded"):
        explanations.segment_explained(w, SEGMENT)
