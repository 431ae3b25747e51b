"""A partition as seen from its cutoff and from the origins of its rounds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from fleetcast.domain.history import History
from fleetcast.domain.tables import Table
from fleetcast.features.design import Design
from fleetcast.features.view import design_at
from fleetcast.settings import Settings


@dataclass
class Views:
    """A partition from its cutoff and from any origin before it. A view is large: only the one made last is kept."""

    cutoff: date
    history: History
    tables: Mapping[str, Table]
    settings: Settings
    _last: tuple[date, Design] | None = field(default=None, init=False)

    @property
    def now(self) -> Design:
        return self.at(self.cutoff)

    def nothing_but_now(self) -> None:
        """Nobody will look from an earlier origin: the rows that the view at the cutoff was made of are let go."""
        history = self.history
        self.at(self.cutoff)  # which is kept
        self.history = replace(
            history, deliveries=history.deliveries.clear(), returns=history.returns.clear()
        )

    def at(self, origin: date) -> Design:
        if self._last is None or self._last[0] != origin:
            self._last = None  # before there is another
            self._last = origin, design_at(self.history, origin, self.tables, settings=self.settings)
        return self._last[1]

    def each(self, origins: list[date]) -> Mapping[date, Design]:
        """The views from these origins, each made when it is asked for."""
        return _Each(self, tuple(origins))


@dataclass(frozen=True)
class _Each(Mapping[date, Design]):
    views: Views
    origins: tuple[date, ...]

    def __getitem__(self, origin: date) -> Design:
        if origin not in self.origins:
            raise KeyError(origin)
        return self.views.at(origin)

    def __iter__(self) -> Iterator[date]:
        return iter(self.origins)

    def __len__(self) -> int:
        return len(self.origins)
