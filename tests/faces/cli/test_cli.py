import json
import os
import resource
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from fleetcast.domain.errors import GateFailed, PolicyRefusal
from fleetcast.faces.cli import app as program
from fleetcast.faces.cli import options, terminal

ENGINES = (
    "alembic", "argon2", "deltalake", "fastapi", "jax", "jinja2", "numba", "numpy", "openpyxl", "opentelemetry", "optax",
    "pandera", "polars", "prometheus_client", "pydantic", "safetensors", "scipy", "sqlalchemy", "starlette", "structlog",
    "uvicorn",
)  # fmt: skip


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def fleetcast(*words):
    code = f"import sys; sys.argv = ['fleetcast', *{list(words)!r}]; from fleetcast.faces.cli import main; main()"
    return python(code)


def every_command():
    """Every command with its path, below the program."""

    def walk(command, path):
        for name, child in getattr(command, "commands", {}).items():
            yield (*path, name)
            yield from walk(child, (*path, name))

    return list(walk(typer.main.get_command(program.app), ()))


def test_help_loads_no_engine():
    answer = python(
        "import sys, contextlib\n"
        "sys.argv = ['fleetcast', '--help']\n"
        "from fleetcast.faces.cli import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        f"print('LOADED', sorted(set(sys.modules) & set({ENGINES!r})))"
    )
    assert answer.stdout.splitlines()[-1] == "LOADED []"


def test_help_takes_half_a_cpu_second_at_most():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert fleetcast("--help").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) <= 0.5  # seconds


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_command_has_help_with_a_sentence(path):
    answer = CliRunner().invoke(program.app, [*path, "--help"])
    assert answer.exit_code == 0
    assert "Usage: fleetcast" in answer.output.replace("root", "fleetcast")


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("ci",),
        ("cd",),
        ("data",),
        ("export",),
        ("orders",),
        ("experiment",),
        ("release",),
        ("audit",),
        ("audit", "query"),
        ("trial",),
    ],
)
def test_what_a_verb_does_is_said_whole_on_a_terminal_of_80_columns(path):
    listed = CliRunner().invoke(program.app, [*path, "--help"], terminal_width=80).output
    assert "..." not in listed.partition("Commands:")[2]


def test_a_folder_that_is_no_workspace_is_a_usage_error(tmp_path):
    answer = fleetcast("status", "--workspace", str(tmp_path))
    assert answer.returncode == 2
    assert "✕" in answer.stderr
    assert "fleetcast.toml" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


def test_debug_shows_where_an_error_comes_from(tmp_path):
    assert "Traceback" in fleetcast("--debug", "status", "--workspace", str(tmp_path)).stderr


def test_a_week_is_named_by_its_monday():
    answer = fleetcast("run", "--week", "2026-11-18")
    assert answer.returncode == 2
    assert "2026-11-16" in answer.stderr
    with pytest.raises(typer.BadParameter, match="is no date"):
        options.monday("next week")


def test_an_unknown_environment_is_a_usage_error():
    assert fleetcast("status", "--env", "test").returncode == 2


@pytest.mark.parametrize(
    ("error", "code"), [(GateFailed("too few"), 1), (PolicyRefusal("not from a checkout"), 4)]
)
def test_an_error_of_ours_exits_with_its_code(error, code, monkeypatch, capsys):
    assert main_with(error, monkeypatch) == code
    assert str(error) in capsys.readouterr().err


def test_an_unforeseen_error_exits_with_three_and_keeps_its_traceback_in_a_file(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(program.tempfile, "tempdir", str(tmp_path))
    assert main_with(ZeroDivisionError("nobody sold anything"), monkeypatch) == 3
    shown = capsys.readouterr().err
    [log] = tmp_path.glob("fleetcast-*.log")
    assert "ZeroDivisionError: nobody sold anything" in shown
    assert "Traceback" not in shown
    assert "Traceback" in log.read_text()


def main_with(error, monkeypatch):
    def fails():
        raise error

    monkeypatch.setattr(program, "app", fails)
    monkeypatch.delenv("FLEETCAST_DEBUG", raising=False)
    with pytest.raises(SystemExit) as stopped:
        program.main()
    return stopped.value.code


def test_a_result_for_programs_is_one_line_of_json(report, capsys):
    terminal.show(report, "", as_json=True)
    read = json.loads(capsys.readouterr().out)
    assert read["cycle"] == "2026-11-16"
    assert read["regions"][0]["states"] == ["passed", "over_gate"]
    assert read["regions"][1]["mape"] is None


def test_somebody_without_a_name_still_has_one(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert options.actor()
    assert os.getuid() >= 0


def test_fresh_leaves_a_folder_alone_that_is_no_demo(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    answer = fleetcast("demo", "--fresh", "--workspace", str(tmp_path))
    assert answer.returncode == 2
    assert "not a demo" in answer.stderr
    assert (tmp_path / "thesis.tex").exists()


def test_what_is_being_done_is_shown_to_people_and_not_to_programs(capsys, monkeypatch):
    with options.looking("reading releases"):
        pass
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with options.looking("reading releases"):
        pass
    assert "reading releases" in capsys.readouterr().err
