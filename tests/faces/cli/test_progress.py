import io
import json

from rich.console import Console

from fleetcast import telemetry
from fleetcast.faces.cli.progress import Bars, Lines, Spoken, progress


class Log:
    def __init__(self):
        self.events = []

    def info(self, event, **fields):
        self.events.append((event, fields))


def test_bars_show_how_many_of_how_many_and_the_last_note():
    paper = io.StringIO()
    with Bars(Console(file=paper, force_terminal=True, width=120)) as bars:
        bars.stage("train", 2)
        bars.advance("train", "ohio/large/fast")
        bars.done("train", "56 segments")
    assert "1 of 2" in paper.getvalue()
    assert "56 segments" in paper.getvalue()


def test_where_a_debugger_may_ask_a_stage_is_a_line_once_it_is_done():
    paper = io.StringIO()
    shown = Spoken(Console(file=paper, width=80))
    shown.stage("train", 2)
    shown.advance("train", "ohio")
    assert paper.getvalue() == ""
    shown.done("train", "56 segments in 14 partitions")
    assert paper.getvalue() == "● train          56 segments in 14 partitions\n"


def test_on_a_terminal_of_80_columns_only_the_note_gives_way():
    paper = io.StringIO()
    with Bars(Console(file=paper, force_terminal=True, width=80)) as bars:
        bars.stage("condition", 21)
        bars.done("condition", "2,415,561 rows, 12 quarantined, all of it as it was before")
    assert "condition" in paper.getvalue()
    assert "0 of 21" in paper.getvalue()
    assert "2,415,561 rows" in paper.getvalue()


def test_a_stage_of_unknown_length_ends_full():
    with Bars(Console(file=io.StringIO(), force_terminal=True, width=120)) as bars:
        bars.stage("condition", None)
        bars.done("condition", "nothing new")
        assert bars._bars.finished


def test_elsewhere_a_stage_is_a_line_when_it_begins_and_one_when_it_ends():
    log, ticks = Log(), iter([0.0, 1.0, 2.0, 3.5])
    lines = Lines(log, clock=lambda: next(ticks))
    lines.stage("train", 2)
    lines.advance("train", "a")
    lines.advance("train", "b")
    lines.done("train", "2 segments")
    assert log.events == [
        ("stage began", {"stage": "train", "total": 2}),
        ("stage done", {"stage": "train", "made": 2, "seconds": 3.5, "note": "2 segments"}),
    ]


def test_a_long_stage_says_where_it_is_every_ten_seconds():
    log, ticks = Log(), iter([0.0, 9.0, 10.5, 11.0, 12.0])
    lines = Lines(log, clock=lambda: next(ticks))
    lines.stage("train", 4)
    for segment in "abc":
        lines.advance("train", segment)
    assert log.events[1:] == [("stage goes on", {"stage": "train", "made": 2, "total": 4, "note": "b"})]


def test_where_nobody_watches_each_line_on_standard_error_is_json(tmp_path, capsys):
    with progress(log=tmp_path / "log.jsonl") as shown:
        shown.stage("train", 2)
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["stage"] == "train"
    assert not (tmp_path / "log.jsonl").exists()


def test_where_a_person_watches_log_lines_go_to_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what Rich takes for a terminal
    with progress(log=tmp_path / "log.jsonl") as shown:
        shown.stage("train", 2)
        telemetry.get_logger().info("trained")
    assert json.loads((tmp_path / "log.jsonl").read_text())["event"] == "trained"
