"""The accuracy gate: may this challenger become champion?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Literal

import numpy as np
import polars as pl

from fleetcast.metrics import COUNTS, measure
from fleetcast.resampling import Floats, interval, over_weeks
from fleetcast.settings import GateSettings

TARGET = 0.45  # the MAPE the fleet is measured by, shown beside whatever limit is in force
UPPER = 0.90  # one-sided bound of the difference to the champion

BASELINES = {"historical mean": "baseline_mean", "historical median": "baseline_median"}


@dataclass(frozen=True, slots=True)
class Check:
    """One question of the gate: what was found, what is allowed, and the answer in words."""

    name: str
    passed: bool
    value: float | None
    limit: float
    text: str


@dataclass(frozen=True, slots=True)
class Improvement:
    """1 − MAPE / MAPE of a named historical average, with a 90 % interval over weeks; null where it cannot be said."""

    baseline: str
    mape: float | None
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer for one segment; `reasons` say in words what failed, and are empty when it passed."""

    passed: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    metrics: dict[str, float | int | None]
    improvements: tuple[Improvement, ...]

    def as_dict(self) -> dict[str, object]:
        """As it is stored in lineage and manifests."""
        return asdict(self)


def judge(
    rows: pl.DataFrame,
    champion: pl.DataFrame | None,
    *,
    settings: GateSettings,
    mover: str | None,
    seed: int,
    baseline: str = "baseline_mean",
) -> Verdict:
    """Judge a segment's challenger on its rolling-origin rows (ROUNDS columns and `units`; null: not scored).

    `champion` holds the champion's `mape` forecasts of the same rows; None: there is none, so nothing to be
    inferior to. Rows flagged `censored` are sold-out weeks, whose demand nobody knows: they are not scored.
    """
    rows = scored(rows)
    found = measure(rows, baseline=baseline).row(0, named=True)
    rounds = rows["origin"].n_unique()
    limit = settings.mape_by.get(mover or "", settings.mape)
    checks = [
        _rounds(rounds, settings.minimum_rounds),
        _mape(finite(found["mape"]), limit),
        _skill(finite(found["skill"]), settings.skill),
        _bias(finite(found["bias"]), settings.bias),
    ]
    if champion is not None:
        checks.append(_not_inferior(rows, champion, settings.noninferiority, seed))
    metrics = {name: value if name in COUNTS else finite(value) for name, value in found.items()}
    return Verdict(
        passed=all(check.passed for check in checks),
        reasons=tuple(check.text for check in checks if not check.passed),
        checks=tuple(checks),
        metrics=metrics | {"rounds": rounds},
        improvements=tuple(
            _improvement(rows, name, column, seed)
            for name, column in BASELINES.items()
            if column in rows.columns
        ),
    )


Standing = Literal["passed", "kept", "baseline", "nothing"]


@dataclass(frozen=True, slots=True)
class Quorum:
    """Whether enough of a fleet can be served for a release to be promoted, in words."""

    met: bool
    counted: int
    of: int
    text: str


def quorum(standings: Sequence[Standing], *, first: bool, settings: GateSettings) -> Quorum:
    """Count the segments that passed or keep a verified model; on a first release also those served by their baseline."""
    good = ("passed", "kept", "baseline") if first else ("passed", "kept")
    counted, of = sum(standing in good for standing in standings), len(standings)
    share = counted / of if of else 0.0
    met = of > 0 and share >= settings.quorum
    sign = "≥" if met else "<"
    said = percent(share, beside=settings.quorum)
    text = f"{counted} of {of} segments ({said}) can be served {sign} {percent(settings.quorum)}"
    return Quorum(met, counted, of, text)


def percent(value: float, *, beside: float | None = None) -> str:
    """A fraction in percent, with as many decimals as it takes not to land on a limit it does not equal.

    >>> percent(0.45), percent(0.523), percent(0.45004, beside=0.45)
    ('45 %', '52.3 %', '45.004 %')
    """
    if beside is None or value == beside:
        return f"{_plain(value * 100, 4)} %"
    for decimals in range(1, 13):
        shown = round(value * 100, decimals)
        if shown != round(beside * 100, 4) and (shown > beside * 100) == (value > beside):
            return f"{_minus(f'{shown:.{decimals}f}')} %"
    return f"{_minus(repr(value * 100))} %"


