"""The check `types`: does mypy find nothing wrong?"""

import json
import re
from collections.abc import Iterator

from fleetcast.delivery.checks.measured import counted, within
from fleetcast.delivery.checks.tools import CODE, Ran, Toolbox
from fleetcast.delivery.report import Check, Finding, Level

LEVELS: dict[str, Level] = {"error": "error", "warning": "warning"}
# Syntax errors come as text until mypy 2 (github.com/python/mypy/issues/21370).
_TEXT = re.compile(
    r"(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? error: (?P<message>.*?)(?:  \[(?P<code>[\w-]+)\])?"
)


def types(tools: Toolbox) -> Check:
    if not tools.code:
        return Check("types", "skipped", f"there is no code in {CODE}")
    tools.need("mypy")
    configured = tools.configuration("tool", "mypy").keys() & {"files", "modules", "packages"}
    run = tools.run("mypy", "--output", "json", "--no-error-summary", *([] if configured else [CODE]))

    found = tuple(_findings(tools, run))
    errors = sum(finding.level == "error" for finding in found)
    if run.code and not errors:
        return Check("types", "failed", "mypy could not look", (Finding("mypy", run.last_words), *found))
    if errors:
        return Check("types", "failed", f"{counted(errors, 'error')} found by mypy", found)
    return Check("types", "passed", "mypy finds no error", found)


def _findings(tools: Toolbox, run: Ran) -> Iterator[Finding]:
    for line in run.out.splitlines():
        if line.startswith("{"):
            one = json.loads(line)
            message = "\n".join(filter(None, (one["message"], one.get("hint"))))
            level = LEVELS.get(one["severity"], "note")
            place = within(tools.folder, one["file"])
            yield Finding(one["code"] or "mypy", message, place, max(one["line"], 1), level)
        elif text := _TEXT.fullmatch(line):
            place = within(tools.folder, text["file"])
            yield Finding(text["code"] or "mypy", text["message"], place, int(text["line"]))
