"""One setting changed in a text of TOML, everything else as it was: comments, order, spaces."""

import json
import re
import tomllib
from copy import deepcopy
from typing import Any

from fleetcast.domain.errors import UsageError

_HEADER = re.compile(r"\s*\[(?P<name>[^\[\]]+)\]\s*(#.*)?$")


def changed(text: str, place: tuple[str, ...], value: str | list[str]) -> str:
    """The text with one key set; UsageError where a person has to do it, as in a table written in one line.

    >>> print(changed('[training]\\nrounds = 4  # few\\n', ("training", "recipe"), "own:ewma"), end="")
    [training]
    recipe = "own:ewma"
    rounds = 4  # few
    """
    *table, key = place
    wanted = deepcopy(before := tomllib.loads(text))
    inner: dict[str, Any] = wanted
    for part in table:
        inner = inner.setdefault(part, {})
    inner[key] = value
    if wanted == before:
        return text
    written = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    lines = text.splitlines()
    at = _header(lines, ".".join(table))
    if at is None:
        lines += ["", f"[{'.'.join(table)}]", written]
    else:
        end = next((i for i in range(at + 1, len(lines)) if lines[i].lstrip().startswith("[")), len(lines))
        there = [i for i in range(at + 1, end) if re.match(rf"\s*{re.escape(key)}\s*=", lines[i])]
        if there:
            lines[there[0]] = written
        else:
            lines.insert(at + 1, written)
    made = "\n".join(lines) + "\n"
    try:
        same = tomllib.loads(made) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise UsageError(
            f"[{'.'.join(table)}] is written so that `{written}` has to be put in by hand; do so, and try again"
        )
    return made


def _header(lines: list[str], name: str) -> int | None:
    for number, line in enumerate(lines):
        found = _HEADER.match(line)
        if found and found["name"].replace(" ", "") == name:
            return number
    return None
