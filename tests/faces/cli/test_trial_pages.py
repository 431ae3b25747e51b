"""What a trial's design and its reading look like on paper."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fleetcast.faces.cli import trials
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.trials import Designed, Read
from fleetcast.trial.design import Balance, Design, Origin, Pair, Plan
from fleetcast.trial.lift import Lift
from fleetcast.trial.power import Detectable
from fleetcast.trial.reading import Finding, Reading

MONDAY = date(2026, 10, 26)


def designed(*balance: Balance) -> Designed:
    made = Design(
        Origin("dev", "ann", datetime(2026, 10, 21, tzinfo=UTC), {}),
        Plan(stores=10, weeks=8),
        date(2025, 10, 27),
        date(2026, 10, 19),
        (Pair(1, "ohio/large", "A", "B", 0.4),),
        (),
        balance,
        (Detectable("returns", 0.029, 5),),
        0,
    )
    return Designed("ab" * 32, made, (Path("pilot.json"), Path("pilot.csv")))


def found(outcome: str = "returns", *, p: float = 0.04) -> Read:
    levels = (0.313, 0.286, 0.315, 0.316) if outcome == "returns" else (1533.7, 1552.6, 1458.8, 1480.5)
    lift = Lift(20, -0.09, -0.15, -0.02, -0.029, -0.04, -0.01, p, *levels)
    finding = Finding(outcome, True, lift, None, {}, "something fell")
    reading = Reading(MONDAY, (MONDAY,), (), (), 8, 20, (), (finding,), ())
    return Read("ab" * 32, datetime(2026, 10, 21, tzinfo=UTC), "ann", reading)


def test_a_design_ends_with_how_the_trial_is_read_and_when_it_can_start(printed):
    text = printed(trials.designed(designed(), Place("demo")))
    assert "fleetcast trial read pilot.json --from MONDAY --workspace demo" in text
    assert "26 Oct 2026" in text


def test_shares_before_the_trial_are_in_percent(printed):
    text = printed(trials.designed(designed(Balance("returns", 0.319, 0.32, -0.02, 0.23)), Place()))
    assert "31.9 %" in text
    assert "0.319" not in text


@pytest.mark.parametrize(
    ("apart", "shown"), [(0.2504, "+0.2504  "), (-0.2496, "−0.2496  "), (0.3, "+0.30  ")]
)
def test_how_far_groups_are_apart_is_never_rounded_across_what_is_alike(apart, shown, printed):
    assert shown in printed(trials.designed(designed(Balance("sold_out", 0.1, 0.1, apart, 0.2)), Place()))


@pytest.mark.parametrize(
    ("p", "shown"), [(0.1001, "0.1001"), (0.0999, "0.0999"), (0.1, "0.100"), (0.04, "0.040")]
)
def test_a_p_value_is_never_rounded_across_the_level(p, shown, printed):
    assert f" {shown} " in printed(trials.read(found(p=p)))


def test_a_difference_of_shares_is_in_points_and_one_of_sums_in_their_unit(printed):
    assert "−2.9 points" in printed(trials.read(found("returns")))
    assert "points" not in printed(trials.read(found("sales"))).partition("in units")[0]
    assert "sales are in units" in printed(trials.read(found("sales")))


def test_on_a_terminal_of_80_columns_the_lift_and_its_interval_are_whole(printed):
    text = printed(trials.read(found()), width=80)
    assert "−15.0 % … −2.0 %" in text
    assert "Not shown, for want of width" in text
