"""Many tests at once: which of them to believe."""

from collections.abc import Sequence

import numpy as np


def discoveries(p: Sequence[float], share: float) -> list[bool]:
    """Which hypotheses fall when at most this share of those that fall may be true ones.

    The step-up rule of Benjamini and Hochberg 1995 (doi 10.1111/j.2517-6161.1995.tb02031.x), as strict as Benjamini and
    Yekutieli 2001 (doi 10.1214/aos/1013699998) make it for tests that hang together in any way: columns of one segment do,
    and segments of one region.

    >>> discoveries([0.001, 0.2, 0.03, 0.9], 0.1)
    [True, False, False, False]
    """
    values = np.asarray(p, dtype=float)
    ranks = np.arange(1, values.size + 1)
    under = np.flatnonzero(np.sort(values) <= share * ranks / (values.size * np.sum(1 / ranks)))
    return (values <= np.sort(values)[under[-1]]).tolist() if under.size else [False] * values.size
