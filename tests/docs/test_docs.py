import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
import typer

from fleetcast.domain import tables
from fleetcast.faces.cli import app
from fleetcast.fleet.report import SERVED
from fleetcast.settings import tree

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("changes/*.md"),
        *ROOT.glob("examples/*/README.md"),
    ]
)
BLOCK = re.compile(
    r"(?ms)^(?P<run> *<!-- run -->\n)?(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$"
)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
VERB = re.compile(r"(?m)(?:`|^\$ )fleetcast (?P<words>[a-z][a-z -]*)")
REJECTED = {"ds", "exog", "fold", "item", "lookback", "steps", "target", "unique_id", "y", "y_hat"}


@dataclass(frozen=True)
class Example:
    """A fenced block of a page; one of the console runs when `<!-- run -->` stands before it."""

    page: Path
    text: str
    runs: bool


def examples(language: str) -> Iterator[Example]:
    for page in PAGES:
        for block in BLOCK.finditer(page.read_text("utf-8")):
            if block["language"] == language:
                yield Example(page, dedent(block["text"]), block["run"] is not None)


def commands() -> set[str]:
    """Every command, as a person types it after `fleetcast`."""

    def walk(group, path):
        for name, command in group.commands.items():
            yield " ".join((*path, name))
            if hasattr(command, "commands"):
                yield from walk(command, (*path, name))

    return set(walk(typer.main.get_command(app.app), ()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    for link in LINK.finditer(page.read_text("utf-8")):
        place, _, anchor = link["target"].partition("#")
        if place.startswith("http"):
            continue
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{link[0]} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link[0]}: no such heading"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("example", [*examples("python")], ids=lambda example: example.page.name)
def test_every_python_example_runs(example):
    exec(compile(example.text, str(example.page), "exec"), {})  # noqa: S102 — our own pages


@pytest.mark.slow
def test_the_quickstart_can_be_typed_from_top_to_bottom(tmp_path):
    typed = [line for example in examples("console") if example.runs for line in example.text.splitlines()]
    assert typed
    for line in typed:
        assert line.startswith("$ fleetcast "), line
        main = "from fleetcast.faces.cli import main; main()"
        words = [sys.executable, "-c", main, *shlex.split(line)[2:]]
        answer = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, f"{line}\n{answer.stderr}"


def test_every_command_is_in_the_docs():
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    groups = {command.rsplit(" ", 1)[0] for command in commands() if " " in command}
    missing = {command for command in commands() - groups if f"## `fleetcast {command}`" not in page}
    assert not missing


def test_the_docs_name_only_commands_that_exist():
    for page in PAGES:
        for found in VERB.finditer(page.read_text("utf-8")):
            words = found["words"].split(" -")[0].split()
            known = commands()
            assert words[0] in known, f"{page.name}: fleetcast {words[0]}"
            if any(command.startswith(f"{words[0]} ") for command in known):
                assert len(words) == 1 or " ".join(words[:2]) in known, (
                    f"{page.name}: fleetcast {' '.join(words)}"
                )


def test_every_table_and_setting_is_in_the_docs():
    described = (ROOT / "docs" / "tables.md").read_text("utf-8") + (ROOT / "docs" / "settings.md").read_text(
        "utf-8"
    )
    columns = {column for table in all_tables() for column in table.columns}
    missing = {name for name in columns | settings_keys() if f"`{name}`" not in described}
    assert not missing


def test_no_column_or_setting_has_a_name_the_glossary_rejects():
    columns = {column for table in all_tables() for column in table.columns}
    assert not (columns | settings_keys()) & REJECTED


def test_the_glossary_explains_every_failover_state_and_metric():
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    states = {state.replace("_", " ") for state in SERVED}
    metrics = {f"`{name}`" for name in ("mape", "rmse0", "rmse_all", "wape", "bias", "skill")}
    assert {word for word in states | metrics if word not in page} == set()


def test_every_decision_is_listed_on_the_front_page():
    front = (ROOT / "docs" / "index.md").read_text("utf-8")
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [record.name for record in records if f"decisions/{record.name}" not in front] == []


def all_tables() -> list[tables.Table]:
    return [value for value in vars(tables).values() if isinstance(value, tables.Table)]


def settings_keys() -> set[str]:
    branches = [
        value for value in vars(tree).values() if isinstance(value, type) and issubclass(value, tree.Branch)
    ]
    return {field.rstrip("_") for branch in branches for field in branch.model_fields}
