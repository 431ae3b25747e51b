"""Recipes by name: our own, and those that installed packages bring (entry points of the group `fleetcast.recipes`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast import own
from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples
from fleetcast.models import longterm, transfer, weekly, written
from fleetcast.models.longterm import LongTerm
from fleetcast.models.weekly import FittedWeekly, Weekly
from fleetcast.settings import TrainingSettings
from fleetcast.settings import recipes as known
from fleetcast.settings.recipes import GROUP, installed

__all__ = ["OURS", "Door", "Fitted", "Recipe", "curves", "door", "load", "names"]

F64 = npt.NDArray[np.float64]


class Fitted(Protocol):
    """What a recipe trained."""

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional (mape, median, mean), finite and ≥ 0: [n] each; more columns of its own are allowed."""

    def tuning(self, examples: Examples) -> pl.DataFrame:
        """What each choice it had would have cost on examples whose units are known: loss, horizon, alpha, loss_sum, n."""

    def choices(self) -> Self:
        """The same model with no more than its `tuning` needs: that is kept until its weeks are final."""

    def with_pool(self, pool: Self | None) -> Self:
        """The same model with other pooled members, or without any."""

    def dump(self) -> Dumped:
        """Arrays and JSON of its own members; the kind is a name that `load` is found by."""


F = TypeVar("F", bound=Fitted)


class Recipe(Protocol[F]):
    """How models are trained; equal examples and seed give equal bits.

    `warm` is the model of the round before, `tuning` what the choices cost in earlier rounds.
    """

    def fit(
        self,
        examples: Examples,
        *,
        seed: int,
        warm: F | None = None,
        tuning: pl.DataFrame | None = None,
        pool: F | None = None,
    ) -> F:
        """Train a segment's model; `pool` is what `pool` gave at this origin, or at an earlier one."""

    def pool(
        self,
        examples: Examples,
        *,
        seed: int,
        warm: F | None = None,
        tuning: pl.DataFrame | None = None,
    ) -> F:
        """Train the pooled members on the examples of all segments; asked only of a recipe that pools."""


@dataclass(frozen=True)
class Door(Generic[F]):
    """A recipe under its name: how it is made from the settings, and how what it trained comes back to life.

    `scout` makes a quick form of it, whose out-of-sample errors tune the very first round; None where nothing is tuned.
    """

    make: Callable[[TrainingSettings], Recipe[F]]
    load: Callable[[Dumped], F]
    pools: bool = False
    scout: Callable[[TrainingSettings], Recipe[F]] | None = None


def _lasso_alone(settings: TrainingSettings) -> Weekly:
    return Weekly(settings.model_copy(update={"net_members": 0}))


OURS: dict[str, Door[Any]] = {
    weekly.KIND: Door(Weekly, weekly.load, scout=_lasso_alone),
    weekly.POOLED: Door(Weekly, weekly.load, pools=True, scout=_lasso_alone),
    longterm.KIND: Door(LongTerm, longterm.load, scout=LongTerm),
}


def names() -> list[str]:
    """Every recipe that can be used here: ours, those of installed packages, those of the workspace in use."""
    return [*known.names(), *own.recipes()]


def curves(fitted: object) -> list[list[float]]:
    """The training loss of each member of its network, epoch by epoch; nothing of what has just not trained one."""
    net = fitted.net if isinstance(fitted, FittedWeekly) else None
    return [list(curve) for curve in net.curves if curve] if net is not None else []


def door(name: str) -> Door[Any]:
    """The recipe of a name; ours cannot be replaced by an installed one."""
    if name in OURS:
        return OURS[name]
    if known.is_own(name):
        return Door(lambda _: written.recipe(name.removeprefix(own.OWN)), written.load)
    found = installed(name)
    if found is None:
        raise UsageError(f"no recipe {name!r}: there are {', '.join(names())}")
    made = found.load()
    if not isinstance(made, Door):
        raise UsageError(f"the entry point {name} of {GROUP} ({found.value}) is no {__name__}.Door")
    return made


def load(dumped: Dumped) -> Any:
    """The model a dump was made of, by the short name in it: nothing in it can name code."""
    if dumped.kind == transfer.KIND:
        return transfer.load(dumped, load)
    if dumped.kind in OURS:  # what is installed is looked for only where it is asked for
        return OURS[dumped.kind].load(dumped)
    if known.is_own(dumped.kind):
        return written.load(dumped)
    if dumped.kind not in names():
        raise CorruptError(f"a stored model of kind {dumped.kind!r}: here are {', '.join(names())}")
    return door(dumped.kind).load(dumped)
