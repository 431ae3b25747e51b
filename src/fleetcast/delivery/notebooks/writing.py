"""From functions of a notebook to a module of the workspace's package: their source, what they import, their parameters."""

import ast
import inspect
import textwrap
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetcast.delivery.notebooks import scopes
from fleetcast.delivery.notebooks.overrides import IMPORTS, PARAMETERS, Override
from fleetcast.delivery.notebooks.percent import Notebook
from fleetcast.domain.errors import UsageError
from fleetcast.own import Kind

KINDS: Mapping[Override, Kind] = {"features": "features", "recipe": "recipes"}
ONE: Mapping[Override, str] = {"features": "feature", "recipe": "recipe"}


@dataclass(frozen=True)
class Pieces:
    """What a module is made of, each as source."""

    imports: tuple[str, ...]
    parameters: tuple[str, ...]
    functions: tuple[str, ...]


def of_notebook(notebook: Notebook, override: Override) -> Pieces:
    """The tagged functions of a notebook, as they are written there, and of its other tagged cells what they use."""
    cells = [(cell, ast.parse(cell.text)) for cell in notebook.tagged(override)]
    written = tuple(
        "\n".join(cell.text.split("\n")[_first(function) - 1 : function.end_lineno])
        for cell, tree in cells
        for function in scopes.functions(tree)
    )
    used = _used(written)
    beside = [*notebook.tagged(IMPORTS), *(cell for cell, _ in cells)]
    imports = [node for cell in beside for node in ast.parse(cell.text).body]
    constants = [node for cell in notebook.tagged(PARAMETERS) for node in ast.parse(cell.text).body]
    return Pieces(
        tuple(dict.fromkeys(line for node in imports for line in _imported(node, used))),
        tuple(ast.unparse(node) for node in constants if _names(node) & used),
        written,
    )


def of_functions(functions: Sequence[Callable[..., Any]]) -> Pieces:
    """The same of functions that were defined in a notebook which is running."""
    found: dict[str, types.FunctionType] = {}
    imports: dict[str, str] = {}
    parameters: dict[str, str] = {}
    open_ = [inspect.unwrap(function) for function in functions]
    while open_:
        function = open_.pop(0)
        if not isinstance(function, types.FunctionType):
            raise UsageError(f"{function!r} is no function that was defined here")
        if function.__name__ in found:
            continue
        found[function.__name__] = function
        for name in sorted(_used([_source(function)])):
            value = inspect.unwrap(function.__globals__[name]) if name in function.__globals__ else None
            if value is None:
                continue
            if isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
                open_.append(value)
            elif isinstance(value, types.ModuleType):
                imports[name] = f"import {value.__name__}" + (f" as {name}" if value.__name__ != name else "")
            elif hasattr(value, "__module__") and hasattr(value, "__qualname__"):
                imports[name] = f"from {value.__module__} import {value.__qualname__}" + (
                    f" as {name}" if value.__qualname__ != name else ""
                )
            elif isinstance(value, str | int | float | bool | tuple | list | dict):
                parameters[name] = f"{name} = {value!r}"
            else:
                raise UsageError(
                    f"{function.__name__} reads `{name}` from the notebook around it: hand it over, or make it a constant"
                )
    return Pieces(
        tuple(sorted(imports.values())),
        tuple(parameters.values()),
        tuple(_source(function).rstrip() for function in found.values()),
    )


def module(
    override: Override, pieces: Pieces, *, about: str, columns: Mapping[str, str] | None = None
) -> str:
    """The text of the module."""
    head = f'"""{about}"""'
    declared = []
    if override == "features":
        pairs = ", ".join(f'"{name}": "{read}"' for name, read in (columns or {}).items())
        declared = [f"COLUMNS = {{{pairs}}}  # read at the week itself, or at the origin"]
    parts = [head, "\n".join(pieces.imports), "\n".join([*declared, *pieces.parameters])]
    top = "\n\n".join(part for part in parts if part)
    return "\n\n\n".join([top, *pieces.functions]) + "\n"


def _first(function: scopes.Function) -> int:
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _source(function: types.FunctionType) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise UsageError(f"the source of {function.__name__} cannot be found; define it in a cell") from error


def _used(functions: Sequence[str]) -> set[str]:
    """All names that functions look for outside of themselves, those of their signatures included."""
    tree = ast.parse("\n\n".join(functions))
    return {event.name for event in scopes.events(tree) if event.what in ("read", "later")}


def _imported(node: ast.stmt, used: set[str]) -> list[str]:
    """An import statement without the names that nobody uses."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return []
    wanted = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) in used]
    if not wanted:
        return []
    if isinstance(node, ast.Import):
        return [ast.unparse(ast.Import([alias])) for alias in wanted]
    return [ast.unparse(ast.ImportFrom(node.module, wanted, node.level))]


def _names(node: ast.stmt) -> set[str]:
    return {event.name for event in scopes.events(ast.Module([node], [])) if event.what == "bind"}
