"""Where a notebook reaches that it should not: the clock, chance, a shell, one machine's paths, files, the network."""

import ast
import re
from collections.abc import Iterator, Mapping

from fleetcast.delivery.notebooks import calls, scopes
from fleetcast.delivery.notebooks.calls import Call
from fleetcast.delivery.notebooks.parsed import Parsed, Wrong

_ROOTS = "tmp|home|data|mnt|etc|usr|var|Users|opt|root|srv|media|Volumes|dbfs"
_PATH = re.compile(rf"/({_ROOTS})(/|$)|/[\w.-]+/[\w./-]+|~[/\\]|[A-Za-z]:[\\/]|\\\\\w|file:")
_FRAME = "data come in through sources, and a function gets a frame"


def clock_and_chance(parsed: Parsed) -> Iterator[Wrong]:
    """Calls that say something else each time."""
    for _, tree in parsed.trees:
        for call in calls.calls(tree, parsed.aliases):
            if calls.CLOCK.fullmatch(call.name):
                said = f"{call.name} says something else each time; use session.week, or hand the day over"
                yield call.line, "clock", said
            elif (why := calls.unseeded(call)) is not None:
                said = f"{why}; draw with numpy.random.default_rng(seed): the seed that fit is given, or session.seed"
                yield call.line, "chance", said


def shell(parsed: Parsed) -> Iterator[Wrong]:
    """Calls that leave Python."""
    for _, tree in parsed.trees:
        for call in calls.calls(tree, parsed.aliases):
            if calls.SHELL.fullmatch(call.name):
                yield call.line, "shell", f"{call.name} leaves Python; do it outside of the notebook"


def absolute_paths(parsed: Parsed) -> Iterator[Wrong]:
    """Texts that are paths of one machine; a cell's own words about itself are not."""
    for _, tree in parsed.trees:
        words = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in words:
                continue
            if _PATH.match(node.value):
                said = f"{node.value!r} is a path of one machine; the session has the data"
                yield node.lineno, "absolute_path", said


def outside(parsed: Parsed) -> Iterator[Wrong]:
    """What an overriding function must not do: reach for files, the network, or code that nobody can read."""
    for function in parsed.overrides:
        inside = {**parsed.aliases, **calls.aliases(function)}
        for call in calls.calls(function, inside):
            yield from _reached(function.name, call)
        for line, name in _modules(function, inside):
            if calls.NETWORK.fullmatch(name):
                yield line, "network", f"{function.name} uses {name}; {_FRAME}"


def _modules(function: scopes.Function, inside: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """What a function imports, or finds imported."""
    for node in ast.walk(function):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
    for name, line in scopes.free(function).items():
        yield line, inside.get(name, "")


def _reached(name: str, call: Call) -> Iterator[Wrong]:
    called = call.name or call.method
    if calls.NETWORK.fullmatch(call.name):
        yield call.line, "network", f"{name} uses {called}; {_FRAME}"
    elif calls.FILES.fullmatch(call.name) or calls.FILE_METHODS.fullmatch(call.method):
        yield call.line, "file", f"{name} calls {called}; {_FRAME}"
    elif calls.CODE.fullmatch(call.name):
        yield call.line, "code", f"{name} calls {called}: what it does cannot be read; write it out"
