"""Pairs of alike stores: what a store looked like before the trial, and who looks most like whom."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.resampling import Floats
from fleetcast.trial.outcomes import OUTCOMES, Outcome, level, measurable

FORTNIGHT = (
    2  # weeks that make one step of a path; whole quarters leave a fifth more to chance, see the guide
)
_DOUBLE = 2.0  # what the level of the main outcome counts, and the size of the store
_PATH = 4.0  # what all steps of the path count together: stores that moved together go on doing so
_SWAPS = 200  # sweeps of exchanges; a few do on any real chain

Ints = npt.NDArray[np.int64]


def looks(store_weeks: pl.DataFrame, main: Outcome) -> pl.DataFrame:
    """`store` and its features before the trial, sorted by store; null where a store has nothing to divide by.

    Log of the units sold a week, the levels of the other outcomes (money per unit delivered, for size is there
    already), and the main outcome's path against its own level: `trend` is its last quarter, `path1` … its fortnights.
    """
    weekly = pl.col("sold").sum() / pl.col("weeks").sum()
    found = {
        "sales": weekly.clip(lower_bound=0).log1p(),
        "returns": level(OUTCOMES["returns"]),
        "sold_out": level(OUTCOMES["sold_out"]),
        "money": level(Outcome("money", "", "money", "delivered")),
    }
    told = {outcome.name for outcome in measurable(store_weeks)}
    count = store_weeks["week"].n_unique()
    number = (pl.col("week").rank("dense") - 1).cast(pl.Int64).alias("number")
    path = {"trend": pl.col("number") >= count - count // 4}
    path |= {f"path{n + 1}": pl.col("number") // FORTNIGHT == n for n in range((count + 1) // FORTNIGHT)}
    return (
        store_weeks.with_columns(number)
        .group_by("store")
        .agg(
            *(column.alias(name) for name, column in found.items() if name in told),
            *((level(main, when) / level(main)).alias(name) for name, when in path.items()),
        )
        .sort("store")
    )


def levels_of(looks: pl.DataFrame) -> list[str]:
    """The features a person compares: all but the path's steps."""
    return [name for name in looks.columns if name != "store" and not name.startswith("path")]


def distances(looks: pl.DataFrame, main: Outcome) -> Floats:
    """How unlike stores are (stores × stores): Euclidean, in standard deviations of each feature.

    The levels of the main outcome and of sales count double, all steps of the path together four times. What a store
    lacks is taken as average.
    """
    names = [name for name in looks.columns if name != "store"]
    values = looks.select(names).cast(pl.Float64).to_numpy()
    values = np.where(np.isfinite(values), values, np.nan)
    known = np.flatnonzero(np.isfinite(values).any(axis=0))
    values, names = values[:, known], [names[place] for place in known]
    spread = np.nanstd(values, axis=0)
    scaled = np.nan_to_num((values - np.nanmean(values, axis=0)) / np.where(spread > 0, spread, 1.0))
    scaled = scaled * np.sqrt(_weights(names, main))
    squares = (scaled**2).sum(axis=1)
    apart: Floats = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * scaled @ scaled.T, 0.0))
    return apart


def _weights(names: Sequence[str], main: Outcome) -> Floats:
    path = [name.startswith("path") for name in names]
    levels = [_DOUBLE if name in (main.name, "sales") else 1.0 for name in names]
    return np.where(path, _PATH / max(sum(path), 1), levels)


def pairs(apart: Floats, most: int | None = None) -> list[tuple[int, int]]:
    """At most so many disjoint pairs with a small total distance, closest first; with an odd number one is left out.

    Closest pairs first, then two pairs change partners, or a pair takes in who is left out, as long as that brings
    the total down: no such exchange makes it better.
    """
    size = len(apart)
    count = size // 2 if most is None else min(most, size // 2)
    left, right = _greedy(apart, size // 2)
    _exchange(apart, left, right)
    cost = apart[left, right]
    closest = np.lexsort((left, cost))[:count]
    return [(int(min(left[k], right[k])), int(max(left[k], right[k]))) for k in closest]


def _greedy(apart: Floats, count: int) -> tuple[Ints, Ints]:
    rows, columns = np.triu_indices(len(apart), 1)
    free = np.ones(len(apart), dtype=bool)
    chosen: list[tuple[int, int]] = []
    for k in np.argsort(apart[rows, columns], kind="stable"):
        if len(chosen) == count:
            break
        if free[rows[k]] and free[columns[k]]:
            free[[rows[k], columns[k]]] = False
            chosen.append((rows[k], columns[k]))
    ends = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    return ends[:, 0].copy(), ends[:, 1].copy()


def _exchange(apart: Floats, left: Ints, right: Ints) -> None:
    """Bring the total distance down in place, best exchanges of each sweep first."""
    for _ in range(_SWAPS):
        if not (_partners(apart, left, right) | _left_out(apart, left, right)):
            return


def _partners(apart: Floats, left: Ints, right: Ints) -> bool:
    """Let two pairs a–b, c–d become a–c, b–d or a–d, b–c where that is closer."""
    cost = apart[left, right]
    now = cost[:, None] + cost[None, :]
    straight = apart[np.ix_(left, left)] + apart[np.ix_(right, right)]
    crossed = apart[np.ix_(left, right)] + apart[np.ix_(right, left)]
    gain = now - np.minimum(straight, crossed)
    first, second = np.nonzero(np.triu(gain > 1e-12, 1))
    untouched = np.ones(left.size, dtype=bool)
    for k in np.argsort(-gain[first, second], kind="stable"):
        i, j = first[k], second[k]
        if untouched[i] and untouched[j]:
            untouched[[i, j]] = False
            if straight[i, j] <= crossed[i, j]:
                right[i], left[j] = left[j], right[i]
            else:
                right[i], right[j] = right[j], right[i]
    return not untouched.all()


def _left_out(apart: Floats, left: Ints, right: Ints) -> bool:
    """Take the odd one out into a pair where that is closer than the one who then stays out."""
    out = np.setdiff1d(np.arange(len(apart)), np.concatenate([left, right]))
    if not (out.size and left.size):
        return False
    cost = apart[left, right]
    for_left, for_right = cost - apart[out[0], right], cost - apart[left, out[0]]
    best = int(np.argmax(np.maximum(for_left, for_right)))
    if max(for_left[best], for_right[best]) <= 1e-12:
        return False
    (left if for_left[best] >= for_right[best] else right)[best] = out[0]
    return True


def in_strata(apart: Floats, strata: Sequence[str], most: int | None = None) -> list[tuple[int, int]]:
    """Pairs within each stratum; of `most` pairs each stratum gets its part, by its stores, largest remainders first."""
    members: dict[str, list[int]] = {}
    for place, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(place)
    found: list[tuple[int, int]] = []
    for stratum, count in _parts({name: len(all_) // 2 for name, all_ in members.items()}, most).items():
        places = np.array(members[stratum])
        within = pairs(apart[np.ix_(places, places)], count)
        found += [(int(places[a]), int(places[b])) for a, b in within]
    return found


def _parts(room: dict[str, int], most: int | None) -> dict[str, int]:
    """How many pairs each stratum gives, given how many it has."""
    total = sum(room.values())
    if most is None or most >= total:
        return room
    exact = {name: most * count / total for name, count in room.items()}
    parts = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(room, key=lambda name: (parts[name] - exact[name], name))
    for name in by_remainder[: most - sum(parts.values())]:
        parts[name] += 1
    return parts
