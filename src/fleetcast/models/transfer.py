"""Transfer: a young segment's forecast is its donor's, corrected by a LASSO of what the donor gets wrong there.

The coefficients that are shrunk to zero are differences from the donor's, so a segment with little history stays close
to its donor and one with more goes its own way (the transfer LASSO: Bastani 2021, "Predicting with Proxies"; Li, Cai
and Li 2022). A donor's network is trained on, from its weights, before it is corrected.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples, aligned
from fleetcast.models import descent
from fleetcast.models.lasso import SWEEPS, TOLERANCE, no_costs, unstandardised
from fleetcast.models.moments import Grouped, moments, system
from fleetcast.models.net import Net
from fleetcast.models.reweighting import absolute_weights, weights
from fleetcast.models.weekly import FittedWeekly
from fleetcast.settings import TrainingSettings

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

KIND = "transferred"
FUNCTIONALS = ("mape", "median", "mean")
BELIEF = 20  # targets of one's own that count as much as the donor's word
FARTHEST = 2.0  # log units that a correction may reach: a factor of seven
PASSES = 3  # fits of a correction under a weighted loss
LOOKS = 2  # at how large the noise is
WEIGHTS: Mapping[str, Callable[[F64, F64], F64]] = {
    "mape": weights,
    "median": absolute_weights,
    "mean": lambda error, _: np.ones_like(error),
}
_DONOR = "donor/"


@dataclass(frozen=True)
class Transfer:
    """How a young segment's model is made from its donor's."""

    settings: TrainingSettings

    def fit(self, examples: Examples, *, donor: Any, seed: int) -> "Transferred":
        """Refine the donor on the examples whose units are known; without any it is the donor alone."""
        known = examples.take(np.isfinite(examples.units))
        refined = self._refined(donor, known, seed)
        reader = Reader(
            known.names,
            tuple(known.stores[code] for code in np.unique(known.store)),
            tuple(known.products[code] for code in np.unique(known.product)),
        )
        blank = Transferred(refined, reader, np.zeros((len(FUNCTIONALS), reader.width + 1)), 0.0)
        if not len(known):
            return blank
        base = refined.predict(known)
        inputs, targets = reader.inputs(known), len(np.unique([known.row, known.week], axis=1).T)
        trust = targets / (targets + BELIEF)
        corrections = [
            trust * _corrected(inputs, known, np.log1p(base[functional]), functional, targets)
            for functional in FUNCTIONALS
        ]
        fitted = replace(blank, corrections=np.array(corrections))
        said = fitted.predict(known)["mean"]
        sold = np.maximum(known.units, 0.0)
        return replace(fitted, smearing=trust * float(np.log((1 + sold).sum() / (1 + said).sum())))

    def _refined(self, donor: Any, known: Examples, seed: int) -> Any:
        """The donor with its network trained on; a donor of another recipe as it is."""
        if not isinstance(donor, FittedWeekly) or donor.net is None or not len(known):
            return donor
        settings = self.settings
        recipe = Net(
            epochs=settings.net_epochs,
            visits=settings.net_visits,
            warm_epochs=settings.net_warm_epochs,
            engine=settings.net_engine,
        )
        own = aligned(known, donor.names)
        return replace(donor, net=recipe.fit(own, seed=seed, warm=donor.net))


@dataclass(frozen=True)
class Reader:
    """What a correction reads: the features, and which store and product it is; others than these are unknown ones."""

    names: tuple[str, ...]
    stores: tuple[str, ...]
    products: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.names) + len(self.stores) + len(self.products)

    def inputs(self, examples: Examples) -> F32:
        """[n, width], no NaN."""
        here = aligned(examples, self.names)
        return np.hstack(
            [
                here.X,
                _indicators(here.stores, here.store, self.stores),
                _indicators(here.products, here.product, self.products),
            ]
        )


@dataclass(frozen=True, eq=False)
class Transferred:
    """A donor, refined and corrected. It is whole: the donor's own version may be gone."""

    donor: Any  # what a recipe trained
    reader: Reader
    corrections: F64  # [3, width + 1], of the log of each functional: coefficients, then the intercept
    smearing: float  # log units, added to the mean

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional, finite and ≥ 0: [n] each."""
        base, inputs = self.donor.predict(examples), self.reader.inputs(examples)
        units = {}
        for functional, correction in zip(FUNCTIONALS, self.corrections, strict=True):
            apart = np.clip(_said(inputs, correction), -FARTHEST, FARTHEST)
            if functional == "mean":
                apart = apart + self.smearing
            units[functional] = np.maximum(np.exp(np.log1p(base[functional]) + apart) - 1.0, 0.0)
        return units

    def tuning(self, examples: Examples) -> pl.DataFrame:  # noqa: ARG002 — the noise of its own rows says how much to shrink
        """Nothing: it has no choice that could be tuned."""
        return no_costs()

    def choices(self) -> "Transferred":
        """The same."""
        return self

    def with_pool(self, pool: Any | None) -> "Transferred":  # noqa: ARG002
        """The same: it stands on its donor, and borrows from no pool."""
        return self

    def dump(self) -> Dumped:
        """Arrays and JSON, the donor's among them."""
        donor = self.donor.dump()
        return Dumped(
            KIND,
            {
                **{f"{_DONOR}{name}": array for name, array in donor.arrays.items()},
                "corrections": self.corrections,
            },
            {
                "donor": {"kind": donor.kind, "meta": donor.meta},
                "names": list(self.reader.names),
                "stores": list(self.reader.stores),
                "products": list(self.reader.products),
                "smearing": self.smearing,
            },
        )


