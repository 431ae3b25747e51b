"""With the pool's members or alone: which form of a segment's ensemble is its challenger?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from fleetcast.domain.models import Form
from fleetcast.gate import finite, percent, scored, weekly
from fleetcast.resampling import INTERVAL, over_weeks

SAID: Mapping[Form, str] = {"pooled": "with the pool", "alone": "alone"}
_ROW = ["origin", "week", "store", "product"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """MAPE of both forms on the same rows, and alone − pooled with its 90 % interval over weeks; None where no row counts."""

    pooled: float | None
    alone: float | None
    difference: float | None
    low: float | None
    high: float | None

    @property
    def better(self) -> Form:
        """Whose MAPE is lower; the pooled form's where they are equal, or nobody can say."""
        return "alone" if self.difference is not None and self.difference < 0 else "pooled"

    @property
    def alone_is_clearly_better(self) -> bool:
        """Whether it is in all but one in twenty draws of weeks."""
        return self.high is not None and self.high < 0


@dataclass(frozen=True, slots=True)
class Choice:
    """The form that was chosen, both MAPEs on the same rows (fractions), and why, in words."""

    form: Form
    reason: str
    pooled: float | None
    alone: float | None

    def as_dict(self) -> dict[str, object]:
        """As it is stored in lineage and manifests."""
        return asdict(self)


def compared(pooled: pl.DataFrame, alone: pl.DataFrame, *, seed: int) -> Comparison:
    """Hold the rounds of both forms (ROUNDS columns and `units`) against each other, on the rows that both have."""
    both = (
        scored(pooled)
        .filter(pl.col("units") > 0)
        .join(alone.select(*_ROW, pl.col("mape").alias("alone")), on=_ROW, how="inner")
    )
    if both.is_empty():
        return Comparison(None, None, None, None, None)
    theirs, own, n = weekly(both, "mape", "alone")
    drawn = over_weeks([own, theirs, n], seed, lambda a, b, n: (a - b) / n)
    low, high = np.quantile(drawn, INTERVAL)
    means = (sums.sum() / n.sum() for sums in (theirs, own, own - theirs))
    return Comparison(*(finite(float(figure)) for figure in (*means, low, high)))


def choose(found: Comparison, *, passed: Mapping[Form, bool], serving: Form | None = None) -> Choice:
    """The form that passed its gate; where both did or neither, the better one, in doubt the pooled one.

    Better on a few rounds is mostly chance. So where both passed, alone has to be clearly better; once it serves, it
    stays until it is not better any more.
    """
    if passed["pooled"] != passed["alone"]:
        form: Form = "pooled" if passed["pooled"] else "alone"
        return _chosen(found, form, ", which does not pass")
    if not passed["pooled"]:
        return _chosen(found, found.better, "; neither passes")
    if found.alone_is_clearly_better:
        return _chosen(found, "alone", "")
    if serving == "alone" and found.better == "alone":
        return _chosen(found, "alone", "; it serves, and is still better")
    return _chosen(found, "pooled", ", which is not clearly better" if found.better == "alone" else "")


def _chosen(found: Comparison, form: Form, why: str) -> Choice:
    of = {"pooled": found.pooled, "alone": found.alone}
    other: Form = "alone" if form == "pooled" else "pooled"
    reason = f"{SAID[form]}: MAPE {_said(of[form])}, {SAID[other]} {_said(of[other])}{why}"
    return Choice(form, reason, found.pooled, found.alone)


def _said(mape: float | None) -> str:
    return "without a value" if mape is None else percent(round(mape, 4))
