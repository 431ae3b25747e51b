"""Has a level jumped? Its newest week, in logs, held against the weeks before it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

FEWEST = 8  # weeks that say what is usual
USUAL = 26  # weeks, at most
AT_ONCE = 4.0  # robust deviations that one week takes to be a jump
TWICE = 2.5  # that two weeks in a row take, on the same side
MAD = 1.4826  # standard deviations of a normal law in its median absolute deviation


@dataclass(frozen=True, slots=True)
class Jump:
    """A column of a subject whose newest week is so far above or below its usual level, as a share."""

    subject: str
    column: str
    by: float


def jumps(histograms: pl.DataFrame, *, week: date, least: float) -> Iterator[Jump]:
    """Of HISTOGRAMS rows of positive numbers, whose level in this week is a jump: the mean of logs, bin by bin."""
    logs = pl.col("mean").log() * pl.col("rows")
    means = (
        histograms.filter((pl.col("week") <= week) & (pl.col("mean") > 0))
        .group_by("subject", "column", "week")
        .agg((logs.sum() / pl.col("rows").sum()).alias("level"))
        .sort("subject", "column", "week")
    )
    for (subject, column), rows in means.group_by("subject", "column", maintain_order=True):
        by = jumped(rows["level"].to_list(), least=least) if rows["week"][-1] == week else None
        if by is not None:
            yield Jump(str(subject), str(column), by)


def jumped(logs: Sequence[float], *, least: float) -> float | None:
    """By how much, as a share, the newest week is above or below the usual level, if that is a jump; else None.

    `logs` are one per week, the newest last. A jump is `least` at least, in logs, and far outside of what these weeks do.

    >>> round(jumped([0.0, 0.01] * 8 + [0.3], least=0.1), 2)
    0.35
    >>> jumped([0.0, 0.01] * 8 + [0.02], least=0.1)
    """
    values = np.asarray(logs, dtype=float)[-USUAL - 2 :]
    earlier = values[:-2]
    if len(earlier) < FEWEST or not np.isfinite(values).all():
        return None
    usual = float(np.median(earlier))
    deviation = MAD * float(np.median(np.abs(earlier - usual)))
    before, newest = values[-2] - usual, values[-1] - usual
    enough = max(least, AT_ONCE * deviation)
    both = max(least, TWICE * deviation)
    if abs(newest) > enough or (abs(newest) > both and abs(before) > both and newest * before > 0):
        return float(np.expm1(newest))
    return None
