"""The weekly recipes: ½ LASSO + ½ embedding net, the mean of their logs for each functional.

`weekly` trains each segment alone. `weekly-pooled` adds members trained on all segments of a partition together: the
pool is fitted first, is a model of its own, and is lent to the segments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples, aligned
from fleetcast.models import lasso, net
from fleetcast.models.lasso import FittedLasso, Lasso
from fleetcast.models.net import FittedNet, Net
from fleetcast.settings import TrainingSettings

F64 = npt.NDArray[np.float64]

KIND = "weekly"
POOLED = "weekly-pooled"
FUNCTIONALS = ("mape", "median", "mean")
MEMBERS = ("lasso", "net")
POOL = 4  # times the visits of a segment's network: a pool is of several segments


@dataclass(frozen=True)
class Weekly:
    """How a segment's ensemble is trained; with `net_members` = 0 it is the LASSO alone."""

    settings: TrainingSettings

    def fit(
        self,
        examples: Examples,
        *,
        seed: int,
        warm: "FittedWeekly | None" = None,
        tuning: pl.DataFrame | None = None,
        pool: "FittedWeekly | None" = None,
    ) -> "FittedWeekly":
        """Train both members of a segment; `warm` lends its net, `tuning` (from earlier rounds) chooses the alphas.

        `pool` is what `pool` gave for the same origin; its members forecast beside the segment's own.
        """
        linear = Lasso(passes=self.settings.passes).fit(examples, tuning=tuning)
        members, visits = self.settings.net_members, self.settings.net_visits
        return FittedWeekly(linear, self._net(examples, seed, warm, members, visits), pool)

    def pool(
        self,
        examples: Examples,
        *,
        seed: int,
        warm: "FittedWeekly | None" = None,
        tuning: pl.DataFrame | None = None,
    ) -> "FittedWeekly":
        """Train the pooled members, on the examples of all segments of a partition."""
        linear = Lasso(passes=self.settings.passes).fit(examples, tuning=tuning)
        members, visits = self.settings.pool_net_members, POOL * self.settings.net_visits
        return FittedWeekly(linear, self._net(examples, seed, warm, members, visits))

    def _net(
        self, examples: Examples, seed: int, warm: "FittedWeekly | None", members: int, visits: int
    ) -> FittedNet | None:
        if members == 0:
            return None
        recipe = Net(
            epochs=self.settings.net_epochs,
            visits=visits,
            warm_epochs=self.settings.net_warm_epochs,
            members=members,
            engine=self.settings.net_engine,
        )
        before = warm.net if warm is not None else None
        return recipe.fit(examples, seed=seed, warm=before)


@dataclass(frozen=True, eq=False)
class FittedWeekly:
    """A segment's ensemble. A member that is missing degrades it: the others forecast alone.

    `pool` is a model of its own, which `dump` leaves out: whoever loads the ensemble gives it back (`with_pool`).
    """

    linear: FittedLasso | None
    net: FittedNet | None
    pool: "FittedWeekly | None" = None

    def with_pool(self, pool: "FittedWeekly | None") -> "FittedWeekly":
        """The same ensemble with other pooled members, or without any."""
        return replace(self, pool=pool)

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional, finite and ≥ 0: [n] each; `lasso` and `net` are the own members' `mape`, NaN where missing."""
        own = self.halves(examples)
        lent = self.pool.halves(examples) if self.pool is not None else {}
        kinds = [[of[kind] for of in (own, lent) if kind in of] for kind in MEMBERS]
        units = {
            functional: _mean_of_logs(
                [_mean_of_logs([member[functional] for member in alike]) for alike in kinds if alike]
            )
            for functional in FUNCTIONALS
        }
        nothing = np.full(len(examples), np.nan)
        return units | {kind: own[kind]["mape"] if kind in own else nothing for kind in MEMBERS}

    def halves(self, examples: Examples) -> dict[str, dict[str, F64]]:
        """What each member says: member → functional → units [n]; a missing member is left out."""
        here = aligned(examples, self.names)
        own = dict(zip(MEMBERS, (self.linear, self.net), strict=True))
        return {name: member.predict(here) for name, member in own.items() if member is not None}

    def tuning(self, examples: Examples) -> pl.DataFrame:
        """What each alpha would have cost on these examples; see `FittedLasso.tuning`."""
        return self.linear.tuning(examples) if self.linear is not None else lasso.no_costs()

    def choices(self) -> "FittedWeekly":
        """Its linear member, whose alphas are the choices."""
        return FittedWeekly(self.linear, None)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it was trained on."""
        if self.linear is not None:
            return self.linear.names
        return self.net.names if self.net is not None else ()

    def dump(self) -> Dumped:
        """Arrays and JSON of both members, their names prefixed."""
        members = {"linear": self.linear, "net": self.net}
        dumped = {name: member.dump() for name, member in members.items() if member is not None}
        arrays = {
            f"{name}/{key}": array for name, part in dumped.items() for key, array in part.arrays.items()
        }
        return Dumped(KIND, arrays, {name: dict(part.meta) for name, part in dumped.items()})


def load(dumped: Dumped) -> FittedWeekly:
    """The ensemble that was dumped."""
    parts = {name: _part(dumped, name) for name in dumped.meta}
    return FittedWeekly(
        lasso.load(parts["linear"]) if "linear" in parts else None,
        net.load(parts["net"]) if "net" in parts else None,
    )


def _part(dumped: Dumped, name: str) -> Dumped:
    prefix = f"{name}/"
    arrays = {
        key.removeprefix(prefix): array for key, array in dumped.arrays.items() if key.startswith(prefix)
    }
    return Dumped(
        {"linear": lasso.KIND, "net": net.KIND}[name], arrays, cast(Mapping[str, Any], dumped.meta[name])
    )


def _mean_of_logs(units: list[F64]) -> F64:
    return np.asarray(np.expm1(np.mean([np.log1p(values) for values in units], axis=0)))
