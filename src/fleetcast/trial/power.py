"""What a trial can find: past windows as long as it, read as if each had been one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite

import numpy as np
import polars as pl

from fleetcast.trial import chance, matching
from fleetcast.trial.lift import Arms, levels, relative_error
from fleetcast.trial.outcomes import Outcome, measurable, of_stores

_SHORTEST = 8  # weeks that must lie before a past window that is replayed


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest lift (a fraction) found with a chance of 80 %, told from `windows` past ones; None with none of them."""

    outcome: str
    lift: float | None
    windows: int


def detectable(
    weeks: pl.DataFrame, strata: Mapping[str, str], main: Outcome, length: int
) -> tuple[Detectable, ...]:
    """Replay past windows as long as the trial, with pairs of the same stores made from the weeks before each.

    `strata` names the stores that take part, two of them a pair, and the stratum of each.
    """
    there = of_stores(weeks, strata)
    calendar = there["week"].unique().sort().to_list()
    told = measurable(there)
    errors: dict[str, list[float]] = {outcome.name: [] for outcome in told}
    for first in range(len(calendar) - length, max(length, _SHORTEST) - 1, -length):
        start, end = calendar[first], calendar[first + length - 1]
        arms = _arms_before(there, strata, main, start)
        window = there.filter(pl.col("week") <= end)
        for outcome in told:
            error = relative_error(levels(window, arms, outcome, start=start))
            errors[outcome.name] += [error] if isfinite(error) else []
    return tuple(_found(name, known, len(strata) // 2) for name, known in errors.items())


def _arms_before(there: pl.DataFrame, strata: Mapping[str, str], main: Outcome, start: date) -> list[Arms]:
    """Pairs as they would have been made at a week; who is pilot is of no account."""
    looks = matching.looks(there.filter(pl.col("week") < start), main)
    names = looks["store"].to_list()
    again = matching.in_strata(matching.distances(looks, main), [strata[name] for name in names])
    return [Arms(number, names[a], names[b]) for number, (a, b) in enumerate(again)]


def _found(outcome: str, errors: Sequence[float], pairs: int) -> Detectable:
    if not errors:
        return Detectable(outcome, None, 0)
    error = float(np.sqrt(np.mean(np.square(errors))))
    return Detectable(outcome, chance.detectable(error, pairs), len(errors))
