"""Emitted files as they should be and as they are: what is new, changed, or somebody else's."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Literal

from fleetcast.delivery.pipelines import hooks
from fleetcast.domain.errors import UsageError

MARK = "fleetcast ci emit"  # what every file that was emitted says of itself


@dataclass(frozen=True, slots=True)
class Emitted:
    """A file of a host: whether what is there is what should be, and where it differs."""

    path: str
    state: Literal["same", "new", "changed", "gone", "foreign"]
    diff: str = ""


def compare(folder: Path, wanted: Mapping[str, str]) -> list[Emitted]:
    """Hold the files of a folder against what they should be; also those that were emitted once, and are no more."""
    return [_compared(folder, path, text) for path, text in wanted.items()] + [
        Emitted(path, "gone", _diff(path, (folder / path).read_text("utf-8"), ""))
        for path in _left(folder, wanted)
    ]


def _compared(folder: Path, path: str, text: str) -> Emitted:
    if not (folder / path).is_file():
        return Emitted(path, "new", _diff(path, "", text))
    there = (folder / path).read_text("utf-8", errors="replace")
    if there == text and (path != hooks.PRE_RECEIVE or os.access(folder / path, os.X_OK)):
        return Emitted(path, "same")
    return Emitted(path, "changed" if MARK in there else "foreign", _diff(path, there, text))


def _left(folder: Path, wanted: Mapping[str, str]) -> Sequence[str]:
    """A workflow that nobody emits any more would still be run."""
    folders = sorted({(folder / path).parent for path in wanted} - {folder})
    found = (path for each in folders for path in sorted(each.glob("fleetcast-*")))
    named = ((path, path.relative_to(folder).as_posix()) for path in found)
    return [name for path, name in named if name not in wanted and MARK in path.read_text("utf-8")]


def _diff(path: str, before: str, after: str) -> str:
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(lines)


def write(
    folder: Path, wanted: Mapping[str, str], emitted: Sequence[Emitted], *, force: bool = False
) -> None:
    """Make the files what they should be. UsageError, and nothing written, where one is somebody else's."""
    foreign = [each.path for each in emitted if each.state == "foreign"]
    if foreign and not force:
        raise UsageError(
            f"{', '.join(foreign)} in {folder}: not written by `{MARK}`, and left as it is;"
            " move it away, or overwrite it with --force"
        )
    for each in emitted:
        path = folder / each.path
        if each.state == "gone":
            path.unlink()
        elif each.state != "same":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[each.path], "utf-8")
            if each.path == hooks.PRE_RECEIVE:
                path.chmod(0o755)  # git passes over a hook that is not executable, and says so to nobody
