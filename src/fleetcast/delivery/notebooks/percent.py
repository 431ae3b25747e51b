"""Notebooks as paired percent scripts: cells that begin with `# %%`, as Jupytext and editors write them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fleetcast.domain.errors import UsageError

CellKind = Literal["code", "markdown", "raw"]

_HEADER = re.compile(r"# %%(?P<rest>(?:[ \[].*)?)$")
_TAGS = re.compile(r"tags=(?P<tags>\[[^\]]*\])")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: `line` is that of its header (from 1), or of its first line where it has none."""

    kind: CellKind
    tags: tuple[str, ...]
    line: int
    text: str  # with the header, so that the first line of the text is `line`


@dataclass(frozen=True, slots=True)
class Notebook:
    """A script and its cells."""

    path: Path
    text: str
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def code(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.kind == "code")

    def tagged(self, tag: str) -> tuple[Cell, ...]:
        """The code cells with a tag."""
        return tuple(cell for cell in self.code if tag in cell.tags)

    @property
    def title(self) -> str:
        """The first heading, else the notebook's name."""
        for cell in self.cells:
            if cell.kind == "markdown":
                for line in cell.text.splitlines():
                    if line.startswith("# # "):
                        return line.removeprefix("# # ").strip()
        return self.name


def read(path: Path) -> Notebook:
    """The notebook in a file."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}; write it with `fleetcast nb new NAME`") from error
    return parse(path, text)


def parse(path: Path, text: str) -> Notebook:
    """The cells of a script; a comment block between `# ---` lines at its top is the header of Jupytext."""
    return Notebook(path, text, tuple(_cells(text)))


def place(workspace: Path, name: str) -> Path:
    """The file of a notebook by its name, which is also what its function will be called in the package."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a notebook: write lower-case letters, digits and _, as `price_steps`"
        )
    return workspace / "notebooks" / f"{name}.py"


def _cells(text: str) -> Iterator[Cell]:
    kind: CellKind = "code"
    tags: tuple[str, ...] = ()
    begin, held = 1, list[str]()
    for number, line in enumerate(_without_header(text), start=1):
        header = _HEADER.match(line)
        if header:
            if any(each.strip() for each in held):
                yield Cell(kind, tags, begin, "\n".join(held))
            kind, tags, begin, held = _kind(header["rest"]), _tags(header["rest"]), number, []
        held.append(line)
    if any(each.strip() for each in held):
        yield Cell(kind, tags, begin, "\n".join(held))


def _without_header(text: str) -> list[str]:
    """The lines, those of Jupytext's header empty."""
    lines = text.splitlines()
    if lines and lines[0].rstrip() == "# ---":
        end = next((at for at, line in enumerate(lines[1:], start=1) if line.rstrip() == "# ---"), 0)
        lines[: end + 1] = [""] * (end + 1)
    return lines


def _kind(rest: str) -> CellKind:
    return "markdown" if "[markdown]" in rest or "[md]" in rest else "raw" if "[raw]" in rest else "code"


def _tags(rest: str) -> tuple[str, ...]:
    found = _TAGS.search(rest)
    try:
        tags = json.loads(found["tags"]) if found else []
    except json.JSONDecodeError:
        return ()
    return tuple(str(tag) for tag in tags)
