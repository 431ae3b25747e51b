"""State that a fresh kernel does not have, or that functions change behind one's back."""

import ast
from collections.abc import Iterable, Iterator

from fleetcast.delivery.notebooks import scopes
from fleetcast.delivery.notebooks.parsed import BUILTINS, Parsed, Wrong
from fleetcast.delivery.notebooks.scopes import Function

# methods that change what they are called on
LISTS = "append extend insert remove pop clear sort reverse update setdefault popitem add discard"
FRAMES = "insert_column replace_column drop_in_place extend clear scatter set_at_idx resize fill"
OF_GLOBALS = frozenset(f"{LISTS} {FRAMES}".split())
OF_INPUTS = frozenset(FRAMES.split())


def hidden(parsed: Parsed) -> Iterator[Wrong]:
    """Names that only another order of cells defines, or none."""
    everything = [event for _, tree in parsed.trees for event in scopes.events(tree)]
    first: dict[str, int] = {}
    for event in everything:
        if event.what == "bind":
            first.setdefault(event.name, event.line)
    ever, known = BUILTINS | first.keys(), set(BUILTINS)
    for event in everything:
        if event.what == "bind":
            known.add(event.name)
        elif event.what == "drop":
            known.discard(event.name)
        elif event.name not in (known if event.what == "read" else ever):
            yield event.line, "hidden_state", _unknown(event.name, first.get(event.name), event.line)


def _unknown(name: str, defined: int | None, line: int) -> str:
    if defined is None:
        return f"`{name}` is defined by no cell: a kernel may still hold it, a fresh one does not; define it above"
    if defined < line:
        return f"`{name}` was deleted before; define it again, or do not delete it"
    return f"`{name}` is defined first at line {defined}: the cells only work in another order; move that cell up"


def wildcards(parsed: Parsed) -> Iterator[Wrong]:
    """Imports that do not say what they define."""
    for _, tree in parsed.trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                said = f"from {node.module} import *: nobody sees what it defines; name each"
                yield node.lineno, "wildcard_import", said
            if isinstance(node, ast.ImportFrom) and node.level:
                yield node.lineno, "relative_import", "a notebook is in no package; import by the full name"


def changed_globals(parsed: Parsed) -> Iterator[Wrong]:
    """Functions that change what is outside of them."""
    for _, tree in parsed.trees:
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                outside = scopes.free(function).keys() - parsed.aliases.keys()
                for line, name in _changed(function, outside, OF_GLOBALS):
                    said = f"{function.name} changes `{name}`, which is outside of it; return a value instead"
                    yield line, "global", said


def changed_inputs(parsed: Parsed) -> Iterator[Wrong]:
    """Overriding functions that change what they are given."""
    for function in parsed.overrides:
        for line, name in _changed(function, scopes.parameters(function), OF_INPUTS):
            said = f"{function.name} changes `{name}` where it lies; return a new one, as with_columns does"
            yield line, "mutation", said


def _changed(function: Function, names: Iterable[str], methods: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Where a function changes what these names stand for."""
    names = set(names)
    for node in ast.walk(function):
        if isinstance(node, ast.Global):
            yield from ((node.lineno, name) for name in node.names)
        for target in _targets(node, methods):
            base = target
            while isinstance(base, ast.Attribute | ast.Subscript):
                base = base.value
            if isinstance(base, ast.Name) and base is not target and base.id in names:
                yield target.lineno, base.id


def _targets(node: ast.AST, methods: frozenset[str]) -> list[ast.expr]:
    """What a piece of code changes: parts of things, not names."""
    if isinstance(node, ast.Assign | ast.Delete):
        return node.targets
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [node.target]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        placed = any(k.arg in ("in_place", "inplace") and _is_true(k.value) for k in node.keywords)
        return [node.func] if node.func.attr in methods or placed else []
    return []


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True
