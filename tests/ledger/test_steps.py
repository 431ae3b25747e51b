"""Steps and cycles: doing a thing twice has one effect."""

import pytest

from fleetcast.domain.errors import ConflictError

STEP = ("2026-11-16", "train", "north-texas")


def test_a_finished_step_is_done_for_exactly_its_inputs(ledger):
    ledger.finish(ledger.begin(*STEP, "in-1"), "out-1")
    assert ledger.done(*STEP, "in-1") == "out-1"
    assert ledger.done(*STEP, "in-2") is None
    assert ledger.done("2026-11-16", "train", "south-texas", "in-1") is None


def test_a_step_begun_with_other_inputs_is_not_done_for_the_old_ones(ledger):
    ledger.finish(ledger.begin(*STEP, "in-1"), "out-1")
    ledger.begin(*STEP, "in-2")  # may have written already: what in-1 gave may be gone
    assert ledger.done(*STEP, "in-1") is None


def test_attempts_count_per_input_and_epochs_always(ledger):
    runs = [ledger.begin(*STEP, inputs) for inputs in ("in-1", "in-1", "in-2")]
    assert [(run.attempt, run.epoch) for run in runs] == [(1, 1), (2, 2), (1, 3)]


def test_a_run_that_was_overtaken_cannot_finish(ledger):
    slow, quick = ledger.begin(*STEP, "in-1"), ledger.begin(*STEP, "in-1")
    with pytest.raises(ConflictError, match="not the running one"):
        ledger.finish(slow, "out-of-date")
    with pytest.raises(ConflictError):
        ledger.fail(slow, "out of date")
    ledger.finish(quick, "out-1")
    assert ledger.done(*STEP, "in-1") == "out-1"


def test_a_run_ends_once(ledger):
    run = ledger.begin(*STEP, "in-1")
    ledger.fail(run, "no data")
    with pytest.raises(ConflictError):
        ledger.finish(run, "out-1")


def test_a_failed_step_says_why_until_it_is_begun_again(ledger, clock):
    ledger.fail(ledger.begin(*STEP, "in-1"), "no data")
    (record,) = ledger.steps(STEP[0])
    assert (record.state, record.error, record.ended) == ("failed", "no data", clock.now)
    ledger.begin(*STEP, "in-1")
    (record,) = ledger.steps(STEP[0])
    assert (record.state, record.error, record.ended) == ("running", None, None)


def test_steps_are_listed_as_they_were_begun(ledger, clock):
    for step in ("condition", "train", "score"):
        ledger.begin(STEP[0], step, "north-texas", "in")
        clock.forward(seconds=1)
    assert [record.step for record in ledger.steps(STEP[0])] == ["condition", "train", "score"]


def test_a_cycle_started_again_keeps_its_beginning(ledger, clock):
    begun = clock.now
    assert ledger.cycle_started("2026-11-16").attempt == 1
    clock.forward(hours=1)
    again = ledger.cycle_started("2026-11-16")
    assert (again.attempt, again.started, again.state) == (2, begun, "running")


def test_a_finished_cycle_keeps_its_summary(ledger):
    ledger.cycle_started("2026-11-16")
    ledger.cycle_finished("2026-11-16", "done", {"passed": 55, "failed": ["north-texas/small/slow"]})
    (cycle,) = ledger.cycles()
    assert (cycle.state, cycle.summary["passed"]) == ("done", 55)


def test_a_cycle_that_never_started_cannot_finish(ledger):
    with pytest.raises(ConflictError, match="never started"):
        ledger.cycle_finished("2026-11-16", "done", {})