def load(dumped: Dumped, load_donor: Callable[[Dumped], Any]) -> Transferred:
    """The model that was dumped."""
    meta = cast(Mapping[str, Any], dumped.meta)
    arrays = {
        name.removeprefix(_DONOR): array for name, array in dumped.arrays.items() if name.startswith(_DONOR)
    }
    donor = load_donor(Dumped(meta["donor"]["kind"], arrays, meta["donor"]["meta"]))
    reader = Reader(tuple(meta["names"]), tuple(meta["stores"]), tuple(meta["products"]))
    return Transferred(donor, reader, dumped.arrays["corrections"], float(meta["smearing"]))


def _indicators(values: tuple[str, ...], codes: npt.NDArray[np.int32], known: tuple[str, ...]) -> F32:
    """[n, len(known)]: 1 where the row's value is the known one."""
    at = {name: j for j, name in enumerate(known)}
    row_of = np.zeros((len(values), len(known)), np.float32)
    for i, value in enumerate(values):
        if value in at:
            row_of[i, at[value]] = 1.0
    return row_of[codes]


def _corrected(inputs: F32, known: Examples, base: F64, functional: str, targets: int) -> F64:
    """Coefficients and intercept of log(1 + units) − base under the functional's loss, by iterated reweighting."""
    y = known.log_units
    weigh = WEIGHTS[functional]
    said = np.zeros(len(y))
    found = np.zeros(inputs.shape[1] + 1)
    for _ in range(1 if functional == "mean" else PASSES):
        given = weigh(base + said - y, y)
        if not given.any():  # nothing counts under this loss
            break
        found = _shrunk(inputs, y - base, given, targets)
        said = _said(inputs, found)
    return found


def _shrunk(inputs: F32, residual: F64, given: F64, targets: int) -> F64:
    """The weighted LASSO whose penalty is what pure chance would show: sd of the noise · √(2 log q / n).

    The horizons of one week repeat its units, so n counts `targets` (Bickel, Ritov and Tsybakov 2009). What looked like
    noise before there was a correction is looked at again after it.
    """
    rows, order = Grouped.of(inputs, residual, np.zeros(len(residual), np.int32), 1)
    equations = system(moments(rows, given[order]), ())
    q = len(equations.moment)
    found = np.append(np.zeros(inputs.shape[1]), np.average(residual, weights=given))
    for _ in range(LOOKS):
        noise = np.sqrt(np.mean((given * (residual - _said(inputs, found))) ** 2))
        penalty = np.array([noise * np.sqrt(2 * np.log(q) / targets)])
        standard = descent.path(equations, penalty, tolerance=TOLERANCE, sweeps=SWEEPS)
        path = unstandardised(equations, standard)
        found = np.append(path.plain[0], path.own[0, 0, 0])
    return found


def _said(inputs: F32, correction: F64) -> F64:
    """[n] log units that a correction adds."""
    return np.asarray(inputs.astype(np.float64) @ correction[:-1] + correction[-1])
