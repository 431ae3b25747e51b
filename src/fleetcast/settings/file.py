"""Reading `fleetcast.toml` and `policy.toml`: a tree of settings, or all of its problems at once."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from fleetcast.domain.errors import SettingsError, SettingsProblem
from fleetcast.domain.versions import canonical, digest_of
from fleetcast.settings.conflicts import conflicts
from fleetcast.settings.policy import Policy
from fleetcast.settings.positions import Place, positions
from fleetcast.settings.problems import Examined, Found, examine, within
from fleetcast.settings.tree import Branch, Settings

_Tree = TypeVar("_Tree", bound=Branch)

SCHEMA = 1
_FIRST_LINE = re.compile(rf"schema\s*=\s*{SCHEMA}\s*(?:#.*)?")
_AT = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", re.DOTALL)


def load(path: Path) -> Settings:
    """The settings in a file; SettingsError lists everything that is wrong with it, each with its line."""
    return _load(path, Settings, _conflicts)


def load_policy(path: Path) -> Policy:
    """The policy in a file, which need not be there: a workspace without one has the policy of the defaults."""
    return _load(path, Policy, lambda _: []) if path.exists() else Policy()


def read_policy(kept: bytes) -> Policy:
    """A policy as it was kept in a bank, as JSON."""
    return Policy.model_validate_json(kept)


def _load(path: Path, tree: type[_Tree], conflicting: Callable[[Examined[_Tree]], list[Found]]) -> _Tree:
    text = _text(path)
    document = _parsed(path, text)
    first = list(_first_line(text, document))
    examined = examine(tree, document | {"schema": SCHEMA})
    found = [*examined.found, *conflicting(examined)]
    if examined.tree is not None and not first and not found:
        return examined.tree
    lines = positions(text)
    located = {_problem(path, one, _line(one.place, lines)): None for one in found}  # each said once
    raise SettingsError(
        sorted([*(_problem(path, one, 1) for one in first), *located], key=lambda p: (p.line or 0, p.key))
    )


def branch_digest(branch: Branch) -> str:
    """Digest of a branch with its defaults filled in: equal settings, equal digest, however they were written."""
    return digest_of(branch.model_dump(mode="json", by_alias=True))


def deciding(settings: Settings) -> dict[str, Any]:
    """All settings that can change a number, as JSON: where and when work is done, who is told, rings or looks, cannot."""
    beside = {"execution", "alerts", "webhooks", "telemetry", "serve", "people", "orchestration"}
    written = settings.model_dump(mode="json", by_alias=True, exclude=beside)
    for environment in written["environments"].values():
        del environment["ledger"]
    return written


def deciding_digest(settings: Settings) -> str:
    """Digest of all settings that can change a number."""
    return digest_of(deciding(settings))


def recorded(fields: Mapping[str, Any]) -> Settings:
    """The settings that `deciding` wrote down."""
    return Settings.model_validate_json(canonical(dict(fields)))


def _conflicts(examined: Examined[Settings]) -> list[Found]:
    if examined.tree is None:
        return []
    return [one for one in conflicts(examined.tree) if not within(one.place, examined.unsure)]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        found = Found((path.name,), "no such file", "give the folder of a workspace with --workspace DIR")
        raise SettingsError([_problem(path, found, None)]) from error
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = Found(
            (path.name,), f"byte 0x{content[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        )
        raise SettingsError([_problem(path, found, line)]) from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.fullmatch(str(error))
        line = int(at["line"]) if at else text.count("\n") + 1
        what = f"{at['what']} at column {at['column']}" if at else str(error)
        found = Found((path.name,), f"is no TOML: {what}", "correct the line")
        raise SettingsError([_problem(path, found, line)]) from error


def _first_line(text: str, document: dict[str, Any]) -> Iterator[Found]:
    """The first line names the schema, so that any version can tell what it reads."""
    if _FIRST_LINE.fullmatch(text.split("\n", 1)[0].rstrip()):
        return
    written = document.get("schema")
    if written is None:
        yield Found(
            ("schema",), "the first line does not name it", f"write `schema = {SCHEMA}` as first line"
        )
    elif isinstance(written, int) and written > SCHEMA:
        yield Found(
            ("schema",),
            f"{written} is newer than this Fleetcast, which reads {SCHEMA}",
            "install a newer Fleetcast",
        )
    elif written == SCHEMA:
        yield Found(("schema",), "is not the first line", f"move `schema = {SCHEMA}` to the top")
    else:
        yield Found(("schema",), f"{written!r} is unknown", f"write `schema = {SCHEMA}` as first line")


def _problem(path: Path, found: Found, line: int | None) -> SettingsProblem:
    return SettingsProblem(path, line, _dotted(found.place), found.problem, found.instead)


def _line(place: Place, lines: dict[Place, int]) -> int | None:
    """The line of the key, or of the table it is missing from."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def _dotted(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
