"""Everything that can go wrong, as one tree.

FleetcastError                  exit code
├── GateFailed                  1   a model, a fleet or a publication did not pass its gate
├── UsageError                  2   the command or the library was called wrongly
│   ├── NotFound                2   nothing has this name, or nothing that whoever asks may see
│   └── SettingsError           2   `fleetcast.toml` says something it may not
├── DataError                   2   the data are wrong, and nothing of them was taken
│   ├── SourceError             2   a raw file cannot be read as its source declares it
│   └── ContractError           2   a frame breaks the contract of its table
├── InfrastructureError         3   a store failed; trying again may help
│   ├── CorruptError            3   stored bytes are not the bytes that were written
│   └── ConflictError           3   somebody else moved what this run wanted to move
└── PolicyRefusal               4   allowed by nobody: the rules say no
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import ClassVar


class FleetcastError(Exception):
    """Root of all errors that Fleetcast raises on purpose; the message is written for a person."""

    exit_code: ClassVar[int] = 3


class GateFailed(FleetcastError):
    """A gate said no."""

    exit_code = 1


class UsageError(FleetcastError):
    """The caller asked for something that makes no sense; nothing was done."""

    exit_code = 2


class NotFound(UsageError):
    """Nothing has this name, or nothing that whoever asks may see: the two are told alike."""


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One thing wrong in a settings file: where it is, what was found, what to write instead."""

    path: Path
    line: int | None
    key: str
    problem: str
    instead: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.key}: {self.problem}; {self.instead}"


class SettingsError(UsageError):
    """Settings that cannot be used; lists every problem at once."""

    def __init__(self, problems: list[SettingsProblem]) -> None:
        self.problems = problems
        head = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the settings:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in problems)]))


class DataError(FleetcastError):
    """Data that cannot be taken as they are."""

    exit_code = 2


class SourceError(DataError):
    """A raw file that is not what its source declares; the whole file is set aside."""

    def __init__(self, file: str, reason: str, detail: str, instead: str) -> None:
        self.file, self.reason, self.detail, self.instead = file, reason, detail, instead
        super().__init__(f"{file}: {reason}: {detail}; {instead}")


class ContractError(DataError):
    """A frame that breaks its table's contract; nothing was written."""

    def __init__(self, table: str, problems: list[str]) -> None:
        self.table, self.problems = table, problems
        shown = problems[:8]  # a frame of a million bad rows must not make a million lines
        more = [f"… and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
        super().__init__(
            f"table {table} breaks its contract:\n" + "\n".join(f"  {p}" for p in [*shown, *more])
        )


class InfrastructureError(FleetcastError):
    """A store, a disk or a network failed; the same call may work later."""

    exit_code = 3


class CorruptError(InfrastructureError):
    """Stored bytes differ from their digest; they are not used."""


class ConflictError(InfrastructureError):
    """Compare-and-set lost: the value was changed by somebody else meanwhile."""


class PolicyRefusal(FleetcastError):
    """The rules do not allow this, whoever asks; the audit chain keeps it as `refused.<name>`."""

    exit_code = 4

    def __init__(self, message: str, *, name: str = "policy", event: int | None = None) -> None:
        super().__init__(message)
        self.name, self.event = name, event  # the audit event that keeps it


def some(names: Iterable[str], like: str, *, most: int = 4) -> str:
    """What could have been meant, for a message: all names of a few, else how many there are and those most `like` it.

    >>> some(["ohio", "iowa", "utah"], like="ohoi", most=2)
    '3, such as ohio, iowa'
    >>> some(["ohio", "iowa"], like="ohoi")
    'iowa, ohio'
    """
    known = sorted(set(names))
    if len(known) <= most:
        return ", ".join(known)
    near = sorted(known, key=lambda name: -SequenceMatcher(None, like, name).ratio())
    return f"{len(known)}, such as {', '.join(near[:most])}"
