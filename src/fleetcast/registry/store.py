"""The registry of one environment: its models, its releases, and loading what they name."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.models import Dumped
from fleetcast.ledger.store import Ledger
from fleetcast.registry.bank import Bank
from fleetcast.registry.manifest import Member, Reference
from fleetcast.registry.models import Models
from fleetcast.registry.packs import unpack
from fleetcast.registry.releases import Releases


@dataclass(frozen=True, slots=True)
class Loaded:
    """Models by name: those that could be loaded and verified, and why the others could not."""

    models: dict[str, Dumped]
    failed: dict[str, str]


class Registry:
    """Where an environment's models and releases are kept and found."""

    def __init__(self, ledger: Ledger, bank: Bank, environment: str) -> None:
        self.ledger, self.bank, self.environment = ledger, bank, environment
        self.models = Models(ledger, bank, environment)
        self.releases = Releases(ledger, bank)

    def load(self, references: Iterable[Member | Reference]) -> Loaded:
        """Load models, each artefact read once; a damaged artefact fails its own models only."""
        wanted: dict[str, list[Member | Reference]] = {}
        for reference in references:
            wanted.setdefault(reference.artefact, []).append(reference)
        models: dict[str, Dumped] = {}
        failed: dict[str, str] = {}
        for artefact, members in wanted.items():
            try:
                found = unpack(self.bank.get(artefact))
            except CorruptError as error:
                failed |= {member.model: str(error) for member in members}
                continue
            for member in members:
                if member.key in found:
                    models[member.model] = found[member.key]
                else:
                    failed[member.model] = f"artefact {artefact} has no model {member.key}"
        return Loaded(models, failed)
