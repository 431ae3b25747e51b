"""A partition as seen from the origins of its rounds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from fleetcast.domain.history import History
from fleetcast.domain.tables import Table
from fleetcast.features.design import Design
from fleetcast.features.view import design_at
from fleetcast.settings import Settings


@dataclass
class Views:
    """A partition from its cutoff and from any origin before it; each view is made when first asked for."""

    cutoff: date
    history: History
    tables: Mapping[str, Table]
    settings: Settings
    made: dict[date, Design] = field(default_factory=dict)

    @property
    def now(self) -> Design:
        return self.at([self.cutoff])[self.cutoff]

    def at(self, origins: Iterable[date]) -> dict[date, Design]:
        return {origin: self._design(origin) for origin in origins}

    def _design(self, origin: date) -> Design:
        if origin not in self.made:
            self.made[origin] = design_at(self.history, origin, self.tables, settings=self.settings)
        return self.made[origin]
