"""What a server keeps of checks that ran: one file for each tree and verb, beside the repository's objects."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fleetcast.delivery.repository import Repository
from fleetcast.domain.errors import CorruptError, UsageError

REPORT = "report.json"
_VERB = re.compile(r"[a-z]+(?:(?: |-| --)[a-z]+)*")
_TREE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a verb ended for a tree; `counts` when it passed and looked at something."""

    verb: str
    tree: str
    state: str
    recorded: datetime
    by: str

    @property
    def counts(self) -> bool:
        return self.state == "passed"


def record(repository: Repository, reports: Path, *, now: datetime, by: str) -> Verdict:
    """Keep the report in a folder as evidence for its tree. What was recorded before is listed in it, and no longer counts."""
    from fleetcast.lake.durable import write_file  # a room of engines, which reading does not need

    report = _report(reports / REPORT)
    verdict = Verdict(report["verb"], _tree_of(report, repository), _state(report), now, by)
    path = _path(repository, verdict.tree, verdict.verb)
    before = _read(path, verdict.tree, verdict.verb) if path.exists() else {}
    earlier = [*before.get("earlier", []), before["verdict"]] if before else []
    document = {"schema": 1, "verdict": _plain(verdict), "earlier": earlier, "report": report}
    text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)
    write_file(path, f"{text}\n".encode())
    return verdict


def verdicts(repository: Repository, tree: str, verbs: tuple[str, ...]) -> Mapping[str, str]:
    """How each of these verbs ended for a tree, where that was recorded."""
    paths = {verb: _path(repository, tree, verb) for verb in verbs}
    return {
        verb: _read(path, tree, verb)["verdict"]["state"] for verb, path in paths.items() if path.exists()
    }


def _path(repository: Repository, tree: str, verb: str) -> Path:
    return repository.folder / "fleetcast" / "checks" / tree / f"{verb.replace(' ', '-')}.json"


def _read(path: Path, tree: str, verb: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        found = document["verdict"]["tree"], document["verdict"]["verb"], document["verdict"]["state"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            f"{path} is no record of a check: {error}; delete it and record the check again"
        ) from error
    if found[:2] != (tree, verb):
        raise CorruptError(f"{path} is about {found[1]!r} for tree {found[0]}; somebody moved or changed it")
    return document


def _plain(verdict: Verdict) -> dict[str, Any]:
    return asdict(verdict) | {"recorded": verdict.recorded.isoformat()}


def _report(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UsageError(f"{path} does not exist; name the folder that a verb wrote with `--report DIR`")
    try:
        report = json.loads(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}; run the verb again") from error
    if not isinstance(report, dict) or not _VERB.fullmatch(str(report.get("verb"))):
        raise UsageError(f"{path} is no report of a verb of Fleetcast: it names none; run the verb again")
    return report


def _tree_of(report: Mapping[str, Any], repository: Repository) -> str:
    """The tree that a report is about: the one it names, or that of its commit."""
    subject = report.get("subject") or {}
    if subject.get("dirty"):
        raise UsageError(
            f"the report of `{report['verb']}` is about files that were not committed; commit, and run it again"
        )
    if _TREE.fullmatch(str(subject.get("tree"))):
        return str(subject["tree"])
    if _TREE.fullmatch(str(subject.get("commit"))):
        return repository.commit(str(subject["commit"])).tree
    raise UsageError(
        f"the report of `{report['verb']}` says neither `tree` nor `commit` in its subject; run it in a checkout"
    )


def _state(report: Mapping[str, Any]) -> str:
    """How a report ended; one that looked at nothing, or at a part, proves nothing."""
    if report.get("subject", {}).get("only"):
        return "partial"
    return str(report.get("state", "unknown")) if report.get("checks") else "skipped"
