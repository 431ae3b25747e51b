"""Staleness of a scoring run: was it made by models trained too long before it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fleetcast.settings import RetrainingSettings

DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Age:
    """How old a segment's model was when it scored: `days` from its last full fit to the run."""

    segment: str
    days: float
    state: Literal["fresh", "warning", "stale"]
    reason: str


def staleness(
    trained_at: Mapping[str, datetime], *, scored_at: datetime, settings: RetrainingSettings
) -> list[Age]:
    """The age of each segment's model at a scoring run, oldest first; more than `stale_days` is stale.

    `trained_at` is the last full fit; a warm start does not make a model younger.
    """
    ages = [_age(segment, trained, scored_at, settings) for segment, trained in trained_at.items()]
    return sorted(ages, key=lambda age: (-age.days, age.segment))


def is_stale(ages: list[Age]) -> bool:
    """Whether any model of the run was stale."""
    return any(age.state == "stale" for age in ages)


def _age(segment: str, trained: datetime, scored: datetime, settings: RetrainingSettings) -> Age:
    days = (scored - trained).total_seconds() / DAY
    said = f"trained {_said(days, settings.stale_days)} days before this run"
    if days > settings.stale_days:
        return Age(segment, days, "stale", f"{said}, more than {settings.stale_days}")
    if days >= settings.stale_warning_days:
        return Age(segment, days, "warning", f"{said}, stale after {settings.stale_days}")
    return Age(segment, days, "fresh", said)


def _said(days: float, limit: int) -> str:
    """Whole days, unless that would print a model past its limit as still at it."""
    if int(days) == limit and days > limit:
        return f"{limit} and a bit"
    return str(int(days))
