"""The lift: pilot stores against their control stores, now against before, with what chance alone would do.

A store's weeks are taken together into one level before and one since the start: weeks of one store hang together,
and as many "observations" as weeks make intervals far too narrow [Bertrand, Duflo & Mullainathan 2004].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.resampling import Floats
from fleetcast.trial import chance
from fleetcast.trial.outcomes import Outcome, level

BEFORE = 26  # weeks before the start that make a store's level; more said nothing more, see the guide
SIDES = ("pilot_before", "pilot_now", "control_before", "control_now")


@dataclass(frozen=True, slots=True)
class Arms:
    """Which two stores make which pair."""

    pair: int
    pilot: str
    control: str


@dataclass(frozen=True, slots=True)
class Levels:
    """An outcome's levels by pair (one element each), before and since the start, and what each pair weighs."""

    pair: npt.NDArray[np.int64]
    pilot_before: Floats
    pilot_now: Floats
    control_before: Floats
    control_now: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Lift:
    """What the pilot stores had more (or less) of than without the trial; bounds of 90 %, None where they cannot be said.

    `value` is a fraction of what they would have had; `difference` is in the outcome's own unit. `p` is how often
    chance alone makes a difference this large. Levels are means over pairs, each by its weight.
    """

    pairs: int
    value: float | None
    low: float | None
    high: float | None
    difference: float
    difference_low: float | None
    difference_high: float | None
    p: float
    pilot_before: float
    pilot_now: float
    control_before: float
    control_now: float

    @property
    def found(self) -> bool:
        """Whether chance alone would rarely do this."""
        return self.p <= chance.ALPHA


def levels(store_weeks: pl.DataFrame, arms: Sequence[Arms], outcome: Outcome, *, start: date) -> Levels:
    """The levels of every pair with weeks on both sides of the start; a pair's week counts when both stores have it.

    Before the start the last 26 weeks count: a season is over by then, and stores drift apart over longer times.
    A pair weighs what its stores had a week before the start of what the outcome is a share of: deliveries, for the
    share of them that came back. Sums a week weigh alike, for large stores have large sums.
    """
    stores = pl.DataFrame(
        [
            {"pair": pair.pair, "store": store, "pilot": pilot}
            for pair in arms
            for store, pilot in ((pair.pilot, True), (pair.control, False))
        ],
        schema={"pair": pl.Int64, "store": pl.String, "pilot": pl.Boolean},
    )
    lately = pl.col("week") >= start - BEFORE * WEEK
    rows = store_weeks.filter(lately, pl.col(outcome.column).is_not_null()).join(stores, on="store")
    both = rows.filter(pl.len().over("pair", "week") == 2)
    before, pilot = pl.col("week") < start, pl.col("pilot")
    weekly = pl.col(outcome.per).filter(before).sum() / pl.col("week").filter(before).n_unique()
    found = (
        both.group_by("pair")
        .agg(
            level(outcome, pilot & before).alias("pilot_before"),
            level(outcome, pilot & ~before).alias("pilot_now"),
            level(outcome, ~pilot & before).alias("control_before"),
            level(outcome, ~pilot & ~before).alias("control_now"),
            weekly.alias("weight"),
        )
        .drop_nulls()
        .sort("pair")
    )
    return Levels(found["pair"].to_numpy(), *(found[name].to_numpy() for name in (*SIDES, "weight")))


def differences(known: Levels) -> Floats:
    """Per pair: how much more the pilot store moved than its control, each against its own level before, grown alike.

    Growing the level before by what all stores of the trial grew by keeps a season out of pairs that are not of one
    size; it does not know who is pilot, so the coins still say what chance does. Where levels are not above zero in
    all (money may be lost), nothing is grown.
    """
    grown = _growth(known, known.pilot_now + known.control_now) if _grows(known) else 1.0
    moved: Floats = known.pilot_now - known.control_now - grown * _gap(known)
    return moved


def lift(known: Levels, thrown: Floats) -> Lift:
    """The lift over these pairs, `thrown` being the ways their coins could have fallen.

    The interval of `value` holds the factors that, taken off the pilot stores' levels, leave differences that look
    like chance; that of `difference` the amounts.
    """
    nothing, now = np.zeros_like(known.weight), known.pilot_now
    moved = known.weight * differences(known)
    less = _balanced(known, now, nothing - 1.0, thrown)
    value, low, high = _relative(_balanced(known, nothing, now, thrown))
    return Lift(
        pairs=len(moved),
        value=value,
        low=low,
        high=high,
        difference=less.value if less else float(moved.sum() / known.weight.sum()),
        difference_low=_finite(less.low) if less else None,
        difference_high=_finite(less.high) if less else None,
        p=chance.rarity(moved, thrown),
        **{side: _mean(known, getattr(known, side)) for side in SIDES},
    )


def _balanced(known: Levels, still: Floats, moving: Floats, thrown: Floats) -> chance.Estimate | None:
    """The x at which pilot stores with the levels `still + moving × x` differ from their controls by chance."""
    fixed, rising = 1.0, 0.0
    if _grows(known):
        fixed, rising = _growth(known, still + known.control_now), _growth(known, moving)
    return chance.balancing(
        known.weight * (still - known.control_now - fixed * _gap(known)),
        known.weight * (moving - rising * _gap(known)),
        thrown,
    )


def _gap(known: Levels) -> Floats:
    gap: Floats = known.pilot_before - known.control_before
    return gap


def _growth(known: Levels, now: Floats) -> float:
    """Levels of both stores together, as a share of what they were before."""
    return _mean(known, now) / _mean(known, known.pilot_before + known.control_before)


def _grows(known: Levels) -> bool:
    before = _mean(known, known.pilot_before + known.control_before)
    return before > 0 and _mean(known, known.pilot_now + known.control_now) > 0


def _mean(known: Levels, values: Floats) -> float:
    return float((known.weight * values).sum() / known.weight.sum())


def relative_error(known: Levels) -> float:
    """Standard error of the lift under the coins, as a fraction of the level since the start; NaN where that is not above 0."""
    if not known.pair.size:
        return float("nan")
    level_now = float((known.weight * (known.pilot_now + known.control_now)).sum()) / 2
    error = float(np.sqrt(((known.weight * differences(known)) ** 2).sum()))
    return error / level_now if level_now > 0 else float("nan")


def _relative(shrunk: chance.Estimate | None) -> tuple[float | None, float | None, float | None]:
    """Lift from the factor that undoes it: a factor of 0.8 undoes +25 %."""
    if shrunk is None or shrunk.value <= 0:
        return None, None, None
    low = 1 / shrunk.high - 1 if isfinite(shrunk.high) else None
    high = 1 / shrunk.low - 1 if shrunk.low > 0 else None
    return 1 / shrunk.value - 1, low, high


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
