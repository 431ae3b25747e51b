"""The checks `tests` and `coverage`: do the workspace's tests pass, and how much of its code do they run?"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fleetcast.delivery.checks.measured import counted, within
from fleetcast.delivery.checks.tools import CODE, Toolbox
from fleetcast.delivery.report import Check, Finding

FLOOR = 80.0  # percent; `fail_under` of the workspace's [tool.coverage.report] takes its place
NO_TESTS = 5  # exit code of pytest
_WHERE = re.compile(r"(?m)^(?P<file>[^\s:]+\.py):(?P<line>\d+): ")
_UNREADABLE = re.compile(r'(?m)^E +File "(?P<file>[^"]+)", line (?P<line>\d+)$')  # a syntax error
_CAUSE = re.compile(r"(?m)^E +(?P<cause>.+)$")


def tests(tools: Toolbox, scratch: Path) -> Check:
    """Run the tests; what they ran of the code is kept in the scratch folder, for `coverage`."""
    if not tools.code:
        return Check("tests", "skipped", f"there is no code in {CODE} to be tested")
    tools.need("coverage", "pytest")
    junit = scratch / "junit.xml"
    run = tools.run(
        "coverage", "run", f"--data-file={_data(scratch)}", *_measured(tools),
        "-m", "pytest", "-q", f"--junitxml={junit}", "-o", "junit_family=xunit1",
    )  # fmt: skip

    if run.code == NO_TESTS:
        there = Finding("no-tests", "the workspace has no test; write the first one in tests/", "tests")
        return Check("tests", "failed", "there is no test", (there,))
    cases = list(_cases(junit))
    found = tuple(finding for case in cases for finding in _findings(tools, case))
    if found:
        return Check(
            "tests", "failed", f"{len(found)} of {counted(len(cases), 'test')} failed", found,
            evidence=_counts(cases),
        )  # fmt: skip
    if run.code:
        return Check("tests", "failed", "pytest could not go on", (Finding("pytest", run.last_words),))
    return Check(
        "tests", "passed", f"{counted(len(cases), 'test')} passed{_but(cases)}", (), 0, 0, _counts(cases)
    )


def coverage(tools: Toolbox, scratch: Path) -> Check:
    """Hold what the tests ran against the floor; runs them where nobody has yet."""
    if not tools.code:
        return Check("coverage", "skipped", f"there is no code in {CODE} to be tested")
    tools.need("coverage")
    if not _ran(tools, scratch):
        tests(tools, scratch)
    if not _ran(tools, scratch):
        return Check("coverage", "failed", "no test ran, so nothing was measured")
    told = scratch / "coverage.json"
    run = tools.run(
        "coverage", "json", "-q", f"--data-file={_data(scratch)}", "-o", str(told), "--fail-under=0"
    )
    if run.code or not told.is_file():
        return Check(
            "coverage", "failed", "coverage could not be read", (Finding("coverage", run.last_words),)
        )

    floor = float(tools.configuration("tool", "coverage", "report").get("fail_under", FLOOR))
    report = json.loads(told.read_text("utf-8"))
    return _judged(tools, report, floor)


def _judged(tools: Toolbox, report: dict[str, Any], floor: float) -> Check:
    share = report["totals"]["percent_covered"]
    evidence = {
        "percent": share,
        "floor": floor,
        "lines": report["totals"]["num_statements"],
        "lines_missing": report["totals"]["missing_lines"],
    }
    if share >= floor:
        says = f"tests run {share:.1f} % of the code; the floor is {floor:g} %"
        return Check("coverage", "passed", says, evidence=evidence)
    says = f"tests run {share:.1f} % of the code, and the floor is {floor:g} %"
    return Check(
        "coverage", "failed", says, tuple(_untested(tools, report["files"], floor)), evidence=evidence
    )


def _untested(tools: Toolbox, files: dict[str, Any], floor: float) -> Iterator[Finding]:
    """The files under the floor, the one with most untested lines first."""
    for name, file in sorted(files.items(), key=lambda one: -one[1]["summary"]["missing_lines"]):
        summary = file["summary"]
        if summary["percent_covered"] < floor:
            message = f"{summary['missing_lines']} of {counted(summary['num_statements'], 'line')} never run by a test"
            first = min(file["missing_lines"], default=None)
            yield Finding("untested", message, within(tools.folder, name), first)


def _data(scratch: Path) -> Path:
    return scratch / "coverage.db"


def _ran(tools: Toolbox, scratch: Path) -> bool:
    """Whether there is something measured; what several processes measured is put together."""
    if not _data(scratch).is_file() and any(scratch.glob(f"{_data(scratch).name}.*")):
        tools.run("coverage", "combine", "-q", f"--data-file={_data(scratch)}")
    return _data(scratch).is_file()


def _measured(tools: Toolbox) -> list[str]:
    configured = tools.configuration("tool", "coverage", "run").keys()
    said = configured & {"source", "source_pkgs", "source_dirs", "include"}
    return [] if said else [f"--source={CODE}"]


def _cases(junit: Path) -> Iterator[ElementTree.Element]:
    if junit.is_file():
        yield from ElementTree.parse(junit).iter("testcase")  # noqa: S314 — pytest has just written it


def _findings(tools: Toolbox, case: ElementTree.Element) -> Iterator[Finding]:
    for kind in ("failure", "error"):
        for told in case.findall(kind):
            text = told.text or ""
            places = [*_WHERE.finditer(text), *_UNREADABLE.finditer(text)]
            cause = _CAUSE.search(text)
            message = cause["cause"] if cause else (told.get("message") or kind).splitlines()[0]
            name = case.get("name") or case.get("classname") or "collecting"
            file, line = (places[-1]["file"], int(places[-1]["line"])) if places else _declared(case)
            yield Finding(name, message, within(tools.folder, file) if file else None, line)


def _declared(case: ElementTree.Element) -> tuple[str | None, int | None]:
    line = case.get("line")
    return case.get("file"), int(line) + 1 if line else None


def _counts(cases: list[ElementTree.Element]) -> dict[str, int]:
    return {
        "tests": len(cases),
        "failed": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }


def _but(cases: list[ElementTree.Element]) -> str:
    skipped = _counts(cases)["skipped"]
    return f", {skipped} of them skipped" if skipped else ""
