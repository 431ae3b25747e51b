"""The check `lint`: does ruff find nothing to say about the code, and is it formatted?"""

import json
from collections.abc import Iterator
from typing import Any

from fleetcast.delivery.checks.measured import counted, within
from fleetcast.delivery.checks.tools import Ran, Toolbox
from fleetcast.delivery.report import Check, Finding

NOTEBOOKS = "notebooks"  # held to `nb check`: a cell that shows a value is none of ruff's business


def lint(tools: Toolbox) -> Check:
    tools.need("ruff")
    as_json = ("--output-format", "json", "--extend-exclude", NOTEBOOKS, ".")
    runs = [tools.run("ruff", "check", *as_json), tools.run("ruff", "format", "--check", *as_json)]

    broken = next((run for run in runs if run.code and not _told(run)), None)
    if broken is not None:
        return Check("lint", "failed", "ruff could not look", (Finding("ruff", broken.last_words),))
    # A syntax error is told by both runs, and once is enough.
    found = tuple(dict.fromkeys(finding for run in runs for finding in _findings(tools, run)))
    if found:
        return Check("lint", "failed", f"{counted(len(found), 'problem')} found by ruff", found)
    return Check("lint", "passed", "ruff has nothing to say, and the code is formatted")


def _told(run: Ran) -> list[dict[str, Any]]:
    """What a run found; nothing when it could not look, and said why in words."""
    told: list[dict[str, Any]] = json.loads(run.out) if run.out.startswith("[") else []
    return told


def _findings(tools: Toolbox, run: Ran) -> Iterator[Finding]:
    for one in _told(run):
        yield Finding(
            one["code"] or "ruff",
            one["message"],
            within(tools.folder, one["filename"]),
            one["location"]["row"],
        )
