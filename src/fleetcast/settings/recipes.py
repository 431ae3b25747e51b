"""Which recipes there are, by name: ours, and those that installed packages bring; nothing of them is loaded."""

import re
from importlib.metadata import EntryPoint, entry_points

from fleetcast.own import OWN

GROUP = "fleetcast.recipes"  # of entry points
OURS = ("weekly", "weekly-pooled", "long-term")


def names() -> list[str]:
    """Every recipe that can be used here: ours first, which cannot be replaced."""
    return [*OURS, *sorted({found.name for found in entry_points(group=GROUP)} - set(OURS))]


def installed(name: str) -> EntryPoint | None:
    """Where a recipe that is not ours comes from."""
    return None if name in OURS else next(iter(entry_points(group=GROUP, name=name)), None)


def is_own(name: str) -> bool:
    """Whether a name is that of a recipe in the workspace's own package."""
    return re.fullmatch(rf"{OWN}[a-z][a-z0-9_]*", name) is not None


def version(name: str) -> str:
    """Whose code a recipe is: "" for ours, else the installed package and its version."""
    found = installed(name)
    return f"{found.dist.name} {found.dist.version}" if found is not None and found.dist is not None else ""
