"""Which program has to do a verb of `cd`: that of an artifact, which may be another one than this."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from fleetcast import artifacts
from fleetcast.artifacts import Artifact, Installed
from fleetcast.delivery import installing
from fleetcast.fleet.refusals import recorded
from fleetcast.ledger.store import Ledger
from fleetcast.registry.manifest import Release
from fleetcast.settings import StateSettings, load

SETTINGS_FILE = "fleetcast.toml"


@dataclass(frozen=True)
class Outside:
    """An environment as it is seen by a program that may be another than the one that has to work in it."""

    folder: Path
    environment: str
    root: str
    clock: Callable[[], datetime]

    @property
    def state(self) -> Path:
        return self.folder / self.root / self.environment

    @cached_property
    def ledger(self) -> Ledger:
        """As it stands: brought up to date by a newer program than the artifact's, the artifact could not read it any more."""
        self.state.mkdir(parents=True, exist_ok=True)
        return Ledger.open(self.state / "ledger.db", self.clock, older="keep")


def elsewhere(
    folder: Path,
    environment: str,
    artifact: Path | None,
    *,
    of: Literal["live", "newest"],
    actor: str,
    clock: Callable[[], datetime],
) -> Installed | None:
    """The installation that a verb has to run in, where this process is not it; it is made if need be.

    `artifact` is a folder; without one it is that `of` a release, and where that was made by a checkout, none.
    """
    outside = Outside(folder.resolve(), environment, _root(folder), clock)
    here = artifacts.here()
    if artifact is None:
        pinned = _pinned(outside, of)
        if pinned is None or (here and here.artifact.id == pinned):
            return None
        return installing.known(outside.state, pinned)
    with recorded(outside, str(artifact), actor=actor, policy="digests"):
        found = Artifact.read(artifact)
    if here and here.artifact.id == found.id:
        return None
    return installing.install(artifact, replace(outside, root=found.state).state)


def _root(folder: Path) -> str:
    """Where the settings of a checkout put state; where there are none, as by default."""
    settings = folder / SETTINGS_FILE
    return load(settings).state.root if settings.is_file() else StateSettings().root


def _pinned(outside: Outside, of: Literal["live", "newest"]) -> str | None:
    """The artifact of a release."""
    if not (outside.state / "ledger.db").is_file():
        return None
    with outside.ledger.view() as view:
        live = view.pointer()
        if of == "newest":
            found = [stored for stored in view.releases() if stored.kind != "rollback"][-1:]
        else:
            found = [stored for stored in [view.release(live) if live else None] if stored]
    return Release.verified(found[0]).manifest.artifact if found else None
