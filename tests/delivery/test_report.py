import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from fleetcast.delivery.report import Check, Finding, Report, as_json, junit, sarif, summary, write

STARTED = datetime(2026, 11, 16, 8, tzinfo=UTC)
LINT = Check(
    "lint", "failed", "1 problem", (Finding("F401", "`os` is unused", "src/shop/a.py", 3),), 0.5, 0.6
)
TYPES = Check("types", "passed", "no problem")


def report(*checks: Check) -> Report:
    return Report("ci code-validation", STARTED, {"commit": "abc", "artifact": None}, checks)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ((), 0),
        (("passed", "skipped"), 0),
        (("passed", "failed"), 1),
        (("failed", "infrastructure"), 3),
        (("infrastructure", "refused", "failed"), 4),
    ],
)
def test_a_report_ends_as_its_gravest_check_did(states, code):
    assert report(*(Check(state, state, "") for state in states)).exit_code == code


def test_four_files_are_written_and_writing_again_replaces_them(tmp_path):
    write(report(LINT), tmp_path / "out")
    files = write(report(LINT, TYPES), tmp_path / "out")
    assert [file.name for file in files] == ["report.json", "junit.xml", "results.sarif", "summary.md"]
    assert [check["name"] for check in json.loads(files[0].read_text())["checks"]] == ["lint", "types"]


def test_junit_has_one_case_for_each_check():
    suite = ElementTree.fromstring(junit(report(LINT, TYPES)))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text == "src/shop/a.py:3: F401: `os` is unused"


def test_what_xml_cannot_hold_is_left_out_of_junit():
    suite = ElementTree.fromstring(junit(report(Check("lint", "failed", "\x1b[31mred\x1b[0m <&>"))))
    assert suite.find("testcase/failure").get("message") == "[31mred[0m <&>"  # type: ignore[union-attr]


def test_sarif_says_where():
    run = sarif(report(LINT, TYPES))["runs"][0]
    assert run["tool"]["driver"]["rules"] == [{"id": "lint/F401"}]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("src/shop/a.py", 3)


def test_a_summary_leaves_out_what_there_is_not_and_cuts_long_lists():
    many = Check("secrets", "failed", "a | b", tuple(Finding("key", f"found {i}") for i in range(25)))
    text = summary(report(many))
    assert "commit `abc`" in text
    assert "artifact" not in text
    assert "a \\| b" in text
    assert "- … and 5 more, in report.json" in text


def test_a_report_as_json_has_its_schema_first_of_all():
    made = as_json(report(TYPES))
    assert (made["schema"], made["state"], made["exit_code"]) == (1, "passed", 0)
