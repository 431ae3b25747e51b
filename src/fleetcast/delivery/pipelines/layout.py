"""YAML as a person would lay it out: mappings and lists in the order given, with remarks; the same bytes every time."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Scalar: TypeAlias = str | int | bool
Node: TypeAlias = "Scalar | Noted | Mapping[str, Node] | list[Any]"  # a list's items are nodes too

HEADER = "Written by `fleetcast ci emit`; do not edit it: the next time it is written anew."
_PLAIN = re.compile(r"[A-Za-z_./$(][A-Za-z0-9_ ./$(){}'\"=|&!*@+,:;#<>~%^-]*")
_ELSE = re.compile(  # what YAML 1.1 or 1.2 reads as something else than text
    r"(?i)y|n|yes|no|on|off|true|false|null|~|[-+.]?(inf|nan)|\.\d.*"
)
_HIDDEN = re.compile(
    "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)  # what JSON leaves as it is, and YAML may not hold


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with a remark behind it."""

    value: Scalar
    remark: str


def document(root: Mapping[str, Node], *, about: Sequence[str] = ()) -> str:
    """A whole file. A key that begins with `#` is a line of remark before what follows it.

    >>> print(document({"on": "push", "# why": "", "jobs": [{"run": "make: all", "uses": Noted("a@1", "v1")}]}), end="")
    # Written by `fleetcast ci emit`; do not edit it: the next time it is written anew.
    <BLANKLINE>
    'on': push
    # why
    jobs:
      - run: 'make: all'
        uses: a@1 # v1
    """
    head = [f"# {line}" if line else "#" for line in (HEADER, *about)]
    return "\n".join([*head, "", *_mapping(root, 0)]) + "\n"


def _mapping(node: Mapping[str, Node], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for key, value in node.items():
        if key.startswith("#"):
            yield f"{pad}{key}"
        elif _flat(value):
            yield f"{pad}{scalar(key)}: {_shown(value)}"
        else:
            yield f"{pad}{scalar(key)}:"
            yield from _block(value, depth + 1)


def _block(value: Node, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _mapping(value, depth)
    elif isinstance(value, list):
        for item in value:
            yield from _item(item, depth)


def _item(item: Node, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if _flat(item):
        yield f"{pad}- {_shown(item)}"
        return
    remarks = [key for key in item if key.startswith("#")] if isinstance(item, Mapping) else []
    yield from (f"{pad}{remark}" for remark in remarks)
    if isinstance(item, Mapping):
        item = {key: value for key, value in item.items() if key not in remarks}
    first, *rest = _block(item, depth + 1)
    yield f"{pad}- {first.lstrip(' ')}"
    yield from rest


def _flat(value: Node) -> bool:
    return isinstance(value, str | int | Noted) or not value


def _shown(value: Node) -> str:
    if isinstance(value, Noted):
        return f"{scalar(value.value)} # {value.remark}"
    if isinstance(value, str | int):
        return scalar(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def scalar(value: Scalar) -> str:
    """A scalar; text that YAML could read otherwise is quoted.

    >>> [scalar(each) for each in ("a b", "on", "3.12", "a: b", True, 3)]
    ['a b', "'on'", "'3.12'", "'a: b'", 'true', '3']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    plain = _PLAIN.fullmatch(value) and not _ELSE.fullmatch(value)
    risky = ": " in value or " #" in value or value.endswith((":", " "))
    if plain and not risky:
        return value
    if value.isprintable() and "'" not in value and value:
        return f"'{value}'"
    return _HIDDEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(value, ensure_ascii=False))
