"""Tagged cells: what they may hold, and that their functions stand alone, as they will in the package."""

import ast
from collections.abc import Callable, Iterator

from fleetcast.delivery.notebooks import scopes
from fleetcast.delivery.notebooks.overrides import FUNCTIONS, IMPORTS, PARAMETERS, TAGS
from fleetcast.delivery.notebooks.parsed import BUILTINS, Parsed, Wrong

RULE = "tagged_cell"


def closures(parsed: Parsed) -> Iterator[Wrong]:
    """Names that an overriding function finds in the notebook, and would not find in the package."""
    beside = parsed.bound(IMPORTS) | parsed.bound(PARAMETERS) | BUILTINS
    beside |= {function.name for function in parsed.overrides}
    for _, tree in parsed.tagged(*TAGS):
        events = scopes.events(tree)
        own = {event.name for event in events if event.what == "bind"}
        for event in events:
            if event.what in ("read", "later") and event.name not in beside | own:
                said = f"`{event.name}` comes from the notebook around the function; hand it over, or put it in a cell tagged"
                yield event.line, "closure", f'{said} "{IMPORTS}" or "{PARAMETERS}"'


def tagged_cells(parsed: Parsed) -> Iterator[Wrong]:
    """What cells with a tag may hold."""
    only: dict[tuple[str, ...], tuple[Callable[[ast.stmt], bool], str]] = {
        tuple(TAGS): (_is_function, "a tagged cell defines functions"),
        (IMPORTS,): (_is_import, f'a cell tagged "{IMPORTS}" imports'),
        (PARAMETERS,): (_is_constant, f'a cell tagged "{PARAMETERS}" names constants, as WEEKS = 8,'),
    }
    for names, (allowed, does) in only.items():
        for _, tree in parsed.tagged(*names):
            for node in tree.body:
                if not _says_nothing(node) and not allowed(node):
                    yield node.lineno, RULE, f"{does} and does nothing else; move this to a cell of its own"


def tags(parsed: Parsed) -> Iterator[Wrong]:
    """Which functions there have to be."""
    for tag, wanted in TAGS.items():
        cells = list(parsed.tagged(tag))
        named = {function.name for _, tree in cells for function in scopes.functions(tree)}
        for missing in sorted(set(wanted) - named) if cells else ():
            said = f'what is tagged "{tag}" defines {missing}{FUNCTIONS[missing]}; this does not'
            yield cells[0][0].line, RULE, said
    explained = [cell.line for cell, _ in parsed.tagged("explain") if "recipe" not in cell.tags]
    for line in explained:
        said = '`explain` is part of a recipe, beside fit and predict; tag its cell "recipe"'
        yield line, RULE, said
    if not explained and not any(True for _ in parsed.tagged(*TAGS)):
        said = 'no cell is tagged; tag the one that has your function, as `# %% tags=["features"]`'
        yield 1, "nothing_tagged", f"{said}; there are {', '.join(TAGS)}"


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom)


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_constant(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return all(isinstance(target, ast.Name) for target in targets)
