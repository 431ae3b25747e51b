"""The benchmark of detection, in a quick form: bounds are wide where few fleets are simulated."""

import numpy as np
import pytest

from benchmarks import detection


@pytest.mark.slow
def test_twelve_points_more_are_found_in_four_weeks_and_false_alarms_are_rare():
    found = detection.alarm_figures(detection.RETAILER, 2, history=60, watched=10)
    assert found["found_in_4_weeks"] >= 85
    assert found["weeks_to_find_median"] <= 3
    assert found["false_alarms_a_week"] <= 0.6


@pytest.mark.slow
def test_thresholds_of_drift_hold_their_rate_at_any_sample_size_and_a_fixed_one_does_not():
    found = {one["rows"]: one for one in detection.drift_figures(3, past=56, wave=0.0)}
    assert all(1 <= one["at_5"] <= 12 for one in found.values())
    assert found[1000]["half_a_deviation_found"] >= 95
    assert found[50]["psi_over_0.1"] > 40 > found[1000]["psi_over_0.1"]


def test_simulated_errors_behave_as_those_of_the_backtest():
    made = [detection.simulated(detection.RETAILER, 120, np.random.default_rng(seed)) for seed in range(4)]
    logs = np.log(np.concatenate(made))
    apart = logs - logs.mean(axis=1, keepdims=True)
    scaled = apart / apart.std(axis=1, keepdims=True)
    alike = [
        np.corrcoef(fleet)[np.triu_indices(len(fleet), 1)].mean() for fleet in np.split(scaled, len(made))
    ]
    assert 0.15 < np.exp(logs[0::2].mean()) < 0.20  # fast
    assert 0.25 < np.exp(logs[1::2].mean()) < 0.31  # slow
    assert 0.11 < apart.std() < 0.16
    assert 0.05 < np.mean(alike) < 0.25
    assert 0.2 < (scaled**3).mean() < 0.8
    assert 0.0 < (scaled[:, 1:] * scaled[:, :-1]).mean() < 0.2
