"""What a training task is asked: which segments, up to when, and what to go on from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from fleetcast.domain.models import Form
from fleetcast.domain.reach import Reach


@dataclass(frozen=True)
class Chain:
    """Where the model of a segment's newest round lies: the next round's network starts from it."""

    artefact: str
    key: str
    recipe: str  # id of the rounds it stands on
    refused: bool = False  # its rounds stand, but no network goes on from its own

    @property
    def cold(self) -> "Chain":
        """The same rounds, from which no network goes on."""
        return replace(self, refused=True)


@dataclass(frozen=True)
class Donor:
    """A registered model that a young segment starts from, and the partition it was trained in."""

    model: str
    segment: str
    partition: str
    cutoff: date
    artefact: str
    key: str


@dataclass(frozen=True)
class PoolVersion:
    """A registered pool: its name and cutoff, and where in the bank it, its chain and its rounds lie."""

    model: str
    cutoff: date
    artefact: str
    key: str
    chain: str | None
    rounds: Mapping[str, str]  # origin → artefact


@dataclass(frozen=True)
class Pooling:
    """Whether a task fits its partition's pool, and the newest version there is, to go on from or to borrow."""

    fits: bool
    version: PoolVersion | None


@dataclass(frozen=True)
class TrainingTask:
    """What one task trains: some segments of a partition, up to a cutoff, with a recipe (its id names code and settings)."""

    partition: str
    segments: tuple[str, ...]
    cutoff: date
    recipe: str
    chains: Mapping[str, Chain] = field(default_factory=dict)
    pooling: Pooling | None = None  # None: the recipe does not pool
    donors: Mapping[str, Donor] = field(default_factory=dict)  # of the segments that, when young, have one
    reach: Reach = "short-term"

    def goes_on(self, segment: str, recipe: str) -> bool:
        """Whether a segment's chain stands on rounds of this recipe: a donor that came, went or changed begins another."""
        return segment in self.chains and self.chains[segment].recipe == recipe


def transferred(recipe: str, donor: str) -> str:
    """The id of a recipe that starts from the model of a segment: its rounds are not comparable with others'.

    >>> transferred("weekly-1", "north/fast")
    'weekly-1 from north/fast'
    """
    return f"{recipe}{FROM}{donor}"


def rounds_of(recipe: str, *, pools: bool) -> dict[Form, str]:
    """The id of the rounds of each form that a recipe's ensembles forecast in.

    >>> rounds_of("weekly-1", pools=False)
    {'alone': 'weekly-1'}
    >>> rounds_of("weekly-pooled-1", pools=True)
    {'pooled': 'weekly-pooled-1', 'alone': 'weekly-pooled-1 alone'}
    """
    return {"pooled": recipe, "alone": f"{recipe}{ALONE}"} if pools else {"alone": recipe}


def trained_as(recipe: str) -> str:
    """The id that a model was trained under, whichever of its forms serves.

    >>> trained_as("weekly-pooled-1 alone"), trained_as("weekly-1 from north/alone")
    ('weekly-pooled-1', 'weekly-1 from north/alone')
    """
    return recipe if FROM in recipe else recipe.removesuffix(ALONE)


FROM = " from "
ALONE = " alone"
