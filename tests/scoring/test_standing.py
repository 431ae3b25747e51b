from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fleetcast.scoring.standing import TROUBLES, Look, Standing, followed, judged

FIRST = date(2026, 1, 5)
FOUND = {".": "", "x": "output_gate", "?": None}


def looks(found: str, champion: str = "m1") -> list[Look]:
    """Weeks in which a champion was good (.), bad (x) or not looked at (?)."""
    return [Look(FIRST + timedelta(weeks=n), champion, FOUND[one]) for n, one in enumerate(found)]


def states(found: list[Look], good_cycles: int = 2) -> list[str]:
    whole = (followed(found[: n + 1], good_cycles=good_cycles) for n in range(len(found)))
    return [one.state for one in whole if one is not None]


def test_a_champion_that_failed_serves_again_after_two_good_weeks_in_a_row():
    assert states(looks(".x.x..")) == ["serves", "failed", "on_probation", "failed", "on_probation", "serves"]


def test_where_one_good_week_is_enough_it_serves_at_once():
    assert states(looks("x."), good_cycles=1) == ["failed", "serves"]


def test_a_new_champion_serves_at_once_whatever_became_of_the_one_before():
    failed = looks("xx.")
    new = Look(FIRST + timedelta(weeks=3), "m2")
    assert states([*failed, new])[-2:] == ["on_probation", "serves"]


def test_a_week_in_which_nobody_looked_changes_nothing():
    assert states(looks("x?.?.")) == ["failed", "failed", "on_probation", "on_probation", "serves"]


def test_it_is_told_since_when_a_champion_does_not_serve_and_how_often_it_was_good():
    found = followed(looks(".xx.x.."), good_cycles=3)
    assert found == Standing("m1", "on_probation", "on_probation", FIRST + timedelta(weeks=1), 2)


weeks = st.lists(
    st.tuples(st.sampled_from(["m1", "m2"]), st.sampled_from(["", "output_gate", None])), max_size=30
)


def played(drawn: list[tuple[str, str | None]], good_cycles: int) -> list[tuple[Look, Standing]]:
    found, before = [], None
    for number, (champion, trouble) in enumerate(drawn):
        look = Look(FIRST + timedelta(weeks=number), champion, trouble)
        before = judged(before, look, good_cycles=good_cycles)
        found.append((look, before))
    return found


@given(weeks, st.integers(1, 4))
def test_the_same_champion_never_comes_back_before_it_was_good_for_as_many_cycles_as_asked(
    drawn, good_cycles
):
    good: dict[str, int] = {}  # since it failed
    for number, (look, after) in enumerate(whole := played(drawn, good_cycles)):
        before = whole[number - 1][1] if number else None
        if before is None or before.champion != look.champion:
            good.clear()
        if look.trouble:
            good[look.champion] = 0
        elif look.trouble == "" and look.champion in good:
            good[look.champion] += 1
        if after.state == "serves" and look.champion in good:
            assert good.pop(look.champion) >= good_cycles


@given(weeks, st.integers(1, 4))
def test_a_bad_champion_never_serves_and_a_promoted_good_one_always_does(drawn, good_cycles):
    for number, (look, after) in enumerate(whole := played(drawn, good_cycles)):
        new = number == 0 or whole[number - 1][0].champion != look.champion
        if look.trouble:
            assert after.state == "failed"
        elif new:
            assert after.state == "serves"


@given(weeks, st.integers(1, 4))
def test_every_change_of_state_has_a_reason_that_fits_it(drawn, good_cycles):
    fits = {"serves": {"new", "good_again"}, "failed": TROUBLES, "on_probation": {"on_probation"}}
    for look, after in played(drawn, good_cycles):
        assert after.reason in fits[after.state]
        assert after.since <= look.cycle
