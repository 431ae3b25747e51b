"""Alarms that open and close again and again: what they set off by themselves is turned off."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.settings import MonitoringSettings


@dataclass(frozen=True, slots=True)
class Flapping:
    """A segment whose alarm flaps: how often it opened, and what follows, in words."""

    segment: str
    openings: int
    reason: str


def flapping(states: pl.DataFrame, *, week: date, settings: MonitoringSettings) -> list[Flapping]:
    """The segments whose alarm opened `flaps` times within `flapping_weeks`, from one row per `segment, week, state`.

    A week without a decision neither opens nor closes an alarm. An alarm that stays open has opened once.
    """
    opened = (
        states.filter((pl.col("week") <= week) & (pl.col("state") != "no decision"))
        .sort("segment", "week")
        .with_columns(alarm=pl.col("state") == "alarm")
        .with_columns(before=pl.col("alarm").shift(fill_value=False).over("segment"))
        .filter(
            pl.col("alarm") & ~pl.col("before") & (pl.col("week") > week - settings.flapping_weeks * WEEK)
        )
    )
    often = opened.group_by("segment").len().filter(pl.col("len") >= settings.flaps).sort("segment")
    return [
        Flapping(
            segment,
            openings,
            f"its alarm opened {openings} times in {settings.flapping_weeks} weeks:"
            f" automatic actions are off until it opens fewer than {settings.flaps} times",
        )
        for segment, openings in often.iter_rows()
    ]
