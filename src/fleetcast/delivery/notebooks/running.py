"""A notebook from top to bottom, in a process that knows nothing else; twice, because what is drawn or timed shows only then."""

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetcast.delivery.notebooks import scopes
from fleetcast.delivery.notebooks.overrides import Override
from fleetcast.delivery.notebooks.percent import Cell, Notebook
from fleetcast.delivery.report import Finding
from fleetcast.domain.errors import InfrastructureError

LIMIT = 1800  # seconds that a run may take
PROGRAM = "fleetcast.delivery.notebooks.kernel"


@dataclass(frozen=True)
class Ran:
    """What a run left: what went wrong, the values after each cell, the contract of what was overridden."""

    findings: tuple[Finding, ...]
    cells: tuple[Mapping[str, str], ...]  # name → fingerprint, cell by cell
    contract: Mapping[str, Any]

    @property
    def override(self) -> Override | None:
        """What the notebook overrides, as far as it was tried."""
        found: Override | None = self.contract.get("override")
        return found


def run(notebook: Notebook, *, hash_seed: int = 0) -> Ran:
    """Run it once, in its own folder as Jupyter does; `hash_seed` decides the order of sets, which nothing may depend on."""
    with tempfile.TemporaryDirectory(prefix="fleetcast-kernel-") as folder:
        out = Path(folder) / "ran.json"
        try:
            done = subprocess.run(  # noqa: S603 — this Python, with a module of ours
                [sys.executable, "-m", PROGRAM, str(notebook.path.resolve()), str(out)],
                cwd=notebook.path.parent,
                env=os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InfrastructureError(f"{notebook.path} was still running after {LIMIT} seconds") from error
        if not out.is_file():
            raise InfrastructureError(f"the kernel of {notebook.path} died: {done.stderr.strip()[-2000:]}")
        said = json.loads(out.read_text("utf-8"))
    path = f"notebooks/{notebook.path.name}"
    found = (Finding(one["rule"], one["message"], path, one["line"]) for one in said["findings"])
    return Ran(tuple(found), tuple(said["cells"]), said["contract"])


def twice(notebook: Notebook) -> Ran:
    """Run it twice; values that differ are findings, at the line that makes them."""
    first = run(notebook)
    if first.findings:
        return first
    again = run(notebook, hash_seed=1)
    path = f"notebooks/{notebook.path.name}"
    for cell, one, other in zip(notebook.code, first.cells, again.cells, strict=False):
        moved = [name for name in one if one[name] != other.get(name)]
        if moved:
            lines = {name: _made(cell, name) for name in moved}
            name = min(moved, key=lambda name: lines[name])
            said = f"`{name}` is another value the second time; seed what is drawn with session.seed, sort what has no order"
            return Ran((Finding("nondeterminism", said, path, lines[name]),), first.cells, first.contract)
    if again.findings:
        return again
    return first


def _made(cell: Cell, name: str) -> int:
    """The line of a cell that gives a name its value."""
    tree = ast.parse("\n" * (cell.line - 1) + cell.text)
    return next((e.line for e in scopes.events(tree) if e.what == "bind" and e.name == name), cell.line)
