"""What a run tells of itself: its trace, and log lines that say whose they are."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from tests.telemetry.collector import collecting

from fleetcast import telemetry, workspace
from fleetcast.domain.cost import Cost
from fleetcast.domain.errors import GateFailed
from fleetcast.fleet import doctor
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.tracing import Run, trace
from fleetcast.ledger.steps import StepRecord
from fleetcast.testing.kiosks import WEDNESDAY, opened

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
RUN = Run("ab" * 16, "dev", NOON, "2026w46")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def record(step: str, part: str, began: float, ended: float | None, **more) -> StepRecord:
    state = "running" if ended is None else "done"
    values = {"state": state, "error": None, "cost": None, "attempt": 1} | more
    return StepRecord(
        cycle="2026w46",
        step=step,
        part=part,
        input_digest="i",
        output_digest="o",
        epoch=1,
        started=at(began),
        ended=None if ended is None else at(ended),
        **values,
    )


def watched(folder: Path, *, actor: str = "test") -> list[dict]:
    """Run the week with a clock that goes on, and read the trace of it."""
    ticks = count()
    w = workspace.open(folder, clock=lambda: WEDNESDAY + timedelta(hours=1, milliseconds=next(ticks)))
    run_cycle(w, progress=Silent(), actor=actor)
    spans = [json.loads(line) for line in w.traces.read_text("utf-8").splitlines()]
    last = spans[-1]["context"]["trace_id"]
    return [span for span in spans if span["context"]["trace_id"] == last]


def named(spans: list[dict]) -> dict[str, dict]:
    return {span["name"]: span for span in spans}


def set_telemetry(folder: Path, text: str) -> None:
    settings = folder / "fleetcast.toml"
    settings.write_text(f"{settings.read_text('utf-8')}\n[telemetry]\n{text}\n", "utf-8")


def test_a_part_is_shown_from_when_a_worker_began_with_it_not_from_when_it_was_given_out():
    waited = record("train", "west", 0, 60, cost=Cost(8.0, 10.0, 300.0))
    (step,) = trace(RUN, [waited], ended=at(70)).within
    (part,) = step.within
    assert (part.began, part.ended) == (at(50), at(60))
    assert part.fields["cpu_seconds"] == 8.0
    assert part.fields["peak_mb"] == 300.0


def test_a_step_lasts_from_its_first_part_to_its_last():
    parts = [record("train", "east", 0, 5), record("train", "west", 0, 9)]
    (step,) = trace(RUN, parts, ended=at(10)).within
    assert (step.name, step.began, step.ended) == ("train", at(0), at(9))
    assert [part.name for part in step.within] == ["train east", "train west"]


def test_what_an_earlier_run_did_takes_no_time_in_this_one():
    parts = [record("train", "east", -500, -400), record("train", "west", 1, 9)]
    (step,) = trace(RUN, parts, ended=at(10)).within
    assert step.within[0].fields["resumed"]
    assert step.within[0].began == step.within[0].ended == at(0)
    assert (step.began, step.fields["resumed"]) == (at(1), False)


def test_a_part_that_failed_says_why_and_its_step_names_it():
    failed = record("train", "east", 0, 5, state="failed", error="it broke", attempt=2)
    (step,) = trace(RUN, [failed, record("train", "west", 0, 9)], ended=at(10)).within
    assert step.error == "east: it broke"
    assert step.within[0].fields["attempt"] == 2


def test_a_step_without_an_end_ends_with_the_run_and_says_so():
    (step,) = trace(RUN, [record("derive", "all", 1, None)], ended=at(10), error="killed").within
    assert (step.ended, step.error) == (at(10), "it did not come to an end")


def test_a_week_leaves_one_trace_of_its_steps_and_their_parts(fresh_chain):
    spans = watched(fresh_chain)
    found = named(spans)
    whole = found["cycle 2026w46"]
    assert len({span["context"]["trace_id"] for span in spans}) == 1
    assert whole["parent_id"] is None
    for step in ("condition", "derive", "plan", "train", "release", "promote", "score", "monitor"):
        assert found[step]["parent_id"] == whole["context"]["span_id"], step
    for part in ("east", "west"):
        assert found[f"train {part}"]["parent_id"] == found["train"]["context"]["span_id"]
        assert found[f"train {part}"]["attributes"]["fleetcast.cpu_seconds"] > 0
    assert whole["attributes"]["fleetcast.environment"] == "dev"


def test_a_week_that_is_done_again_is_a_trace_of_its_own_in_which_all_was_there(chain):
    spans = named(watched(chain))
    assert spans["train east"]["attributes"]["fleetcast.resumed"]
    assert spans["train east"]["start_time"] == spans["train east"]["end_time"]


def test_a_run_that_breaks_off_leaves_a_trace_that_says_why(fresh_chain):
    w = opened(fresh_chain)
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    before = len(w.traces.read_text("utf-8").splitlines())
    with pytest.raises(GateFailed):
        run_cycle(w, only="score", progress=Silent(), actor="test")
    whole = json.loads(w.traces.read_text("utf-8").splitlines()[before])
    assert whole["status"]["status_code"] == "ERROR"
    assert whole["status"]["description"].startswith("nothing is released in dev")


def test_a_collector_takes_the_trace_instead_of_the_file(chain):
    with collecting() as collector:
        set_telemetry(chain, f'traces = "otlp"\nendpoint = "{collector.endpoint}"')
        run_cycle(opened(chain), progress=Silent(), actor="test")
    assert "cycle 2026w46" in {span.name for span in collector.spans}


def test_a_collector_that_is_down_is_a_line_in_the_log_and_the_week_is_done(chain, tmp_path):
    set_telemetry(chain, 'traces = "otlp"\nendpoint = "http://127.0.0.1:9/v1/traces"\ntimeout_seconds = 0.5')
    lines = logged(chain, tmp_path / "log.jsonl")
    (lost,) = [line for line in lines if line["event"] == "trace_lost"]
    assert "no collector at http://127.0.0.1:9/v1/traces" in lost["error"]
    assert [cycle.state for cycle in opened(chain).ledger.cycles()] == ["done"]


def test_doctor_says_which_variable_a_collector_waits_for(chain, monkeypatch):
    headers = 'headers = { authorization = "env:COLLECTOR_KEY" }'
    set_telemetry(chain, f'traces = "otlp"\nendpoint = "https://collector.example/v1/traces"\n{headers}')

    def check():
        return next(one for one in doctor.examine(opened(chain)) if one.name == "traces")

    assert (check().well, "COLLECTOR_KEY, which is not set" in check().detail) == (False, True)
    monkeypatch.setenv("COLLECTOR_KEY", "abc")
    assert (check().well, check().detail) == (True, "sent to https://collector.example/v1/traces")


def logged(folder: Path, to: Path) -> list[dict]:
    """What the week writes into the log of the process that steers it."""
    telemetry.configure(to, clock=lambda: NOON)
    try:
        run_cycle(opened(folder), progress=Silent(), actor="test")
    finally:
        telemetry.configure(None, clock=lambda: NOON)
    return [json.loads(line) for line in to.read_text("utf-8").splitlines()]


def test_every_line_names_the_run_and_the_environment_and_those_of_a_step_its_cycle_and_part(
    fresh_chain, tmp_path
):
    lines = logged(fresh_chain, tmp_path / "log.jsonl")
    assert len({line["run"] for line in lines}) == 1
    assert {line["environment"] for line in lines} == {"dev"}
    trained = [line for line in lines if line["event"] == "trained"]
    assert {(line["cycle"], line["step"], line["part"]) for line in trained} == {
        ("2026w46", "train", "east"),
        ("2026w46", "train", "west"),
    }
    assert all(line["segment"].startswith(line["part"]) for line in trained)


def test_lines_of_workers_name_the_run_that_they_work_for(fresh_chain, tmp_path):
    settings = fresh_chain / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace('"serial"', '"processes"\nworkers = 1'), "utf-8")
    here = logged(fresh_chain, tmp_path / "log.jsonl")
    there = [json.loads(line) for line in opened(fresh_chain).log.read_text("utf-8").splitlines()]
    assert {line["run"] for line in there} == {line["run"] for line in here}
    assert {"train", "score"} <= {line["step"] for line in there}
    assert {line["part"] for line in there} == {"east", "west"}
