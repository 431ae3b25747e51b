"""The last lines that the runs of a cycle logged."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetcast.reading.grants import Regions
from fleetcast.workspace import Workspace

NEWEST = 4 * 1024 * 1024  # bytes of the log that are looked into
LINES = 200
HEAD = frozenset({"at", "event", "level", "run", "cycle", "environment"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """When, how grave, what, and the fields beside it."""

    at: str
    level: str
    event: str
    fields: str


def tail(w: Workspace, regions: Regions, cycle: str, *, lines: int = LINES) -> list[LogLine]:
    """The newest lines of a cycle, the newest first. They tell of the whole fleet: nobody else is told any."""
    if regions is not None or not w.log.is_file():
        return []
    found = list(_read(w.log))
    runs = {line.get("run") for line in found if line.get("cycle") == cycle} - {None}
    mine = [line for line in found if line.get("cycle") == cycle or line.get("run") in runs]
    return [_line(line) for line in mine[: -lines - 1 : -1]]


def _read(path: Path) -> Iterator[Mapping[str, Any]]:
    """The lines at the end of a log; one that was cut off is none."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - NEWEST))
        content = stream.read(NEWEST)
    for text in content.decode("utf-8", "replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line


def _line(line: Mapping[str, Any]) -> LogLine:
    rest = " ".join(f"{name}={_short(value)}" for name, value in line.items() if name not in HEAD)
    return LogLine(str(line.get("at", "")), str(line.get("level", "")), str(line.get("event", "")), rest)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
