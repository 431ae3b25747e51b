"""The tools of Python's world that look at a workspace's code, run in its folder with its own configuration."""

import os
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import InfrastructureError, SettingsError, SettingsProblem

CODE = "src"  # what tools look at where the workspace's pyproject.toml does not say
_OURS = ("PYTEST_", "COVERAGE_", "RUFF_", "MYPY_")  # what a person or a surrounding run of the tools has set
_KILLED = (signal.SIGKILL, signal.SIGTERM)
_SAID = 600  # characters of a tool's last words that a message keeps
_ASKED = "import sys, importlib.util as u; print(*(n for n in sys.argv[1:] if u.find_spec(n) is None))"


class MissingTool(InfrastructureError):
    """A tool that a check needs is not installed: nothing was checked."""

    def __init__(self, missing: list[str], python: Path) -> None:
        super().__init__(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed for {python};"
            " install the tools with: pip install 'fleetcast[ci]'"
        )


@dataclass(frozen=True, slots=True)
class Ran:
    """How a tool ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """Why it gave up: the end of what it said."""
        return (self.err.strip() or self.out.strip())[-_SAID:] or f"it ended with {self.code}, and no word"


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The folder of a workspace, and the Python whose tools look at it."""

    folder: Path
    python: Path = Path(sys.executable)

    @property
    def code(self) -> bool:
        """Whether the workspace has code at all: one whose files hold tables as they stand needs none."""
        return any((self.folder / CODE).rglob("*.py"))

    def need(self, *modules: str) -> None:
        """Stop where a tool is not installed."""
        missing = self._run("-c", _ASKED, *modules).out.split()
        if missing:
            raise MissingTool(missing, self.python)

    def run(self, module: str, *words: str) -> Ran:
        """Run a tool; whatever it finds is in its exit code and in what it prints."""
        return self._run("-m", module, *words)

    def configuration(self, *path: str) -> dict[str, Any]:
        """A table of the workspace's pyproject.toml, empty where it is not written."""
        table = _read(self.folder / "pyproject.toml")
        for key in path:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        return table if isinstance(table, dict) else {}

    def _run(self, *words: str) -> Ran:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_OURS) or name.endswith("_CACHE_DIR")
        }
        try:
            done = subprocess.run(  # noqa: S603 — our own Python, and words that we chose
                [str(self.python), *words],
                cwd=self.folder,
                env=environment | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise InfrastructureError(f"{self.python} cannot be run: {error.strerror}") from error
        if -done.returncode in _KILLED:
            raise InfrastructureError(f"{' '.join(words[:2])} was killed by somebody, or for want of memory")
        return Ran(done.returncode, done.stdout, done.stderr)


def _read(file: Path) -> Any:
    try:
        return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except ValueError as error:  # no TOML, or no UTF-8
        problem = SettingsProblem(file, None, file.name, f"cannot be read: {error}", "correct it")
        raise SettingsError([problem]) from error
