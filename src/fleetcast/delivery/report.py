"""The report of a delivery verb: what was checked, what was found, and files that other tools read."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

SCHEMA = 1  # of report.json: a field may be added to it, and none changed or taken away
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"

Level = Literal["error", "warning", "note"]
State = Literal["passed", "failed", "infrastructure", "refused", "skipped"]
EXIT_CODES: Mapping[State, int] = {"passed": 0, "skipped": 0, "failed": 1, "infrastructure": 3, "refused": 4}
GRAVITY: tuple[State, ...] = ("refused", "infrastructure", "failed", "passed", "skipped")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: which rule, what about it, and where (a path relative to the workspace, a line from 1)."""

    rule: str
    message: str
    path: str | None = None
    line: int | None = None
    level: Level = "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line) if part is not None)
        return f"{place}: {self.rule}: {self.message}" if place else f"{self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a verb looked at: how it ended, in a sentence; what it found; what it took; evidence as JSON."""

    name: str
    state: State
    says: str
    findings: tuple[Finding, ...] = ()
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What a verb did. `subject` says with what, as JSON: commit, branch, artifact, environment, week, whatever there is."""

    verb: str
    started: datetime
    subject: Mapping[str, Any]
    checks: tuple[Check, ...]

    @property
    def state(self) -> State:
        """How the gravest of its checks ended.

        >>> made = (Check("lint", "passed", "clean"), Check("types", "failed", "one error"))
        >>> Report("ci code-validation", datetime(2026, 11, 16), {}, made).state
        'failed'
        """
        return min((check.state for check in self.checks), key=GRAVITY.index, default="passed")

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.state]


def write(report: Report, folder: Path) -> list[Path]:
    """Write report.json, junit.xml, results.sarif and summary.md into a folder, which may be there already."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": json.dumps(as_json(report), indent=2, ensure_ascii=False, sort_keys=True) + "\n",
        "junit.xml": junit(report),
        "results.sarif": json.dumps(sarif(report), indent=2, ensure_ascii=False) + "\n",
        "summary.md": summary(report),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in texts]


def as_json(report: Report) -> dict[str, Any]:
    """The report as report.json has it."""
    return {
        "schema": SCHEMA,
        "verb": report.verb,
        "started": report.started.isoformat(),
        "state": report.state,
        "exit_code": report.exit_code,
        "subject": dict(report.subject),
        "checks": [asdict(check) for check in report.checks],
    }


def junit(report: Report) -> str:
    """As JUnit's XML, one test case for each check, for the test page of a CI system."""
    failed = [check for check in report.checks if check.state == "failed"]
    broken = [check for check in report.checks if check.state in {"infrastructure", "refused"}]
    suite = ElementTree.Element(
        "testsuite",
        name=f"fleetcast {report.verb}",
        tests=str(len(report.checks)),
        failures=str(len(failed)),
        errors=str(len(broken)),
        skipped=str(sum(check.state == "skipped" for check in report.checks)),
        time=f"{sum(check.wall_seconds for check in report.checks):.3f}",
        timestamp=report.started.isoformat(),
    )
    tags: dict[State, str] = {
        "failed": "failure",
        "infrastructure": "error",
        "refused": "error",
        "skipped": "skipped",
    }
    for check in report.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=report.verb, name=check.name, time=f"{check.wall_seconds:.3f}"
        )
        if check.state in tags:
            told = ElementTree.SubElement(case, tags[check.state], message=_printable(check.says))
            told.text = _printable("\n".join(str(finding) for finding in check.findings))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def sarif(report: Report) -> dict[str, Any]:
    """As SARIF 2.1.0, one result for each finding, for the code page of a CI system."""
    found = [(check.name, finding) for check in report.checks for finding in check.findings]
    rules = sorted({f"{check}/{finding.rule}" for check, finding in found})
    driver = {"name": "fleetcast", "rules": [{"id": rule} for rule in rules]}
    results = [_result(check, finding) for check, finding in found]
    return {"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(check: str, finding: Finding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ruleId": f"{check}/{finding.rule}",
        "level": finding.level,
        "message": {"text": finding.message},
    }
    if finding.path is not None:
        place: dict[str, Any] = {"artifactLocation": {"uri": finding.path}}
        if finding.line is not None:
            place["region"] = {"startLine": finding.line}
        made["locations"] = [{"physicalLocation": place}]
    return made


MARKS: Mapping[State, str] = {
    "passed": "✓",
    "failed": "✕",
    "refused": "✕",
    "infrastructure": "!",
    "skipped": "–",
}


def summary(report: Report) -> str:
    """As Markdown, for the page of a pull request."""
    about = " · ".join(f"{name} `{value}`" for name, value in report.subject.items() if value)
    lines = [f"## {MARKS[report.state]} `fleetcast {report.verb}`: {report.state}", ""]
    lines += [about, ""] if about else []
    lines += ["| | check | | CPU s |", "|---|---|---|---:|"]
    for check in report.checks:
        lines.append(
            f"| {MARKS[check.state]} | {check.name} | {_cell(check.says)} | {check.cpu_seconds:.1f} |"
        )
    for check in report.checks:
        lines += _found(check)
    return "\n".join(lines) + "\n"


SHOWN = 20  # findings of a check that a summary shows


def _found(check: Check) -> Iterable[str]:
    if check.findings:
        yield from ["", f"### {check.name}", ""]
        yield from (f"- {_cell(str(finding))}" for finding in check.findings[:SHOWN])
    if len(check.findings) > SHOWN:
        yield f"- … and {len(check.findings) - SHOWN} more, in report.json"


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def _printable(text: str) -> str:
    """Without what XML cannot hold: a tool's colours must not make a report unreadable."""
    return "".join(sign for sign in text if sign in "\t\n" or sign >= " ")
