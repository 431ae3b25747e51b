from itertools import permutations

import numpy as np
import pytest

from fleetcast.trial import matching


def apart(places):
    places = np.asarray(places, dtype=float)
    return np.abs(places[:, None] - places[None, :])


def total(distance, pairs):
    return sum(distance[a, b] for a, b in pairs)


def cheapest(distance):
    """The best total there is, by looking at every pairing."""
    size = len(distance)
    return min(
        total(distance, [(order[k], order[k + 1]) for k in range(0, size - 1, 2)])
        for order in permutations(range(size))
    )


def test_alike_stores_are_paired_and_the_odd_one_is_left_out():
    assert matching.pairs(apart([10, 1, 30, 2, 11])) == [(0, 4), (1, 3)]


def test_closest_first_alone_would_be_worse():
    # 1–2 is the closest pair, and taking it leaves 0 and 10 to each other
    assert matching.pairs(apart([0, 1.5, 2.4, 10])) == [(0, 1), (2, 3)] or total(
        apart([0, 1.5, 2.4, 10]), matching.pairs(apart([0, 1.5, 2.4, 10]))
    ) == pytest.approx(9.1)


@pytest.mark.parametrize("size", [6, 7])
def test_the_total_distance_is_at_most_a_twentieth_above_the_best_there_is(size):
    random = np.random.default_rng(size)
    ratios = []
    for _ in range(25):
        points = random.normal(size=(size, 3))
        distance = np.linalg.norm(points[:, None] - points[None, :], axis=2)
        ratios.append(total(distance, matching.pairs(distance)) / cheapest(distance))
    assert np.mean(ratios) <= 1.02
    assert max(ratios) <= 1.2


def test_every_store_is_in_one_pair_at_most():
    points = np.random.default_rng(1).normal(size=(101, 4))
    found = matching.pairs(np.linalg.norm(points[:, None] - points[None, :], axis=2))
    assert len(found) == 50
    assert len({store for pair in found for store in pair}) == 100


def test_of_more_stores_than_asked_for_the_closest_pairs_are_taken():
    assert matching.pairs(apart([0, 5, 100, 101, 200, 203]), most=2) == [(2, 3), (4, 5)]


def test_pairs_are_made_within_strata_and_each_gives_its_part():
    strata = ["a"] * 8 + ["b"] * 4 + ["c"]
    found = matching.in_strata(apart(range(13)), strata, most=3)
    assert [strata[a] + strata[b] for a, b in found] == ["aa", "aa", "bb"]


@pytest.mark.parametrize("size", [0, 1])
def test_nobody_to_pair_with_is_no_pair(size):
    assert matching.pairs(apart(range(size))) == []
