from datetime import date, timedelta
from itertools import pairwise

from fleetcast.domain.seeds import seed
from fleetcast.training.origins import origins

CUTOFF = date(2026, 11, 9)


def test_every_week_of_a_round_is_final_at_the_cutoff():
    planned = origins(CUTOFF, rounds=8, longest=4, open_weeks=3)
    assert len(planned) == 8
    assert planned[-1] + timedelta(weeks=4 + 3) == CUTOFF
    assert all(b - a == timedelta(weeks=1) for a, b in pairwise(planned))


def test_a_week_later_one_round_comes_and_one_goes():
    now = origins(CUTOFF, rounds=8, longest=4, open_weeks=3)
    then = origins(CUTOFF + timedelta(weeks=1), rounds=8, longest=4, open_weeks=3)
    assert then[:-1] == now[1:]


def test_a_seed_comes_from_what_is_fitted_and_from_nothing_else():
    assert seed(1, "a", "net") == seed(1, "a", "net")
    assert len({seed(1, "a"), seed(1, "b"), seed(2, "a"), seed(1, "a", "net"), seed(1, "an", "et")}) == 5
    assert all(0 <= seed(1, str(n)) < 2**31 for n in range(100))
