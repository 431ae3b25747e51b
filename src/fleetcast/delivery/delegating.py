"""Which program has to do a verb of `cd`: that of an artifact, which may be another one than this."""

import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from fleetcast import artifacts
from fleetcast.artifacts import SHARE, Artifact, Installed
from fleetcast.delivery import installing
from fleetcast.fleet.refusals import recorded
from fleetcast.ledger.store import Ledger
from fleetcast.registry.manifest import Release
from fleetcast.settings import StateSettings, load
from fleetcast.settings.references import resolved
from fleetcast.workspace import LEDGER, SETTINGS_FILE


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
        return Ledger.open(self.ledger_at, self.clock, older="keep")

    def close(self) -> None:
        """Let the ledger go, if it was looked at."""
        if "ledger" in vars(self):
            self.ledger.close()

    @property
    def ledger_at(self) -> Path | str:
        """Where the settings that are here say the ledger is: those of a checkout, else of an artifact that is installed."""
        for settings in (self.folder, *self.state.glob(f"installed/*/venv/{SHARE}")):
            if written := _ledger(settings / SETTINGS_FILE, self.environment):
                return resolved(written, f"[environments.{self.environment}] ledger")
        return self.state / LEDGER


def _ledger(settings: Path, environment: str) -> str | None:
    """What is written there and nothing else: all of it may be read by the program it was written for only."""
    if not settings.is_file():
        return None
    written: dict[str, Any] = tomllib.loads(settings.read_text("utf-8"))
    found = written.get("environments", {}).get(environment, {}).get("ledger")
    return found if isinstance(found, str) else None


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
    with closing(outside):
        return _elsewhere(outside, artifact, of=of, actor=actor)


def _elsewhere(
    outside: Outside, artifact: Path | None, *, of: Literal["live", "newest"], actor: str
) -> Installed | None:
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
    if isinstance(outside.ledger_at, Path) and not outside.ledger_at.is_file():
        return None
    with outside.ledger.view() as view:
        live = view.pointer()
        if of == "newest":
            found = [stored for stored in view.releases() if stored.kind != "rollback"][-1:]
        else:
            found = [stored for stored in [view.release(live) if live else None] if stored]
    return Release.verified(found[0]).manifest.artifact if found else None
