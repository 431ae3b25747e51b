from datetime import date, timedelta
from itertools import pairwise

from fleetcast.domain.seeds import seed
from fleetcast.training.origins import origins, walked

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


def test_a_first_training_walks_up_to_the_cutoff_so_that_later_weeks_have_nothing_to_make_up_for():
    reach = {"rounds": 8, "longest": 4, "open_weeks": 3}
    first = walked(CUTOFF, **reach)
    assert first[:8] == origins(CUTOFF, **reach)
    assert first[-1] == CUTOFF - timedelta(weeks=1)
    assert all(b - a == timedelta(weeks=1) for a, b in pairwise(first))
    then = walked(CUTOFF + timedelta(weeks=1), **reach)
    assert [origin for origin in then if origin > CUTOFF] == []
    assert set(then) <= {*first, CUTOFF}


def test_of_a_year_ahead_the_rounds_that_wait_for_their_weeks_are_as_many_as_the_judged_ones():
    first = walked(CUTOFF, rounds=8, longest=52, open_weeks=3)
    assert len(first) <= 2 * 8
    gaps = [b - a for a, b in pairwise(first)]
    assert max(gaps) <= timedelta(weeks=8)
    assert first[-1] < CUTOFF


def test_a_seed_comes_from_what_is_fitted_and_from_nothing_else():
    assert seed(1, "a", "net") == seed(1, "a", "net")
    assert len({seed(1, "a"), seed(1, "b"), seed(2, "a"), seed(1, "a", "net"), seed(1, "an", "et")}) == 5
    assert all(0 <= seed(1, str(n)) < 2**31 for n in range(100))
