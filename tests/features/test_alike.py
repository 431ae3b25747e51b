"""Weeks that are alike: compared once for all series that know the same ahead, and summed as one by one."""

import numpy as np
import pytest

from fleetcast.features.alike import FARTHEST, LEVEL_WEIGHT, alike
from fleetcast.features.sharing import joint, shared

MEMORY = 9.0


def one_by_one(logs, level, known, horizons, open_weeks):
    """The definition, word for word."""
    S, W = logs.shape
    out = np.zeros((len(horizons), S, W))
    for k, horizon in enumerate(horizons):
        for s in range(S):
            for t in range(horizon + open_weeks, W):
                origin, total, weight = t - horizon, 0.0, LEVEL_WEIGHT
                for v in range(origin - open_weeks + 1):
                    apart = ((known[:, s, t] - known[:, s, v]).astype(np.float64) ** 2).sum()
                    if apart < FARTHEST and not np.isnan(logs[s, v]):
                        w = np.exp(-0.5 * apart) * 0.5 ** ((origin - v) / MEMORY)
                        total += w * (logs[s, v] - level[s, origin])
                        weight += w
                out[k, s, t] = total / weight
    return out


@pytest.mark.parametrize("horizons", [(1,), (1, 2, 3, 4), (5, 2, 11)])
@pytest.mark.parametrize("open_weeks", [0, 2])
@pytest.mark.parametrize("kinds", [1, 4, 9])
def test_weeks_alike_are_summed_as_one_by_one(horizons, open_weeks, kinds):
    random = np.random.default_rng(kinds)
    S, W = 9, 130  # more weeks than are summed at once
    logs = random.normal(3, 1, (S, W))
    logs[random.random((S, W)) < 0.2] = np.nan
    logs[:, -max(horizons) :] = np.nan
    logs[0] = np.nan
    level = random.normal(3, 1, (S, W)).astype(np.float32)
    plans = random.normal(0, 2, (3, kinds, W)).astype(np.float32)
    plans[2] = plans[2] > 0
    kind = random.integers(0, kinds, S)
    found = alike(logs, level, plans, kind, np.array(horizons), open_weeks=open_weeks, memory=MEMORY)
    expected = one_by_one(logs, level, plans[:, kind], horizons, open_weeks)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for since in (1, 50, 127):
        some = level[:, max(0, since - max(horizons)) :]
        late = alike(
            logs, some, plans, kind, np.array(horizons), open_weeks=open_weeks, memory=MEMORY, since=since
        )
        np.testing.assert_array_equal(late, found[:, :, since:])


def test_rows_are_of_one_kind_where_every_number_is_equal():
    random = np.random.default_rng(1)
    rows = random.normal(size=(4, 7)).astype(np.float32)
    rows[1, 3] = np.nan
    rows[2] = rows[0]
    rows[2, 6] += 1
    drawn = random.integers(0, 4, 50)
    first, kind = shared(rows[drawn])
    assert len(first) == 4
    np.testing.assert_array_equal(rows[drawn], rows[drawn][first][kind])
    stacked = np.stack([rows[drawn], np.zeros((50, 7), np.float32)])
    np.testing.assert_array_equal(shared(stacked)[1], kind)


def test_two_codes_together_tell_series_apart():
    first, kind = joint([np.array([0, 0, 1, 1, 0]), np.array([5, 6, 5, 5, 5])])
    assert first.tolist() == [0, 1, 2]
    assert kind.tolist() == [0, 1, 2, 2, 0]
