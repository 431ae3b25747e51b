"""Many tests at once: which of them to believe."""

from collections.abc import Sequence

import numpy as np


def discoveries(p: Sequence[float], share: float) -> list[bool]:
    """Which hypotheses fall when at most this share of those that fall may be true ones.

    The step-up rule of Benjamini and Hochberg 1995 (doi 10.1111/j.2517-6161.1995.tb02031.x). It holds for tests that are
    alike, as those of columns and segments of one week are [Benjamini and Yekutieli 2001, doi 10.1214/aos/1013699998].

    >>> discoveries([0.001, 0.2, 0.03, 0.9], 0.1)
    [True, False, True, False]
    """
    values = np.asarray(p, dtype=float)
    ranked = np.sort(values)
    under = np.flatnonzero(ranked <= share * np.arange(1, len(ranked) + 1) / max(len(ranked), 1))
    return (values <= ranked[under[-1]]).tolist() if under.size else [False] * len(ranked)
