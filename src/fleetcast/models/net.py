"""The embedding network: one trunk, a head for each of the mape, median and mean forecasts.

It reads scaled features, the log of the horizon, and embeddings of store, product and week of year; two layers of
SiLU and a linear path beside them predict log(1 + units). Each head has the loss of its own functional. A compiled CPU
kernel (`net_kernel`) trains and forecasts; JAX (`net_program`) can train it too, equally but for float32 rounding.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from fleetcast.domain.errors import DataError
from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples
from fleetcast.models import net_kernel
from fleetcast.models.net_rows import LAST_WEEK, Coding, Rows, coding, kept_columns
from fleetcast.models.net_schedule import batches, epochs, newest_and_some, rates

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
F64 = npt.NDArray[np.float64]
Weights = dict[str, F32]
Curve = tuple[float, ...]  # the loss of training, epoch by epoch

KIND = "net"
Engine = Literal["cpu", "jax"]
HEADS = ("mape", "median", "mean")
EMBEDDED = {"store": 8, "product": 6, "week": 4}
SMEARED = 4096  # examples that the smearing factors are read from
FEWEST = 32  # examples in a batch of a small segment
LONGEST = 32  # points of a curve
HEADROOM = 1.0  # log units above the largest week of training that a forecast may reach


@dataclass(frozen=True, slots=True)
class Net:
    """How a network is trained: from the beginning, or from an earlier one on the newest weeks and a sample of all.

    The defaults were chosen on rolling origins of public grocery sales (83 stores × 11 brands).
    """

    epochs: int = 8  # at most: a segment of many weeks has fewer
    visits: int = (
        24_576  # of examples in a fit from the beginning, at most; of more weeks than that it sees a sample
    )
    warm_epochs: int = 1
    members: int = 1  # networks from different seeds, whose logs are averaged
    batch: int = 256  # examples
    rate: float = 6e-3  # of a short training; a sixth of it needs ten times the visits
    warm_rate: float = 5e-4
    decay: float = 0.1
    dropout: float = 0.3
    widths: tuple[int, int] = (64, 32)
    unknown: tuple[float, float, float] = (0.02, 0.02, 0.3)  # how often store, product, week are hidden
    losses: tuple[float, float, float] = (2.0, 1.0, 0.5)  # weights of the heads
    fewest_steps: int = 200  # small segments get smaller batches
    recent_weeks: int = 4  # that a warm start replays, with three times as many older examples
    engine: Engine = "cpu"

    def fit(self, examples: Examples, *, seed: int, warm: "FittedNet | None" = None) -> "FittedNet":
        """Train on examples whose units are known; equal examples and seed give equal bits.

        `warm` lends its weights and scales. Its stores, products and columns are matched by name; new stores and
        products begin as its unknown ones, new columns without influence. It keeps its number of members.
        """
        examples = _with_units(examples)
        random = np.random.default_rng([seed, 0])
        if warm is not None:
            examples = examples.take(newest_and_some(examples, self.recent_weeks, random))
        elif len(examples) > self.visits:
            examples = examples.take(np.sort(random.choice(len(examples), self.visits, replace=False)))
        code = coding(examples, before=warm.coding if warm else None)
        rows = code.rows(examples)
        starts = [self._start(code, rows, np.random.default_rng([seed, 1, k])) for k in range(self.members)]
        if warm is not None:
            starts = [carried(weights, warm.coding, code) for weights in warm.members]
        trained = [
            self._train(start, rows, examples, np.random.default_rng([seed, 2, k]), warm=warm is not None)
            for k, start in enumerate(starts)
        ]
        members, curves = (tuple(of) for of in zip(*trained, strict=True))
        ceiling = float(rows.target.max()) + HEADROOM
        flat = FittedNet(code, members, (1,), np.ones(1), max(ceiling, warm.ceiling if warm else 0.0), curves)
        return flat.smeared(examples, random)

    def _start(self, code: Coding, rows: Rows, random: np.random.Generator) -> Weights:
        """Random weights at their true sizes; the heads begin at the mean."""
        columns, (wide, narrow) = len(code.names), self.widths
        inputs = columns + sum(EMBEDDED.values())
        slots = {"store": len(code.stores), "product": len(code.products), "week": LAST_WEEK}

        def drawn(rows: int, width: int, spread: float) -> F32:
            return (random.standard_normal((rows, width)) * spread).astype(np.float32)

        return {
            **{name: drawn(1 + slots[name], width, 0.3) for name, width in EMBEDDED.items()},
            "w1": drawn(columns, wide, inputs**-0.5),
            "e1": drawn(sum(EMBEDDED.values()), wide, inputs**-0.5),
            "b1": np.zeros(wide, np.float32),
            "w2": drawn(wide, narrow, wide**-0.5),
            "b2": np.zeros(narrow, np.float32),
            "w3": drawn(narrow, len(HEADS), 0.1 * narrow**-0.5),
            "b3": np.full(len(HEADS), rows.target.mean(), np.float32),
            "skip": np.zeros((columns, len(HEADS)), np.float32),
            "own": np.zeros((1 + slots["product"], len(code.slopes), len(HEADS)), np.float32),
        }

    def _train(
        self,
        start: Weights,
        rows: Rows,
        examples: Examples,
        random: np.random.Generator,
        *,
        warm: bool,
    ) -> tuple[Weights, Curve]:
        most = self.warm_epochs if warm else self.epochs
        drawn = epochs(examples, most, random, visits=self.visits)
        order = drawn.ravel()
        size = self.batch if warm else int(np.clip(len(order) // self.fewest_steps, FEWEST, self.batch))
        steps = -(-len(order) // size)
        told = np.zeros(steps)
        weights = _trainer(self.engine)(
            start,
            rows,
            batches(order, size),
            rates(self.warm_rate if warm else self.rate, steps),
            steps=steps,
            decay=self.decay,
            dropout=self.dropout,
            unknown=self.unknown,
            losses=self.losses,
            seed=int(random.integers(2**32)),
            **({"told": told} if self.engine == "cpu" else {}),
        )
        return weights, _curve(told, len(drawn)) if self.engine == "cpu" else ()


def _curve(told: F64, epochs: int) -> Curve:
    """The mean loss of the steps of each epoch; of very many epochs, of several together.

    >>> _curve(np.array([4.0, 2.0, 1.0, 1.0]), 2)
    (3.0, 1.0)
    """
    parts = np.array_split(told, min(epochs, len(told), LONGEST))
    return tuple(float(f"{part.mean():.5g}") for part in parts)


def _trainer(engine: Engine) -> Callable[..., Weights]:
    if engine == "cpu":
        return net_kernel.train
    from fleetcast.models import net_boxes  # imports JAX

    return net_boxes.train


def carried(weights: Weights, before: Coding, code: Coding) -> Weights:
    """An earlier network's weights in a new coding, matched by name."""
    here, there = kept_columns(code.names, before)
    moved = dict(weights)
    for name in ("w1", "skip"):
        moved[name] = np.zeros((len(code.names), weights[name].shape[1]), np.float32)
        moved[name][here] = weights[name][there]
    for name, old, new in (
        ("store", before.stores, code.stores),
        ("product", before.products, code.products),
    ):
        slot = {known: i for i, known in enumerate(old, start=1)}
        moved[name] = weights[name][[0, *(slot.get(known, 0) for known in new)]]
    slot = {known: i for i, known in enumerate(before.products, start=1)}
    kept = weights["own"][[0, *(slot.get(known, 0) for known in code.products)]]
    moved["own"] = np.zeros((len(kept), len(code.slopes), len(HEADS)), np.float32)
    for j, column in enumerate(code.slopes):
        if column in before.slopes:
            moved["own"][:, j] = kept[:, before.slopes.index(column)]
    return moved