def _plain(number: float, decimals: int) -> str:
    text = f"{number:.{decimals}f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def scored(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are judged: of weeks whose demand is known."""
    known = pl.col("units").is_not_null() & pl.col("units").is_not_nan()
    if "censored" in rows.columns:
        known &= ~pl.col("censored").fill_null(value=False)
    return rows.filter(known)


def _rounds(rounds: int, least: int) -> Check:
    passed = rounds >= least
    text = f"{rounds} rounds {'≥' if passed else '<'} {least}"
    return Check("rounds", passed, rounds, least, text)


def _mape(value: float | None, limit: float) -> Check:
    target = "" if limit == TARGET else f" (target {percent(TARGET)})"
    if value is None:
        return Check("mape", False, None, limit, "MAPE has no value: no scored row sold anything")
    passed = value <= limit
    text = f"MAPE {percent(value, beside=limit)} {'≤' if passed else '>'} {percent(limit)}{target}"
    return Check("mape", passed, value, limit, text)


def _skill(value: float | None, limit: float) -> Check:
    if value is None:
        return Check("skill", False, None, limit, "skill has no value: nothing to compare with the baseline")
    passed = value >= limit
    meaning = "" if passed else ": worse than the historical average"
    said = percent(value, beside=limit)
    return Check(
        "skill", passed, value, limit, f"skill {said} {'≥' if passed else '<'} {percent(limit)}{meaning}"
    )


def _bias(value: float | None, limit: float) -> Check:
    if value is None:
        return Check("bias", False, None, limit, "bias has no value: the scored rows sold nothing in all")
    passed = abs(value) <= limit
    sign = "−" if value < 0 else "+"
    said = percent(abs(value), beside=limit)
    place = "within" if passed else "outside"
    return Check("bias", passed, value, limit, f"bias {sign}{said} {place} ±{percent(limit)}")


def _not_inferior(rows: pl.DataFrame, champion: pl.DataFrame, margin: float, seed: int) -> Check:
    name = "champion"
    key = [c for c in ("origin", "week", "store", "product") if c in champion.columns]
    both = rows.filter(pl.col("units") > 0).join(
        champion.select(*key, pl.col("mape").alias("champion")), on=key, how="inner"
    )
    if both.is_empty():
        return Check(name, False, None, margin, "cannot be compared with the champion: no row in common")
    ours, theirs, n = weekly(both, "mape", "champion")
    difference = over_weeks([ours, theirs, n], seed, lambda a, b, n: (a - b) / n)
    bound = finite(float(np.quantile(difference, UPPER)))
    if bound is None:
        return Check(
            name, False, None, margin, "cannot be compared with the champion: a forecast is not a number"
        )
    passed = bound <= margin
    size = _points(bound, margin)
    sign = "≤" if passed else ">"
    text = f"MAPE against the champion: at most {size} points ({percent(UPPER)} bound) {sign} {_plain(margin * 100, 4)}"
    return Check(name, passed, bound, margin, text)


def _points(value: float, limit: float) -> str:
    text = percent(value, beside=limit).removesuffix(" %")
    return text if text.startswith("−") else f"+{text}"


def _improvement(rows: pl.DataFrame, name: str, column: str, seed: int) -> Improvement:
    known = pl.col(column).is_not_null() & pl.col(column).is_not_nan()
    both = rows.filter(known & (pl.col("units") > 0))
    if both.is_empty():
        return Improvement(name, None, None, None, None)
    ours, theirs, n = weekly(both, "mape", column)
    if not (theirs.sum() > 0 and isfinite(ours.sum())):
        return Improvement(name, finite(theirs.sum() / n.sum()), None, None, None)
    low, high = interval([ours, theirs], seed, lambda a, b: 1 - a / np.where(b > 0, b, np.nan))
    value = float(1 - ours.sum() / theirs.sum())
    return Improvement(name, finite(theirs.sum() / n.sum()), finite(value), low, high)


def weekly(rows: pl.DataFrame, *columns: str) -> tuple[Floats, ...]:
    """Sums of absolute percentage errors per week of each column, and the number of rows."""
    units = pl.col("units")
    errors = [
        ((pl.col(c).fill_null(float("nan")) - units).abs() / units).sum().alias(f"ape_{c}") for c in columns
    ]
    weekly = rows.group_by("week").agg(*errors, pl.len().alias("n")).sort("week")
    return tuple(weekly[name].cast(pl.Float64).to_numpy() for name in weekly.columns if name != "week")


def finite(value: float | None) -> float | None:
    """The number, or None where it is none."""
    return value if value is not None and isfinite(value) else None
