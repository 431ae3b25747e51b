"""What the fleet tells while it works; faces show it."""

from typing import Protocol


class Progress(Protocol):
    """`total` counts the advances a stage will make, None where unknown."""

    def stage(self, name: str, total: int | None) -> None: ...

    def advance(self, name: str, note: str = "") -> None: ...

    def done(self, name: str, note: str) -> None: ...


class Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int | None) -> None:
        """Nothing."""

    def advance(self, name: str, note: str = "") -> None:
        """Nothing."""

    def done(self, name: str, note: str) -> None:
        """Nothing."""