@dataclass(frozen=True, eq=False)
class FittedNet:
    """A trained network: how it reads examples, the weights of its members, and its smearing factors.

    `smearing` turns the exponential of the mean head into a mean, per trained horizon: Σ (1 + units) over
    Σ exp(log forecast) in training.
    """

    coding: Coding
    members: tuple[Weights, ...]
    horizons: tuple[int, ...]
    smearing: F64  # [horizons]
    ceiling: float  # largest log(1 + units) it will forecast
    curves: tuple[Curve, ...] = ()  # of members just trained; not dumped: no forecast hangs on them

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it was trained on; the horizon it adds itself."""
        return self.coding.names[:-1]

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional, finite and ≥ 0: [n] each."""
        logs = self.logs(examples)
        units = {name: np.maximum(np.expm1(logs[:, i]), 0.0) for i, name in enumerate(HEADS)}
        units["mean"] = np.maximum(np.exp(logs[:, 2]) * self._smearing(examples) - 1.0, 0.0)
        return units

    def logs(self, examples: Examples) -> F64:
        """What the heads say, log(1 + units) before smearing: [n, 3], averaged over members."""
        inputs, codes = self.coding.inputs(examples), self.coding.codes(examples)
        own = self.coding.own(inputs)
        logs = np.zeros((len(inputs), len(HEADS)))
        for weights in self.members:
            logs += net_kernel.forecast(weights, inputs, own, codes) / len(self.members)
        return np.clip(logs, 0.0, self.ceiling)

    def smeared(self, examples: Examples, random: np.random.Generator) -> "FittedNet":
        """The same network with smearing factors read from (a sample of) its training examples."""
        if len(examples) > SMEARED:
            examples = examples.take(np.sort(random.choice(len(examples), SMEARED, replace=False)))
        horizons = np.unique(examples.horizon)
        units, guessed = 1 + np.maximum(examples.units, 0.0), np.exp(self.logs(examples)[:, 2])
        factors = [
            units[examples.horizon == h].sum() / guessed[examples.horizon == h].sum() for h in horizons
        ]
        return FittedNet(
            self.coding,
            self.members,
            tuple(int(h) for h in horizons),
            np.array(factors),
            self.ceiling,
            self.curves,
        )

    def dump(self) -> Dumped:
        """Arrays and JSON, whole: `load` gives back an equal network."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "mean": self.coding.mean,
            "scale": self.coding.scale,
            "smearing": self.smearing,
        }
        for k, weights in enumerate(self.members):
            arrays |= {f"{k}.{name}": value for name, value in weights.items()}
        meta = {
            "names": list(self.coding.names),
            "stores": list(self.coding.stores),
            "products": list(self.coding.products),
            "slopes": list(self.coding.slopes),
            "seasonal": self.coding.seasonal,
            "members": len(self.members),
            "horizons": list(self.horizons),
            "ceiling": self.ceiling,
        }
        return Dumped(KIND, arrays, meta)

    def _smearing(self, examples: Examples) -> F64:
        """The factor of each row's horizon, or of the nearest that was trained."""
        horizons = np.array(self.horizons)
        nearest = np.abs(examples.horizon[:, None].astype(int) - horizons).argmin(axis=1)
        return cast(F64, self.smearing[nearest])


def load(dumped: Dumped) -> FittedNet:
    """The network that was dumped."""
    meta = cast(Mapping[str, Any], dumped.meta)
    members: list[Weights] = [{} for _ in range(meta["members"])]
    for key, value in dumped.arrays.items():
        member, dot, name = key.partition(".")
        if dot:
            members[int(member)][name] = value
    code = Coding(
        tuple(meta["names"]),
        dumped.arrays["mean"],
        dumped.arrays["scale"],
        tuple(meta["stores"]),
        tuple(meta["products"]),
        tuple(meta.get("slopes", ())),
        bool(meta["seasonal"]),
    )
    for weights in members:  # one that was stored before products had slopes has none
        weights.setdefault("own", np.zeros((1 + len(code.products), 0, len(HEADS)), np.float32))
    return FittedNet(
        code, tuple(members), tuple(meta["horizons"]), dumped.arrays["smearing"], float(meta["ceiling"])
    )


def _with_units(examples: Examples) -> Examples:
    known = np.isfinite(examples.units)
    if not known.any():
        raise DataError("a network needs at least one example with known units; there is none.")
    return examples if known.all() else examples.take(known)
