"""What this machine can do at most on one thread, so that figures of two machines can be compared by ratio."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

TRIES = 5  # of each; the best one counts, for a ceiling is what nothing disturbed


@dataclass(frozen=True)
class Ceilings:
    """Measured on one thread."""

    triad_gb_s: float  # a = b + s·c over arrays larger than any cache; bytes read and written per second
    sgemm_gflop_s: float  # float32 matrix product, 1024 × 1024
    scan_mrow_s: float  # rows of a compressed Parquet file of week, store, product, units, read and summed

    @property
    def work_s(self) -> float:
        """CPU seconds for a fixed mix of work at the ceilings: what costs of two machines, or two commits, are divided by."""
        return 10.0 / self.triad_gb_s + 40.0 / self.sgemm_gflop_s + 20.0 / self.scan_mrow_s

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 2) for name, value in asdict(self).items()}


def ceilings(scratch: Path) -> Ceilings:
    """Measure them; takes a few seconds."""
    return Ceilings(_triad(), _sgemm(), _scan(scratch))


def _best(work: Callable[[], object]) -> float:
    """CPU seconds of the best try."""
    spent = []
    for _ in range(TRIES):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def _triad() -> float:
    n = 1 << 24
    a, b, c = np.empty(n), np.ones(n), np.ones(n)

    def triad() -> None:
        np.multiply(c, 3.0, out=a)
        np.add(a, b, out=a)

    return 5 * 8 * n / _best(triad) / 1e9  # numpy writes and reads `a` once more than a compiled triad does


def _sgemm() -> float:
    n = 1024
    a, b = (np.random.default_rng(seed).random((n, n), np.float32) for seed in (1, 2))
    return 2 * n**3 / _best(lambda: a @ b) / 1e9


def _scan(scratch: Path) -> float:
    n = 2_000_000
    path = scratch / "scan.parquet"
    number = pl.int_range(n, eager=True)
    pl.DataFrame(
        {
            "week": (number % 400).cast(pl.Date),
            "store": (number // 16000).cast(pl.String),
            "product": (number // 400 % 40).cast(pl.String),
            "units": (number * 7919 % 97).cast(pl.Float64),
        }
    ).write_parquet(path)
    scan = pl.scan_parquet(path).select(
        pl.col("units").sum(), pl.col("store").n_unique(), pl.col("week").n_unique()
    )
    return n / _best(scan.collect) / 1e6
