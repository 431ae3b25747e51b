"""Which names a piece of code reads and binds, in the order in which it runs."""

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Event:
    """A name is read now, read later (when a function is called), bound, or dropped."""

    what: Literal["read", "later", "bind", "drop"]
    name: str
    line: int


def events(tree: ast.Module) -> list[Event]:
    """What happens to names at the top level of a cell."""
    watcher = _Watcher()
    for statement in tree.body:
        watcher.visit(statement)
    return watcher.found


def free(node: ast.AST) -> dict[str, int]:
    """The names that the scopes inside a piece of code look for outside of it, each with its first line there."""
    table = symtable.symtable(ast.unparse(node), "<cell>", "exec")
    names = set(_globals(table))
    lines: dict[str, int] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id in names:
            lines[each.id] = min(each.lineno, lines.get(each.id, each.lineno))
    return dict(sorted(lines.items(), key=lambda item: (item[1], item[0])))


def functions(tree: ast.Module) -> list[Function]:
    """The functions that a cell defines at its top level."""
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def parameters(function: Function) -> set[str]:
    """The names of a function's parameters."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return {each.arg for each in [*named, *(extra for extra in (given.vararg, given.kwarg) if extra)]}


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    for child in table.get_children():
        yield from (symbol.get_name() for symbol in child.get_symbols() if symbol.is_global())
        yield from _globals(child)


class _Watcher(ast.NodeVisitor):
    """Walks a cell's statements as they run; what has a scope of its own is looked at by `free`."""

    def __init__(self) -> None:
        self.found: list[Event] = []

    def _bind(self, name: str, line: int) -> None:
        self.found.append(Event("bind", name, line))

    def visit_Name(self, node: ast.Name) -> None:
        what: dict[type[ast.expr_context], Literal["read", "bind", "drop"]] = {
            ast.Load: "read",
            ast.Store: "bind",
            ast.Del: "drop",
        }
        self.found.append(Event(what[type(node.ctx)], node.id, node.lineno))

    def visit_Assign(self, node: ast.Assign) -> None:
        self._each(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._each(node.annotation, node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.found.append(Event("read", node.target.id, node.lineno))
        self._each(node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._each(node.value, node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._each(node.iter, node.target, *node.body, *node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_FunctionDef(self, node: Function) -> None:
        given = node.args
        annotated = [each.annotation for each in [*given.posonlyargs, *given.args, *given.kwonlyargs]]
        self._each(*node.decorator_list, *given.defaults, *given.kw_defaults, *annotated, node.returns)
        self._bind(node.name, node.lineno)
        self._inside(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._each(*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords))
        self._bind(node.name, node.lineno)
        self._inside(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._each(*node.args.defaults, *node.args.kw_defaults)
        self._inside(node)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.visit(node.generators[0].iter)
        for each in ast.walk(node):  # a walrus binds around the comprehension
            if isinstance(each, ast.NamedExpr) and isinstance(each.target, ast.Name):
                self._bind(each.target.id, each.lineno)
        self.found += [Event("read", name, line) for name, line in free(node).items()]

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.split(".")[0], node.lineno)

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._each(node.type)
        if node.name:
            self._bind(node.name, node.lineno)
        self._each(*node.body)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._each(node.pattern)
        if node.name:
            self._bind(node.name, node.lineno)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name, node.lineno)

    def _inside(self, node: ast.AST) -> None:
        self.found += [Event("later", name, line) for name, line in free(node).items()]

    def _each(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)
