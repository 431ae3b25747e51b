"""Lending a donor to a young segment: the registered version now, and the donor as it would have been at each round."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.models import recipes
from fleetcast.models.transfer import Transfer
from fleetcast.rounds.subject import Subject, TooLittleError
from fleetcast.rounds.walk import Fit, Round, Walk, alone, walked
from fleetcast.settings import Settings
from fleetcast.training.pooling import Pools
from fleetcast.training.task import Donor


@dataclass(frozen=True)
class Lent:
    """A donor's models by the cutoff each was trained at; the newest is the registered version."""

    version: Donor
    trained: Pools

    def refining(self, subject: Subject) -> Fit:
        """Trains a young segment from the donor that saw nothing after the origin; TooLittleError where there was none."""
        recipe = Transfer(subject.settings.training)

        def fit(examples: Examples, *, origin: date, warm: Any | None, tuning: Any | None) -> Any:  # noqa: ARG001 — it starts from the donor each time
            donor = self.trained.at(origin)
            if donor is None:
                raise TooLittleError(f"{self.version.segment} was too young to lend anything on {origin}")
            return recipe.fit(examples, donor=donor, seed=subject.seed)

        return fit

    def record(self, panel: Panel) -> dict[str, Any]:
        """What the lineage of a transferred model says beside all others' does."""
        return {
            "donor": self.version.model,
            "donor_segment": self.version.segment,
            "full_fit": str(panel.weeks[panel.cutoff]),
            "warm_starts": 0,
        }


def lent(version: Donor, served: Any, earlier: Mapping[date, Design], settings: Settings) -> Lent:
    """The donor made again at the origins of `earlier`, on its own partition, and the version that is registered."""
    subject = Subject(version.segment, version.segment, settings)
    door = recipes.door(settings.training.recipe)
    fit = alone(door.make(settings.training).fit, subject.seed)

    def keep(made: Round) -> tuple[date, Any]:
        return made.origin, made.fitted

    made, _ = walked(subject, earlier, Walk.resumed(None, door.load), fit, door, each=keep)
    return Lent(version, Pools({**dict(made), version.cutoff: served}))
