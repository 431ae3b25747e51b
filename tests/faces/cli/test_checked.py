from datetime import UTC, datetime
from pathlib import Path

from fleetcast.delivery.report import Check, Finding, Report
from fleetcast.faces.cli import checked
from fleetcast.faces.cli.paper import Place

STARTED = datetime(2026, 11, 16, 8, tzinfo=UTC)


def report(*checks):
    return Report("ci code-validation", STARTED, {}, checks)


def test_each_check_is_a_line_with_its_state_in_words(printed):
    made = report(
        Check("lint", "passed", "clean", cpu_seconds=1.26), Check("advisories", "infrastructure", "no answer")
    )
    lines = printed(checked.report(made, Place(), None)).splitlines()
    assert lines[1].split() == ["lint", "●", "passed", "clean", "1.3"]
    assert "◌ could not check" in lines[2]


def test_findings_are_shown_with_their_place_and_the_rest_counted(printed):
    found = tuple(Finding("F401", f"unused {n}", "src/a.py", n) for n in range(1, 24))
    text = printed(
        checked.report(report(Check("lint", "failed", "23 problems", found)), Place(), Path("out"))
    )
    assert "src/a.py:20  lint/F401: unused 20" in text
    assert "unused 21" not in text
    assert "… and 3 more, in out/report.json" in text


def test_what_to_type_next_are_the_checks_that_did_not_pass(printed):
    made = report(Check("lint", "failed", "1 problem"), Check("tests", "passed", "fine"))
    text = printed(checked.report(made, Place("my shop"), None), 200)
    assert "fleetcast ci code-validation --only lint --workspace 'my shop'" in text
    assert "fleetcast plan" in printed(
        checked.report(report(Check("tests", "passed", "fine")), Place(), None)
    )


def test_words_of_tools_are_no_markup(printed):
    made = report(Check("types", "failed", "one", (Finding("type-arg", "list[int] and [/red]", "a.py"),)))
    assert "list[int] and [/red]" in printed(checked.report(made, Place(), None))


def test_a_notebook_is_named_where_it_is_checked_again_and_its_branch_where_there_is_one(printed):
    def told(**subject):
        made = Report(
            "nb promote", STARTED, {"notebook": "steps"} | subject, (Check("run", "failed", "one"),)
        )
        return printed(checked.report(made, Place(), None), 200)

    assert "fleetcast nb promote steps  the same again" in told()
    assert "fleetcast ci run  the checks again on notebook/steps" in told(branch="notebook/steps")
