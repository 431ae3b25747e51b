import re
from pathlib import Path

import pytest

from fleetcast.delivery.notebooks import percent, rules, running

HERE = Path(__file__).parent
EXPECTED = re.compile(r"# expect: (?P<rules>[a-z_, ]+)$")
HOSTILE = sorted((HERE / "hostile").glob("*.py"))
GOOD = sorted((HERE / "good").glob("*.py"))
SEEN_BY_RUNNING = {"raises", "nondeterminism", "contract", "untried"}


def expected(path):
    """Lines of a notebook and the rules they break, as comments in it say."""
    found = set()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        told = EXPECTED.search(line)
        if told:
            found |= {(number, rule.strip()) for rule in told["rules"].split(",")}
    return found


def is_run(path):
    return {rule for _, rule in expected(path)} <= SEEN_BY_RUNNING or path.stem == "input_changed_in_secret"


def name_of(path):
    return path.stem


@pytest.mark.parametrize("path", [path for path in HOSTILE if not is_run(path)], ids=name_of)
def test_a_hostile_notebook_is_rejected_at_its_lines_by_its_text(path):
    found = rules.broken(percent.read(path))
    assert {(one.line, one.rule) for one in found} == expected(path)
    assert all("; " in one.message or ": " in one.message for one in found)  # what is wrong, and what to do


@pytest.mark.parametrize("path", [path for path in HOSTILE if is_run(path)], ids=name_of)
def test_a_hostile_notebook_whose_text_is_well_is_rejected_at_its_lines_by_running_it(path):
    notebook = percent.read(path)
    assert rules.broken(notebook) == []
    found = running.twice(notebook).findings
    assert {(one.line, one.rule) for one in found} == expected(path)


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_a_good_notebook_passes(path):
    notebook = percent.read(path)
    assert rules.broken(notebook) == []
    assert running.twice(notebook).findings == ()


def test_there_is_a_hostile_notebook_for_every_rule():
    told = {rule for path in HOSTILE for _, rule in expected(path)}
    assert {
        "hidden_state", "global", "closure", "magic", "shell", "mutation", "clock", "chance", "absolute_path", "file", "network",
        "code", "secret", "nondeterminism", "wildcard_import", "syntax", "raises", "contract", "untried", "tagged_cell",
        "nothing_tagged",
    } <= told  # fmt: skip


def test_a_secret_is_not_told_again():
    path = HERE / "hostile" / "password.py"
    assert not any("horse" in one.message for one in rules.broken(percent.read(path)))
