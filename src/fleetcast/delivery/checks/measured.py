"""A check from the outside: what it took, and what it means when it could not look."""

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fleetcast.delivery.report import Check, Finding
from fleetcast.domain.errors import DataError, InfrastructureError, SettingsError, UsageError

Look = Callable[[], Check]


def measured(name: str, look: Look, folder: Path) -> Check:
    """How a check ended, with the CPU seconds of this process and of the tools it ran.

    A check that could not look has not passed: whatever failed is told, as infrastructure or as wrong settings.
    """
    cpu, wall = _cpu_seconds(), time.monotonic()
    try:
        check = look()
    except SettingsError as error:
        check = wrong_settings(name, error, folder)
    except (DataError, UsageError) as error:
        check = Check(name, "failed", str(error))
    except InfrastructureError as error:
        check = Check(name, "infrastructure", str(error))
    except OSError as error:
        check = Check(name, "infrastructure", f"{error.filename or 'the disk'}: {error.strerror or error}")
    return replace(check, cpu_seconds=_cpu_seconds() - cpu, wall_seconds=time.monotonic() - wall)


def wrong_settings(name: str, error: SettingsError, folder: Path) -> Check:
    """A check that failed for what stands in a settings file, with the line of each problem."""
    found = tuple(
        Finding("settings", f"{one.key}: {one.problem}; {one.instead}", within(folder, one.path), one.line)
        for one in error.problems
    )
    return Check(name, "failed", f"{counted(len(found), 'problem')} in the settings", found)


def within(folder: Path, path: Path | str) -> str:
    """A path as it is seen from the workspace."""
    path = Path(path)
    if path.is_absolute() and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return path.as_posix()


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "problem"), counted(2, "problem")
    ('1 problem', '2 problems')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cpu_seconds() -> float:
    tools = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + tools.ru_utime + tools.ru_stime
