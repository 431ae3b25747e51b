"""The weekly recipe: per segment ½ LASSO + ½ embedding net, the mean of their logs for each functional."""

from collections.abc import Mapping
from dataclasses import dataclass
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
FUNCTIONALS = ("mape", "median", "mean")


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
    ) -> "FittedWeekly":
        """Train both members; `warm` lends its net, `tuning` (from earlier rounds) chooses the alphas."""
        linear = Lasso(passes=self.settings.passes).fit(examples, tuning=tuning)
        return FittedWeekly(linear, self._net(examples, seed, warm))

    def _net(self, examples: Examples, seed: int, warm: "FittedWeekly | None") -> FittedNet | None:
        if self.settings.net_members == 0:
            return None
        recipe = Net(
            epochs=self.settings.net_epochs,
            warm_epochs=self.settings.net_warm_epochs,
            members=self.settings.net_members,
        )
        before = warm.net if warm is not None else None
        return recipe.fit(examples, seed=seed, warm=before)


@dataclass(frozen=True, eq=False)
class FittedWeekly:
    """A segment's ensemble. A member that is missing degrades it: the other forecasts alone."""

    linear: FittedLasso | None
    net: FittedNet | None

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional, finite and ≥ 0: [n] each; `lasso` and `net` are the members' own `mape`, NaN where missing."""
        here = aligned(examples, self.names)
        members = [member.predict(here) for member in (self.linear, self.net) if member is not None]
        units = {name: _mean_of_logs([member[name] for member in members]) for name in FUNCTIONALS}
        nothing = np.full(len(here), np.nan)
        units["lasso"] = members[0]["mape"] if self.linear is not None else nothing
        units["net"] = members[-1]["mape"] if self.net is not None else nothing
        return units

    def tuning(self, examples: Examples) -> pl.DataFrame:
        """What each alpha would have cost on these examples; see `FittedLasso.tuning`."""
        return self.linear.tuning(examples) if self.linear is not None else lasso.no_costs()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it was trained on."""
        if self.linear is not None:
            return self.linear.names
        return self.net.coding.names[:-1] if self.net is not None else ()  # the net adds the horizon itself

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
