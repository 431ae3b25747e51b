"""A trace in the form of OpenTelemetry, written and sent."""

import io
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.telemetry.collector import collecting

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.telemetry import traces
from fleetcast.telemetry.spans import Span

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = "0af7651916cd43dd8448eb211c80319c"
PART = Span("train north", NOON, NOON + timedelta(seconds=2), {"part": "north", "cpu_seconds": 1.5})
BROKEN = Span(
    "score",
    NOON,
    NOON,
    {"step": "score"},
    error="postgresql://me:abc@host/db is down",  # fleetcast: not-a-secret
)
TRACE = Span("cycle 2026w47", NOON, NOON + timedelta(seconds=3), {"cycle": "2026w47"}, within=(PART, BROKEN))


@pytest.fixture
def written() -> list[dict]:
    out = io.StringIO()
    traces.write(TRACE, RUN, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_span_is_a_line_of_the_same_trace_which_is_named_like_the_run(written):
    assert [span["name"] for span in written] == ["cycle 2026w47", "train north", "score"]
    assert {span["context"]["trace_id"] for span in written} == {f"0x{RUN}"}


def test_a_full_file_is_put_aside_and_the_oldest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "LARGEST", 1)
    file = tmp_path / "traces.jsonl"
    for number in range(traces.KEPT + 3):
        traces.append(replace(TRACE, name=f"cycle {number}", within=()), RUN, file)
    newest = [file, *(tmp_path / f"traces.jsonl.{number}" for number in range(1, traces.KEPT + 1))]
    assert sorted(tmp_path.iterdir()) == sorted(newest)
    assert [json.loads(one.read_text())["name"] for one in newest] == [f"cycle {n}" for n in (6, 5, 4, 3, 2)]


def test_traces_are_appended_while_there_is_room(tmp_path):
    for _ in range(2):
        traces.append(TRACE, RUN, tmp_path / "traces.jsonl")
    assert len((tmp_path / "traces.jsonl").read_text().splitlines()) == 6
    assert len(list(tmp_path.iterdir())) == 1


def test_a_part_names_the_whole_as_its_parent(written):
    whole, *parts = written
    assert whole["parent_id"] is None
    assert {part["parent_id"] for part in parts} == {whole["context"]["span_id"]}


def test_a_span_has_its_own_moments_and_fields(written):
    part = written[1]
    assert (part["start_time"], part["end_time"]) == (
        "2026-11-23T12:00:00.000000Z",
        "2026-11-23T12:00:02.000000Z",
    )
    assert part["attributes"] == {"fleetcast.part": "north", "fleetcast.cpu_seconds": 1.5}


def test_an_error_is_told_without_the_password_in_it(written):
    assert written[2]["status"] == {
        "status_code": "ERROR",
        "description": "postgresql://me:***@host/db is down",
    }


def test_a_collector_takes_the_trace_with_the_headers_that_variables_hold(monkeypatch):
    monkeypatch.setenv("COLLECTOR_KEY", "Bearer abc")
    with collecting() as collector:
        traces.send(
            TRACE,
            RUN,
            endpoint=collector.endpoint,
            headers={"authorization": "env:COLLECTOR_KEY"},
            seconds=10,
        )
    assert [span.name for span in collector.spans] == ["cycle 2026w47", "train north", "score"]
    assert {span.trace_id.hex() for span in collector.spans} == {RUN}
    assert collector.headers[0]["authorization"] == "Bearer abc"


def test_a_collector_that_is_down_is_named_within_the_time_there_is():
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unheard.getsockname()[1]}/v1/traces"
        with pytest.raises(InfrastructureError, match=r"no collector at http://127\.0\.0\.1:\d+/v1/traces"):
            traces.send(TRACE, RUN, endpoint=endpoint, headers={}, seconds=0.5)


def test_a_header_whose_variable_is_not_set_names_the_variable():
    with pytest.raises(UsageError, match="NO_SUCH_KEY, which is not set"):
        traces.send(
            TRACE,
            RUN,
            endpoint="http://127.0.0.1:1/",
            headers={"authorization": "env:NO_SUCH_KEY"},
            seconds=1,
        )
