"""The benchmark on the simulated retailer, in its quick form."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import retailer_effects, retailer_oracle
from fleetcast.testing.truth import Law

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "retailer.py"
LAW = Law(surprise=0.06, shape=45.0)


@pytest.fixture(scope="module")
def answer() -> dict[str, object]:
    """The last line of a quick run."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--quick"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_fleet_closes_most_of_the_gap_between_the_historical_mean_and_the_oracle(answer):
    for against in ("demand", "units"):
        assert answer[against]["closed"] >= 50
        assert (
            answer[against]["mape"]["oracle"]
            < answer[against]["mape"]["fleet"]
            < answer[against]["mape"]["mean"]
        )


@pytest.mark.slow
def test_price_and_promotion_are_recovered_even_from_a_small_retailer(answer):
    assert answer["effects"]["price −10 %"]["within"]
    assert answer["effects"]["promotion instead of none"]["recovered"] > 0


@pytest.mark.slow
def test_open_weeks_are_nearer_the_truth_than_what_has_come_back_so_far(answer):
    youngest = answer["late_returns"][0]
    assert youngest["age"] == 0
    assert youngest["wape"] < youngest["wape_face_value"] / 2


@pytest.mark.parametrize("rate", [3.0, 12.0, 60.0])
def test_no_other_number_has_a_smaller_percentage_error_than_the_oracle(rate):
    random = np.random.default_rng(1)
    wild = np.exp(random.normal(0, LAW.surprise, 200_000)) * random.gamma(LAW.shape, 1 / LAW.shape, 200_000)
    units = random.poisson(rate * wild)
    units = units[units > 0]

    def cost(forecast: float) -> float:
        return float((np.abs(units - forecast) / units).mean())

    (best,) = retailer_oracle.oracle(np.array([rate]), LAW)
    assert best < rate
    assert cost(best) <= min(cost(best * factor) for factor in (0.85, 0.93, 1.08, 1.17)) + 1e-9


def test_a_fleet_as_good_as_the_oracle_closes_the_gap_and_one_like_the_mean_nothing():
    rows = pl.DataFrame(
        {
            "week": [1, 1, 2, 2],
            "wanted": [10, 20, 10, 20],
            "mean": [15.0] * 4,
            "oracle": [11.0, 19.0, 9.0, 21.0],
        }
    )
    assert retailer_oracle.closed(rows.with_columns(fleet="oracle"), "wanted")[0] == pytest.approx(1.0)
    assert retailer_oracle.closed(rows.with_columns(fleet="mean"), "wanted")[0] == pytest.approx(0.0)


def test_an_effect_counts_where_it_was_planted_and_within_thirty_percent():
    found = pl.DataFrame(
        {
            "effect": ["fair"] * 3 + ["sale"],
            "segment": ["a", "a", "b", "a"],
            "category": ["chips", "bread", "chips", "chips"],
            "n": [10, 10, 10, 10],
            "planted": [0.2, 0.0, 0.2, 0.2],
            "found": [0.2, 9.0, 0.24, -0.2],
            "lasso": [0.1, 9.0, 0.1, 0.1],
        }
    )
    fair, sale = retailer_effects.pooled(found).to_dicts()
    assert fair["recovered"] == pytest.approx(np.expm1(0.22))
    assert (fair["rows"], fair["within"], sale["within"]) == (20, True, False)
