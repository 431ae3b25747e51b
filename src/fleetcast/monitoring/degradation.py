"""Have the errors of a segment grown? A verdict for each, with its reason."""

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any, Literal

import numpy as np
import polars as pl

from fleetcast.domain.week import WEEK, label
from fleetcast.gate import finite, percent
from fleetcast.monitoring.scores import COVERED
from fleetcast.monitoring.watching import Watched
from fleetcast.monitoring.weekly_errors import by_week, decided
from fleetcast.settings import MonitoringSettings

State = Literal["ok", "watch", "alarm", "no decision"]

WATCH = 0.75  # of a limit: over it a segment is shown, and nothing is done


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a chart says in the newest week, in deviations of a healthy segment, and what it must exceed for an alarm."""

    rule: Literal["average", "two of three"]
    value: float | None
    limit: float


@dataclass(frozen=True, slots=True)
class Degradation:
    """Whether a segment's errors have grown, as of a week, in words.

    `since` is the week in which the present alarm began, `late` the MAPE of the last three weeks, `usual` that of the
    `reference_weeks`; `provisional` says how many of the watched weeks may still change.
    """

    segment: str
    week: date
    state: State
    reason: str
    since: date | None = None
    late: float | None = None
    usual: float | None = None
    reference_weeks: int = 0
    provisional: int = 0
    evidence: tuple[Evidence, ...] = ()


def degradation(
    errors: pl.DataFrame, *, week: date, settings: MonitoringSettings, seed: int
) -> list[Degradation]:
    """The verdict on each segment of `weekly_errors`, by what is known of the weeks up to this one."""
    errors = errors.filter(pl.col("week") <= week)
    segments = errors["segment"].unique().sort().to_list()
    mape = by_week(errors, segments, last=week, weeks=settings.reference_weeks + settings.watched_weeks)
    known = np.isfinite(mape).sum(axis=1)
    enough = known > settings.fewest_reference_weeks
    newest = {row["segment"]: row for row in errors.filter(pl.col("week") == week).iter_rows(named=True)}
    undecided = {
        segment: _undecided(newest.get(segment), week)
        or _too_few(int(weeks), settings.fewest_reference_weeks)
        for segment, weeks in zip(segments, known, strict=True)
    }
    judged = [segment for segment, there in zip(segments, enough, strict=True) if there]
    verdicts: dict[str, Degradation] = {}
    if judged:
        watched = Watched.of(mape[enough], settings=settings, seed=seed)
        open_weeks = _open_weeks(errors, week - (settings.watched_weeks - 1) * WEEK)
        verdicts = {
            segment: _verdict(watched, row, segment, week, open_weeks.get(segment, 0))
            for row, segment in enumerate(judged)
        }
    return [
        Degradation(segment, week, "no decision", why) if (why := undecided[segment]) else verdicts[segment]
        for segment in segments
    ]


def _undecided(newest: dict[str, Any] | None, week: date) -> str | None:
    """Why the newest week is none to decide on, if so."""
    if newest is None:
        return f"no forecast of {label(week)} has been held against its demand"
    if newest["coverage"] < COVERED:
        covered, least = percent(newest["coverage"], beside=COVERED), percent(COVERED)
        return f"{covered} of the demand of {label(week)} is known, less than {least}"
    if newest["mape"] is None:
        return f"nothing was sold in {label(week)}"
    return None if isfinite(newest["mape"]) else f"a forecast of {label(week)} is not a number"


def _too_few(weeks: int, fewest: int) -> str | None:
    return None if weeks > fewest else f"{weeks} weeks have an error to decide on; {fewest + 1} are needed"


def _open_weeks(errors: pl.DataFrame, since: date) -> dict[str, int]:
    """How many decided weeks of each segment may still change."""
    open_ = errors.filter(decided() & (pl.col("week") >= since) & ~pl.col("final"))
    return dict(open_.group_by("segment").len().iter_rows())


def _verdict(watched: Watched, row: int, segment: str, week: date, provisional: int) -> Degradation:
    weeks = int(watched.weeks_in_alarm[row])
    state: State = "alarm" if weeks else "watch" if watched.near(WATCH)[row] else "ok"
    since = week - (weeks - 1) * WEEK if weeks else None
    late, usual = float(watched.late[row]), float(np.exp(watched.reference.centre[row]))
    found = f"MAPE {percent(round(late, 3))} in the last three weeks, usually {percent(round(usual, 3))}"
    meaning = {
        "ok": "",
        "watch": ": near what is an alarm",
        "alarm": f": higher than chance makes it, since {label(since or week)}",
    }[state]
    open_ = f"; {provisional} of the watched weeks may still change" if provisional and state != "ok" else ""
    return Degradation(
        segment,
        week,
        state,
        found + meaning + open_,
        since=since,
        late=late,
        usual=usual,
        reference_weeks=int(watched.reference.weeks[row]),
        provisional=provisional,
        evidence=(
            Evidence("average", finite(float(watched.average[row, -1])), watched.limits.average),
            Evidence(
                "two of three", finite(float(watched.two_of_three[row, -1])), watched.limits.two_of_three
            ),
        ),
    )
