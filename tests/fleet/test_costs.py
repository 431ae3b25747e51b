from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fleetcast.domain.cost import Cost
from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import label
from fleetcast.fleet import timing
from fleetcast.fleet.costs import costs
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.timing import Timed, deadline, usual
from fleetcast.testing.kiosks import LAST, WEDNESDAY, opened, run_week

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def test_a_cycle_tells_what_each_step_and_model_took(first_week):
    w = opened(first_week[0])
    found = costs(w)
    assert found.cycle == label(LAST)
    steps = {step.step: step for step in found.steps}
    assert {"derive", "train", "release", "score", "monitor"} <= steps.keys()
    assert steps["train"].parts == len(w.lake.partitions(w.tables["deliveries"]))
    assert all(step.cpu_seconds > 0 and step.peak_mb > 10 for step in found.steps)
    assert found.cpu_seconds == pytest.approx(sum(step.cpu_seconds for step in found.steps))
    members = w.registry.releases.current().manifest.members
    assert {model.model for model in found.models} == set(members)
    assert sum(model.cpu_seconds for model in found.models) == pytest.approx(steps["train"].cpu_seconds)
    assert found.money is None


def test_with_a_price_costs_are_told_in_money(chain):
    settings = chain / "fleetcast.toml"
    text = settings.read_text("utf-8").replace("[execution]\n", "[execution]\nprice_per_cpu_hour = 7.2\n")
    settings.write_text(text, "utf-8")
    found = costs(opened(chain))
    assert found.money == pytest.approx(found.cpu_seconds * 0.002)
    assert sum(step.money for step in found.steps) == pytest.approx(found.money)


def test_a_week_that_was_not_run_has_no_costs(first_week, fresh_chain):
    with pytest.raises(UsageError, match="week 2020-01-06 was not run in dev"):
        costs(opened(first_week[0]), date(2020, 1, 6))
    with pytest.raises(UsageError, match="nothing has been run in dev"):
        costs(opened(fresh_chain))


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def advance(self, name: str, note: str = "") -> None:
        self.notes.append(note)


def test_what_is_left_is_this_stage_at_its_present_pace_and_the_others_as_usual():
    clock, notes = Clock(), Notes()
    timed = Timed(notes, {"train": 100.0, "score": 40.0}, None, clock)
    timed.stage("train", 4)
    assert timed.left() == 140
    clock.wait(60)
    timed.advance("train", "north")
    assert timed.left() == 3 * 60 + 40
    timed.done("train", "")
    timed.stage("score", 1)
    clock.wait(15)
    assert timed.left() == 25
    assert notes.notes == ["north, about 4 min left"]


def test_of_a_first_week_only_the_pace_is_known():
    clock = Clock()
    timed = Timed(Silent(), {}, None, clock)
    timed.stage("train", 10)
    assert timed.left() is None
    clock.wait(5)
    timed.advance("train")
    assert timed.left() == 45


def test_a_deadline_that_will_be_missed_is_said_once_before_it_is(monkeypatch):
    clock = Clock()
    notes, said = Notes(), []
    monkeypatch.setattr(timing.log, "warning", lambda event, **told: said.append((event, told["stage"])))
    timed = Timed(notes, {"train": 600.0, "score": 600.0}, NOON + timedelta(minutes=21), clock)
    timed.stage("train", 2)
    assert not timed.late
    clock.wait(700)
    timed.advance("train", "north")
    timed.advance("train", "south")
    assert said == [("late", "train")]
    assert notes.notes[0] == "north, about 22 min left: after the deadline"
    assert clock() < NOON + timedelta(minutes=21)


def test_the_cycle_says_whether_it_was_in_time(chain):
    settings = chain / "fleetcast.toml"
    text = settings.read_text("utf-8").replace("[execution]\n", "[execution]\npublish_within_days = 4\n")
    settings.write_text(text, "utf-8")
    week = opened(chain).ledger.cycles()[-1].cycle
    for at, in_time in ((timedelta(days=1), True), (timedelta(days=3), False)):
        run_week(chain, WEDNESDAY + at, week=LAST)
        cycle = next(c for c in opened(chain).ledger.cycles() if c.cycle == week)
        assert cycle.summary["in_time"] is in_time
    assert deadline(LAST, 0) is None


def test_how_long_a_step_usually_takes_leaves_out_the_time_that_nobody_was_at_it(first_week):
    w = opened(first_week[0])
    assert usual(w.ledger, before="2020w01") == {}
    found = usual(w.ledger, before="2099w01")
    assert {"derive", "train", "score"} <= found.keys()


def test_a_step_that_was_broken_off_counts_as_long_as_it_was_worked_at():
    class Ledger:
        """One cycle with one step, whose second part was done a day later."""

        def cycles(self):
            return opened_cycles

        def steps(self, _):
            return records

    from fleetcast.ledger.steps import CycleRecord, StepRecord

    opened_cycles = [CycleRecord("2026w45", "done", 2, NOON, NOON, {"only": "all"})]
    first = StepRecord(
        "2026w45",
        "train",
        "a",
        "",
        "x",
        "done",
        1,
        1,
        None,
        NOON,
        NOON + timedelta(seconds=9),
        Cost(8, 9, 100),
    )
    later = timedelta(days=1)
    second = replace(first, part="b", started=NOON + later, ended=NOON + later + timedelta(seconds=9))
    records = [first, second]
    assert usual(Ledger(), before="2026w46") == {"train": 18}
