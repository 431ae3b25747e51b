"""A made-up fleet: models in the bank, registered and released, under a clock that tests set."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from fleetcast.domain.models import Dumped
from fleetcast.ledger.store import Ledger
from fleetcast.registry.bank import Bank
from fleetcast.registry.manifest import Manifest, Member, Reference, inherit
from fleetcast.registry.models import Challenger, ModelVersion
from fleetcast.registry.packs import pack
from fleetcast.registry.store import Registry

SEGMENTS = ("north/large/fast", "north/large/slow", "north/small/fast")
BASELINES = ("north/large", "north/small")


@dataclass
class Fleet:
    """Trains, registers and cuts what a test asks for; every call makes models that never were before."""

    registry: Registry
    now: datetime = datetime(2026, 11, 23, 6, tzinfo=UTC)
    cutoff: date = date(2026, 11, 16)
    segments: tuple[str, ...] = SEGMENTS
    trained: int = field(default=0)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def train(self, *segments: str, kind: str = "ensemble", passed: bool = True) -> list[ModelVersion]:
        self.trained += 1
        dumped = {segment: Dumped("lasso", {"w": np.array([self.trained, 0.5])}) for segment in segments}
        artefact = self.registry.bank.put(pack(dumped))
        challengers = [
            Challenger(
                segment=segment,
                kind=kind,
                artefact=artefact,
                key=segment,
                lineage={"seed": self.trained},
                verdict={"mape": 0.3},
                trained_at=self.now,
                updated_at=self.now,
                passed=passed,
            )
            for segment in segments
        ]
        return self.registry.models.register(challengers, cutoff=self.cutoff, actor="train")

    def manifest(self, *segments: str) -> Manifest:
        versions = self.train(*(segments or self.segments))
        baselines = self.train(*BASELINES, kind="baseline")
        return Manifest(
            kind="full",
            parent=None,
            members={version.segment: Member.of(version, passed=True) for version in versions},
            baselines={version.segment: Reference.to(version) for version in baselines},
            code="c0",
            lock="l0",
            snapshot="s0",
            feature_spec="f0",
            settings="t0",
            cutoff=self.cutoff,
            verdicts={version.segment: dict(version.verdict) for version in versions},
        )

    def full(self) -> str:
        return self.registry.releases.cut(self.manifest(), actor="ci", segments=self.segments).id

    def partial(self, *segments: str) -> str:
        live = self.registry.releases.current()
        assert live is not None
        return self.registry.releases.cut(inherit(self.manifest(*segments), live), actor="ci").id

    def promote(self, release: str) -> str:
        live = self.registry.ledger.pointer()
        self.registry.releases.promote(release, actor="ci", reason="gate passed", expected=live)
        return release

    def must_hold(self) -> None:
        """What is true of a registry at every moment, whatever happened before."""
        with self.registry.ledger.view() as view:
            live = view.pointer()
            promoted = {model.name for model in view.models(state="promoted")}
        release = self.registry.releases.get(live) if live else None
        assert promoted == (release.manifest.models if release else set()), "a mixed fleet"
        if release:
            assert release.manifest.members.keys() == set(self.segments)
            assert not self.registry.load(release.manifest.references).failed
        assert self.registry.ledger.verify().ok


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path / "dev" / "bank")


@contextmanager
def opened(folder: Path) -> Iterator[Fleet]:
    fleet = Fleet(registry=None)  # type: ignore[arg-type]  # the ledger's clock is the fleet
    with Ledger.open(folder / "ledger.db", fleet) as ledger:
        fleet.registry = Registry(ledger, Bank(folder / "bank"), "dev")
        yield fleet


@pytest.fixture(scope="session")
def open_fleet() -> Callable[[Path], AbstractContextManager[Fleet]]:
    """Opens the fleet of a folder, for tests that need more than one."""
    return opened


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with opened(tmp_path / "dev") as fleet:
        yield fleet


@pytest.fixture
def registry(fleet: Fleet) -> Registry:
    return fleet.registry
