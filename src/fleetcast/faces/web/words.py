"""What pages say: every sentence and word of theirs stands in words.toml, under a name, so that it can be translated."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def catalogue() -> dict[str, str]:
    """All texts by name, `part.name`."""
    text = files(__package__).joinpath("words.toml").read_text("utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def say(name: str, /, **values: object) -> str:
    """The text of a name, with values where it has room for them.

    >>> say("fleet.of", part=2, whole=4)
    '2 of 4'
    """
    return catalogue()[name].format_map(values)


def called(name: str, part: str) -> str:
    """The text of a name in a part, or the name itself, in words, where nobody wrote one: people name keys and sources.

    >>> called("store_format", "key"), called("north-texas", "value")
    ('Format', 'north-texas')
    """
    return catalogue().get(f"{part}.{name}", name.replace("_", " "))


def _flat(tree: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value
