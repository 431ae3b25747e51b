"""Examples as a network reads them: scaled columns, codes of stores, products and weeks, targets on the log scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from fleetcast.features.column import table
from fleetcast.features.examples import Examples
from fleetcast.models.net_scaling import means, scaled, spreads

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

T = TypeVar("T", bound=np.generic)

CLIP = np.float32(6.0)  # standard deviations: an absurd input counts as a very unusual one
LAST_WEEK = 53
YEAR = 52  # weeks
HORIZON = "log horizon"  # the column that is added to those of the examples
CLOCK = 0.8  # correlation with time from which a column is a clock
SEASONS = 3  # years of training from which a week of the year is told from a coincidence
# Of the columns that products have slopes on, those whose slopes the network is given: it does not find them by itself in
# the few weeks that an event has. Prices it does find; given theirs, it was no better on public grocery sales.
SLOPED = ("event", "weather")  # tables
WAVES = ("sin", "cos")
# Own slopes learn this much faster, or the week of the year takes half of what an event did in it.
PACE = np.float32(3.0)
DECAYED = frozenset(
    {"w1", "e1", "w2", "w3", "skip", "own"}
)  # weights that training decays; tables and biases are not
LARGEST_WEIGHT = 2.0  # of a week with less than one unit


class Rows(NamedTuple):
    """What one training call reads; n rows, of which those beyond the real ones are never drawn."""

    x: F32  # [n, p]
    own: F32  # [n, m], the columns of x that each product has a slope of its own on
    codes: I32  # [n, 3]: store, product, week of year; 0 is the unknown slot
    target: F32  # [n], log(1 + units)
    weight: F32  # [n], makes |expm1(error)| the percentage error: (1 + units) / units, 0 without sales

    def padded(self, rows: int, columns: int, slopes: int) -> "Rows":
        """The same rows in a larger box of zeros."""
        x, own = np.zeros((rows, columns), np.float32), np.zeros((rows, slopes), np.float32)
        x[: len(self.x), : self.x.shape[1]] = self.x
        own[: len(self.x), : self.own.shape[1]] = self.own
        return Rows(x, own, _longer(self.codes, rows), _longer(self.target, rows), _longer(self.weight, rows))


@dataclass(frozen=True, eq=False)
class Coding:
    """How examples become rows, fixed when a network is first trained: names, means and scales.

    A column that never varied in training, or that only told the time (a trend, the length of the history: a
    network cannot go on with it beyond the weeks it has seen), has scale 0 and is not read.
    """

    names: tuple[str, ...]  # p, the columns of `Examples.X` and the horizon
    mean: F64  # [p]
    scale: F64  # [p], 1 / standard deviation
    stores: tuple[str, ...]  # slot 1 … of the store table
    products: tuple[str, ...]
    slopes: tuple[str, ...]  # m, of `names`: those that each product has a slope of its own on
    seasonal: bool  # whether weeks of the year have slots of their own, or are all unknown

    def rows(self, examples: Examples) -> Rows:
        """Rows in the order of the examples."""
        log_units = examples.log_units
        units = np.maximum(examples.units, 0.0)
        with np.errstate(divide="ignore"):
            weight = np.where(units > 0, np.minimum(1 + 1 / units, LARGEST_WEIGHT), 0.0)
        x = self.inputs(examples)
        return Rows(
            x,
            self.own(x),
            self.codes(examples),
            log_units.astype(np.float32),
            weight.astype(np.float32),
        )

    def inputs(self, examples: Examples) -> F32:
        """Scaled columns [n, p], within ±CLIP and finite whatever the examples hold."""
        X, horizon = _columns(examples, self.names)
        return scaled(X, horizon, self.mean.astype(np.float32), self.scale.astype(np.float32), CLIP)

    def own(self, x: F32) -> F32:
        """Of scaled columns, those with a slope for each product, PACE times: [n, m]."""
        return PACE * np.take(x, [self.names.index(name) for name in self.slopes], axis=1)

    def codes(self, examples: Examples) -> I32:
        """Codes [n, 3] by name, so that examples of another panel read the same."""
        week = np.asarray(examples.week_of_year, np.int32)
        return np.stack(
            [
                _slots(examples.store, examples.stores, self.stores),
                _slots(examples.product, examples.products, self.products),
                np.where((week >= 1) & (week <= LAST_WEEK), week, 0) * self.seasonal,
            ],
            axis=1,
        ).astype(np.int32)


def coding(examples: Examples, *, before: Coding | None = None) -> Coding:
    """Coding of these examples; what `before` already knows keeps its place, mean and scale."""
    names = (*examples.names, HORIZON)
    mean, scale = _standard(*_columns(examples, names), examples.week)
    stores, products = _used(examples.store, examples.stores), _used(examples.product, examples.products)
    slopes = tuple(name for j in examples.slopes if _sloped(name := examples.names[j]))
    if before is None:
        seasonal = int(np.ptp(examples.week)) + 1 >= SEASONS * YEAR
        return Coding(names, mean, scale, stores, products, slopes, seasonal)
    here, there = kept_columns(names, before)
    mean[here], scale[here] = before.mean[there], before.scale[there]
    stores, products = _joined(before.stores, stores), _joined(before.products, products)
    return Coding(names, mean, scale, stores, products, slopes, before.seasonal)


def kept_columns(names: Sequence[str], before: Coding) -> tuple[list[int], list[int]]:
    """Positions in `names`, and in `before`, of the columns an earlier network has read."""
    place = {name: i for i, name in enumerate(before.names) if before.scale[i] > 0}
    here = [i for i, name in enumerate(names) if name in place]
    return here, [place[names[i]] for i in here]


def _columns(examples: Examples, names: tuple[str, ...]) -> tuple[F32, F32]:
    """The columns of these names, of which the last is the log of the horizon: [n, p − 1] and [n]."""
    if examples.names != names[:-1]:
        raise ValueError(
            f"the network reads columns {', '.join(names[:-1])}; the examples have {', '.join(examples.names)}"
        )
    horizon = np.log(np.maximum(examples.horizon, 1).astype(np.float32))
    return np.ascontiguousarray(examples.X, np.float32), horizon


def _standard(X: F32, horizon: F32, week: I32) -> tuple[F64, F64]:
    """Mean and 1 / standard deviation per column; 0 where a column does not vary, or only with time."""
    time = week - week.mean(dtype=np.float64)
    mean = means(X, horizon)
    deviation, together = spreads(X, horizon, mean, time)
    varies = deviation > 1e-6 * np.maximum(np.abs(mean), 1.0)
    tells_time = np.abs(together) > CLOCK * deviation * time.std()
    return mean, np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies & ~tells_time)


def _sloped(name: str) -> bool:
    own = table(name)
    return own in SLOPED or (own is None and name.startswith(WAVES))


def _joined(known: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return known + tuple(name for name in new if name not in set(known))


def _used(codes: I32, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(names[code] for code in np.unique(codes) if code >= 0)


def _slots(codes: I32, names: tuple[str, ...], known: tuple[str, ...]) -> I32:
    slot = {name: i for i, name in enumerate(known, start=1)}
    table = np.array([slot.get(name, 0) for name in names] + [0], np.int32)  # the last one answers code −1
    return table[codes]


def _longer(part: npt.NDArray[T], rows: int) -> npt.NDArray[T]:
    longer = np.zeros((rows, *part.shape[1:]), part.dtype)
    longer[: len(part)] = part
    return longer
