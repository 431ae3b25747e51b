import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import dedent

import pytest
import typer

from fleetcast.domain import tables
from fleetcast.domain.incidents import KINDS
from fleetcast.faces.cli import app
from fleetcast.fleet.report import SERVED
from fleetcast.settings import load, load_policy, tree

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
    r"(?ms)^(?: *<!-- (?P<kind>run|file|append|policy)(?:: (?P<path>\S+))? -->\n)?"
    r"(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$"
)
SETTINGS = 'schema = 1\n\n[workspace]\nname = "example"\npackage = "example"\n\n'
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
VERB = re.compile(r"(?m)(?:`|^\$ )fleetcast (?P<words>[a-z][a-z -]*)")
REJECTED = {"ds", "exog", "fold", "item", "lookback", "steps", "target", "unique_id", "y", "y_hat"}


@dataclass(frozen=True)
class Example:
    """A fenced block of a page, and what the comment before it says: `<!-- run -->` these commands, make this the
    `<!-- file: path -->`, `<!-- append: path -->` this to it, `<!-- policy -->` it is one. Without, it is there to be read.
    """

    page: Path
    line: int
    language: str
    text: str
    kind: str
    path: str


def examples(page: Path) -> Iterator[Example]:
    content = page.read_text("utf-8")
    for block in BLOCK.finditer(content):
        line = content.count("\n", 0, block.start("text"))
        text = dedent(block["text"])
        yield Example(page, line, block["language"], text, block["kind"] or "read", block["path"] or "")


def written_in(language: str) -> list[Example]:
    """The blocks of all pages in a language that are there to be read."""
    found = (example for page in PAGES for example in examples(page))
    return [example for example in found if example.language == language and example.kind == "read"]


def pages_with(examples: list[Example]) -> list[Path]:
    return list(dict.fromkeys(example.page for example in examples))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands() -> set[str]:
    """Every command, as a person types it after `fleetcast`."""

    def walk(group, path):
        for name, command in group.commands.items():
            yield " ".join((*path, name))
            if hasattr(command, "commands"):
                yield from walk(command, (*path, name))

    return set(walk(typer.main.get_command(app.app), ()))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
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


@pytest.mark.parametrize("page", pages_with(written_in("python")), ids=name_of)
def test_the_python_of_a_page_runs_from_top_to_bottom(page):
    names: dict[str, object] = {}
    for example in written_in("python"):
        if example.page == page:
            text = "\n" * example.line + example.text  # so that an error names the line of the page
            exec(compile(text, str(page), "exec"), names)  # noqa: S102 — our own pages


@pytest.mark.parametrize("page", pages_with(written_in("toml")), ids=name_of)
def test_the_settings_of_a_page_are_settings(page, tmp_path):
    for number, example in enumerate(written_in("toml")):
        if example.page == page:
            file = tmp_path / f"{number}.toml"
            if example.kind == "policy":
                file.write_text(example.text, "utf-8")
                load_policy(file)
            else:
                file.write_text(SETTINGS + example.text, "utf-8")
                load(file)


@pytest.mark.typed
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(example.kind == "run" for example in examples(page))], ids=name_of
)
def test_a_page_can_be_typed_from_top_to_bottom(page, tmp_path):
    steps = [asdict(example) | {"page": ""} for example in examples(page) if example.kind != "read"]
    typist = [sys.executable, str(Path(__file__).with_name("typist.py"))]
    done = subprocess.run(
        typist, input=json.dumps(steps), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


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


def test_the_guide_has_every_kind_of_incident():
    page = (ROOT / "docs" / "guide" / "alerts.md").read_text("utf-8")
    assert {kind for kind in KINDS if f"`{kind}`" not in page} == set()


def test_every_decision_is_listed_on_the_front_page():
    front = (ROOT / "docs" / "index.md").read_text("utf-8")
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [record.name for record in records if f"decisions/{record.name}" not in front] == []


def test_the_guide_has_every_reason_for_which_files_and_rows_are_set_aside():
    guide = (ROOT / "docs" / "guide" / "conditioners.md").read_text("utf-8")
    reasons = {reason for room in ("sources", "conditioning") for reason in reasons_of(room)}
    assert {"truncated", "wrong_locale", "ragged", "conflict"} <= reasons
    assert {reason for reason in reasons if f"`{reason}`" not in guide} == set()


def reasons_of(room: str) -> Iterator[str]:
    """Reasons that a room's code gives: `SourceError(file, reason, …)`, `_reasons(reason=…)`, `faults(rows, reason, …)`,
    and what a quarantined row's `reason` column is filled with."""
    for path in (ROOT / "src" / "fleetcast" / room).glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in ("SourceError", "faults") and len(call.args) > 1:
                yield from words_of(call.args[1])
            if name == "_reasons":
                yield from (keyword.arg for keyword in call.keywords if keyword.arg)
            for keyword in call.keywords:
                if keyword.arg == "reason":
                    yield from words_of(keyword.value)


def words_of(node: ast.AST) -> Iterator[str]:
    """The words written out in an expression, `""` left out."""
    found = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return (word for word in found if isinstance(word, str) and word)


def all_tables() -> list[tables.Table]:
    return [value for value in vars(tables).values() if isinstance(value, tables.Table)]


def settings_keys() -> set[str]:
    branches = [
        value for value in vars(tree).values() if isinstance(value, type) and issubclass(value, tree.Branch)
    ]
    return {field.rstrip("_") for branch in branches for field in branch.model_fields}
