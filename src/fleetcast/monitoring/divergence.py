"""How far histograms of the newest weeks lie from earlier ones, and how far chance alone would bring them.

Counts are weeks × bins. Chance is not that of independent rows: the rows of a week have its weather, its prices and its events
in common, and neighbouring weeks are alike. So it is measured on blocks of weeks in which nothing happened.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from fleetcast.resampling import Floats

Counts = npt.NDArray[np.int64]

HALF = 0.5  # added to each count (Jeffreys 1946), so that an empty bin divides nothing by zero
DRAWS = 200  # of past blocks, thinned to the newest rows
ROOT = 0.25  # by which a sum of squares is nearly normal (Hawkins and Wixley 1986)
ALIKE = 1e-9  # below which healthy blocks do not differ but by rounding
FEWEST = 2.0  # draws that say something of a spread
NOMINAL = 0.05  # how often `limit` is exceeded where nothing moved


@dataclass(frozen=True, slots=True)
class Divergence:
    """The PSI of the newest weeks, what one in twenty healthy ones exceed, and the share of them that exceed this one."""

    psi: float
    limit: float
    p: float


def psi(newest: Counts, past: Counts) -> Floats:
    """The population stability index over the last axis: the symmetric divergence of Jeffreys 1946, as Siddiqi 2006 uses it."""
    one, other = _shares(newest), _shares(past)
    found: Floats = ((one - other) * np.log(one / other)).sum(axis=-1)
    return found


def divergence(newest: Counts, past: Counts, years: Counts, *, seed: int) -> Divergence:
    """Hold the newest weeks against past ones, which stand in order; `years` says which of them belong together.

    Of past weeks each block of as many as the newest [Künsch 1989, doi 10.1214/aos/1176347265], with as many rows, is held
    against the past without it; of several years, against the other years. In fourth roots these are nearly normal, and
    the newest weeks are one more draw from the same law: Student's t, with as many draws as blocks tell something of their
    own.
    """
    used = newest.any(axis=0) | past.any(axis=0)
    newest, past = newest[:, used], past[:, used]
    blocks, rest = _blocks(past, years, len(newest))
    independent = _independent(psi(blocks, rest) ** ROOT, len(newest), len(past))
    rows = int(newest.sum())
    if (blocks.sum(axis=1) > rows).any():
        times = -(-DRAWS // len(blocks))
        blocks, rest = _thinned(np.repeat(blocks, times, axis=0), rows, seed), np.repeat(rest, times, axis=0)
    healthy = psi(blocks, rest) ** ROOT
    deviation = float(healthy.std(ddof=1))
    if deviation < ALIKE:
        deviation = _one_row(rows, int(past.sum())) / 2  # so that a single one is no drift
    spread = deviation * np.sqrt(1 + 1 / independent)
    found = float(psi(newest.sum(axis=0), past.sum(axis=0)))
    student = (found**ROOT - healthy.mean()) / spread
    limit = healthy.mean() + spread * special.stdtrit(independent - 1, 1 - NOMINAL)
    return Divergence(found, float(limit ** (1 / ROOT)), float(special.stdtr(independent - 1, -student)))


def _independent(healthy: Floats, weeks: int, past: int) -> float:
    """So many blocks of past weeks as do not overlap; fewer where each is like the one before, as with a price list.

    By the correction of Bartlett 1935 for series that remember: a lasting level counts once, and not every month.
    """
    one, after = healthy[:-weeks], healthy[weeks:]
    alike = 0.0
    if len(one) > weeks and min(one.std(), after.std()) > ALIKE:
        alike = max(float(np.corrcoef(one, after)[0, 1]), 0.0)
    return max(past / weeks * (1 - alike) / (1 + alike), FEWEST)


def _one_row(newest: int, past: int) -> float:
    """What one of the newest rows that lies in another bin makes, in fourth roots, where a column has never varied."""
    found: Floats = psi(np.array([1, newest - 1]), np.array([0, past])) ** ROOT
    return float(found)


def _blocks(past: Counts, years: Counts, weeks: int) -> tuple[Counts, Counts]:
    """The counts of each block of weeks of one year, and of what it is held against."""
    first = np.flatnonzero(years[: len(years) - weeks + 1] == years[weeks - 1 :])
    upto = np.vstack([np.zeros_like(past[:1]), past.cumsum(axis=0)])
    blocks = upto[first + weeks] - upto[first]
    first, blocks = first[blocks.any(axis=1)], blocks[blocks.any(axis=1)]
    if len(set(years.tolist())) == 1:
        return blocks, past.sum(axis=0) - blocks
    own = np.array([past[years == year].sum(axis=0) for year in years[first]])
    return blocks, past.sum(axis=0) - own


def _thinned(blocks: Counts, rows: int, seed: int) -> Counts:
    """So many rows of each block at most, drawn without replacement."""
    random = np.random.default_rng(seed)
    return np.array(
        [
            random.multivariate_hypergeometric(block, min(rows, block.sum()), method="marginals")
            for block in blocks
        ]
    )


def _shares(counts: Counts) -> Floats:
    shares: Floats = (counts + HALF) / (counts.sum(axis=-1, keepdims=True) + HALF * counts.shape[-1])
    return shares
