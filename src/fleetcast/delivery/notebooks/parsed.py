"""A notebook as Python: the tree of each cell, and what its names stand for."""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from fleetcast.delivery.notebooks import calls, scopes
from fleetcast.delivery.notebooks.overrides import TAGS
from fleetcast.delivery.notebooks.percent import Cell, Notebook
from fleetcast.delivery.notebooks.scopes import Function

Wrong = tuple[int, str, str]  # line, rule, message

BUILTINS = {*dir(builtins), "__name__", "__file__", "__doc__"}
_MAGIC = re.compile(r"\s*(%{1,2}[A-Za-z]|!|\?)")
_COMMENTED_MAGIC = re.compile(r"# ?(%[A-Za-z]|!\s?[a-z]|%%[A-Za-z])")
_NO_MAGIC = "`{}` is IPython's, and no Python; write it as Python, or do it outside of the notebook"


@dataclass(frozen=True)
class Parsed:
    """A notebook whose cells are Python."""

    notebook: Notebook
    trees: tuple[tuple[Cell, ast.Module], ...]

    @cached_property
    def aliases(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for _, tree in self.trees:
            found |= calls.aliases(tree)
        return found

    def tagged(self, *tags: str) -> Iterator[tuple[Cell, ast.Module]]:
        return ((cell, tree) for cell, tree in self.trees if set(tags) & set(cell.tags))

    @cached_property
    def overrides(self) -> tuple[Function, ...]:
        """Every function of the tagged cells: the overriding ones and those they call."""
        return tuple(function for _, tree in self.tagged(*TAGS) for function in scopes.functions(tree))

    def bound(self, tag: str) -> set[str]:
        """The names that the cells of a tag define."""
        return {e.name for _, tree in self.tagged(tag) for e in scopes.events(tree) if e.what == "bind"}


def parsed(notebook: Notebook) -> tuple[Parsed, list[Wrong]]:
    """What of a notebook is Python, and what is not."""
    trees, found = [], list(_commented_magic(notebook))
    for cell in notebook.code:
        tree, wrong = _tree(cell)
        found += wrong
        if tree is not None:
            trees.append((cell, tree))
    return Parsed(notebook, tuple(trees)), found


def _tree(cell: Cell) -> tuple[ast.Module | None, list[Wrong]]:
    """The cell's code, magics taken out; None where it is no Python."""
    lines, found = cell.text.split("\n"), list[Wrong]()
    while True:
        try:
            return ast.parse("\n" * (cell.line - 1) + "\n".join(lines)), found
        except SyntaxError as error:
            line = error.lineno or cell.line
            at = min(max(line - cell.line, 0), len(lines) - 1)
            if not _MAGIC.match(lines[at]) and at and _MAGIC.match(lines[at - 1]):
                at -= 1
            if not _MAGIC.match(lines[at]):
                found.append((line, "syntax", f"no Python: {error.msg}; correct the line"))
                return None, found
            found.append((cell.line + at, "magic", _NO_MAGIC.format(lines[at].strip())))
            lines[at] = lines[at][: len(lines[at]) - len(lines[at].lstrip())] + "pass"


def _commented_magic(notebook: Notebook) -> Iterator[Wrong]:
    """Jupytext writes a magic as a comment, and IPython gets it back as a magic."""
    for cell in notebook.code:
        for number, line in enumerate(cell.text.split("\n"), start=cell.line):
            if _COMMENTED_MAGIC.match(line):
                yield number, "magic", _NO_MAGIC.format(line.strip())
