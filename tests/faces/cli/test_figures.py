from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.faces.cli.figures import count, day, duration, number, share, short


def test_a_share_has_one_decimal():
    assert share(0.4523) == "45.2 %"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.4504, "45.04 %"),
        (0.44996, "44.996 %"),
        (0.45, "45.0 %"),
        (0.4500001, "45.00001 %"),
        (0.46, "46.0 %"),
    ],
)
def test_a_share_is_never_rounded_onto_its_gate(value, shown):
    assert share(value, gates=[0.45]) == shown


def test_a_skill_just_below_nothing_does_not_show_as_nothing():
    assert share(-0.0003, gates=[0.0], signed=True) == "−0.03 %"


@given(st.floats(-3, 3).map(lambda v: round(v, 7)), st.floats(0, 1).map(lambda v: round(v, 3)))
def test_a_figure_stands_on_the_same_side_of_its_gate_as_the_value(value, gate):
    shown = float(share(value, gates=[gate]).removesuffix(" %").replace("−", "-"))
    gap, shown_gap = value - gate, shown - gate * 100
    assert (abs(gap) < 1e-9) == (abs(shown_gap) < 1e-7)
    assert abs(gap) < 1e-9 or (gap > 0) == (shown_gap > 0)


def test_what_is_missing_is_a_dash():
    shown = {count(None), share(None), share(float("nan")), number(None), day(None), short(None)}
    assert shown == {"–"}


def test_counts_dates_durations_read_like_prose():
    assert (count(67200), day(date(2026, 11, 16)), duration(252)) == ("67,200", "16 Nov 2026", "4 min 12 s")
