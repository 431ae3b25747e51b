"""Log lines are events with fields."""

import io
import json
import math
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from fleetcast import telemetry

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=-6)))


@pytest.fixture
def lines():
    """What has been logged since, as parsed JSON."""
    stream = io.StringIO()
    telemetry.configure(stream, clock=lambda: NOON)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    telemetry.configure(None, clock=lambda: NOON)


def test_an_event_is_one_json_line_with_its_moment_and_fields(lines):
    telemetry.get_logger().info("trained", segment="north-texas/large/fast", mape=0.31, weeks=52)
    assert lines() == [
        {
            "at": "2026-11-23T18:00:00.250+00:00",
            "event": "trained",
            "level": "info",
            "segment": "north-texas/large/fast",
            "mape": 0.31,
            "weeks": 52,
        }
    ]


def test_a_logger_made_before_anything_is_configured_logs_afterwards(lines):
    log = telemetry.get_logger()
    log.warning("stale")
    assert lines()[0]["level"] == "warning"


def test_nothing_is_logged_before_a_target_is_given(capsys):
    telemetry.get_logger().error("unheard")
    assert capsys.readouterr() == ("", "")


def test_a_logger_carries_its_own_fields(lines):
    telemetry.get_logger(stage="training").bind(cycle="2026-11-16").info("begun")
    assert lines()[0].items() >= {"stage": "training", "cycle": "2026-11-16"}.items()


def test_a_block_lends_its_fields_to_every_line_inside(lines):
    log = telemetry.get_logger()
    with telemetry.bound(cycle="2026-11-16"):
        log.info("inside")
    log.info("outside")
    assert [line.get("cycle") for line in lines()] == ["2026-11-16", None]


def test_a_value_cannot_break_the_line(lines):
    telemetry.get_logger().info("read", file='a"\n{"event": "forged"}\n', week=date(2026, 11, 16))
    assert [line["event"] for line in lines()] == ["read"]
    assert lines()[0]["week"] == "2026-11-16"


def test_what_json_has_no_number_for_is_null(lines):
    telemetry.get_logger().info("scored", mape=math.nan, by=[math.inf, 1.5], deep={"x": -math.inf})
    assert lines()[0].items() >= {"mape": None, "by": [None, 1.5], "deep": {"x": None}}.items()


def test_secrets_are_concealed(lines):
    fields = {"api_token": "abc", "options": {"password": "abc"}}
    fields["url"] = "postgresql://me:abc@host/db"  # fleetcast: not-a-secret
    telemetry.get_logger().info("connected", **fields)
    assert "abc" not in json.dumps(lines())
    assert lines()[0]["url"] == "postgresql://me:***@host/db"


def test_an_error_is_logged_with_its_trace(lines):
    try:
        int("no number")
    except ValueError:
        telemetry.get_logger().exception("failed")
    assert lines()[0]["level"] == "error"
    assert "ValueError: invalid literal" in lines()[0]["exception"]


def test_lines_are_appended_to_a_file(tmp_path):
    path = tmp_path / "logs" / "dev.jsonl"
    for event in ("first", "second"):
        telemetry.configure(path, clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
        telemetry.get_logger().info(event)
    telemetry.configure(None, clock=lambda: NOON)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["first", "second"]


def test_debug_lines_are_dropped(lines):
    telemetry.get_logger().debug("detail")
    assert lines() == []


def test_what_must_not_be_lost_goes_to_a_file_where_nobody_else_listens(tmp_path):
    path = tmp_path / "log.jsonl"
    for event in ("told", "unheard"):
        with telemetry.at_least(path, clock=lambda: NOON) if event == "told" else nullcontext():
            telemetry.get_logger().info(event)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["told"]


def test_and_nowhere_else_where_somebody_does(lines, tmp_path):
    with telemetry.at_least(tmp_path / "log.jsonl", clock=lambda: NOON):
        telemetry.get_logger().info("told")
    telemetry.get_logger().info("after")
    assert [line["event"] for line in lines()] == ["told", "after"]
    assert not (tmp_path / "log.jsonl").exists()
