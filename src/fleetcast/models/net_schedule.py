"""What a network sees when: the order of examples over the epochs, and the learning rate of each step."""

import numpy as np
import numpy.typing as npt

from fleetcast.features.examples import Examples

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

WARM_UP = 0.1  # share of the steps in which the learning rate rises
FLOOR = 0.01  # share of the peak it ends at
REPLAYED = 3  # older examples per new one in a warm start


def epochs(examples: Examples, most: int, random: np.random.Generator, *, visits: int) -> I64:
    """Row numbers of up to `most` epochs, [epochs, n]: as many as there are `visits` for, and one at least.

    An epoch has each series and target week once, at a horizon drawn anew: the rows of a week differ little between
    its horizons, so this learns nearly as much per epoch at a fraction of the work.
    """
    by_week, first, size = _weeks(examples)
    count = int(np.clip(visits // len(first), 1, most))
    drawn = [by_week[first + (random.random(len(first)) * size).astype(np.int64)] for _ in range(count)]
    for epoch in drawn:
        random.shuffle(epoch)
    return np.stack(drawn)


def newest_and_some(examples: Examples, recent: int, random: np.random.Generator) -> I64:
    """Rows of the `recent` newest weeks, and three times as many from all weeks before: the newest alone make it drift."""
    weeks = np.unique(examples.week)
    new = examples.week >= weeks[-min(recent, len(weeks))]
    old = np.flatnonzero(~new)
    some = random.choice(old, min(len(old), REPLAYED * int(new.sum())), replace=False)
    return np.sort(np.concatenate([np.flatnonzero(new), some]))


def batches(order: I64, size: int) -> I32:
    """The order in batches of `size`, one per step: [steps, size]; −1 where there is no row.

    >>> batches(np.arange(5), 2).tolist()
    [[0, 1], [2, 3], [4, -1]]
    """
    steps = -(-len(order) // size)
    box = np.full(steps * size, -1, np.int32)
    box[: len(order)] = order
    return box.reshape(steps, size)


def rates(peak: float, steps: int) -> F32:
    """Learning rates [steps]: up over the first tenth of the steps, then down a cosine to 1 %."""
    progress = (np.arange(steps) + 1.0) / steps
    up = progress / WARM_UP
    down = np.clip((progress - WARM_UP) / (1 - WARM_UP), 0, 1)
    cosine = FLOOR + (1 - FLOOR) * (1 + np.cos(np.pi * down)) / 2
    return (peak * np.where(progress < WARM_UP, up, cosine)).astype(np.float32)


def _weeks(examples: Examples) -> tuple[I64, I64, I64]:
    """Rows sorted by series and week, where each of those begins, and how many rows (horizons) it has."""
    key = examples.row.astype(np.int64) << 32 | examples.week.astype(np.int64)
    by_week = np.argsort(key, kind="stable")
    key = key[by_week]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return by_week, first, np.diff(np.append(first, len(key)))
