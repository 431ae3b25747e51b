"""The newest weeks of all segments, held by the charts against the weeks before them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fleetcast.monitoring.charts import Reference, ewma, logs, two_of_three
from fleetcast.monitoring.limits import Flags, Limits, limits
from fleetcast.resampling import Floats
from fleetcast.settings import MonitoringSettings

YEAR = 52  # weeks
FLEET = 8  # segments that it takes to say what a week is like
RECURS = 0.5  # of what made a week of last year worse for all: simulated holidays correlate by 0.47 from year to year
LATE = 3  # weeks that are meant by "of late"


@dataclass(frozen=True)
class Watched:
    """What the charts say of each segment (a row), at the end of each watched week but the first two."""

    reference: Reference
    limits: Limits
    average: Floats
    two_of_three: Floats
    late: Floats  # mean MAPE of the last three weeks

    @classmethod
    def of(cls, mape: Floats, *, settings: MonitoringSettings, seed: int) -> Self:
        """Of segments × weeks, each with more weeks than `fewest_reference_weeks`.

        The newest weeks are watched. While a segment has few, its first ones are the reference, and what came after is watched.
        """
        watched = _watched(mape, settings)
        newest = np.where(watched, mape, np.nan)[:, -settings.watched_weeks :]
        earlier = np.where(watched, np.nan, mape)
        reference = Reference.of(logs(earlier))
        before = reference.apart(logs(earlier))
        allowed = limits(
            before,
            weeks=int(np.median(reference.weeks)),
            watched=settings.watched_weeks,
            rate=settings.false_alarms / len(mape),
            seed=seed,
        )
        apart = reference.apart(logs(newest)) - _season(before, settings.watched_weeks)
        ends = [apart[:, :end] for end in range(LATE, settings.watched_weeks + 1)]
        average, run = (
            np.column_stack([chart(end, reference.unsure) for end in ends]) for chart in (ewma, two_of_three)
        )
        return cls(reference, allowed, average, run, _mean(newest[:, -LATE:]))

    @property
    def weeks_in_alarm(self) -> npt.NDArray[np.int64]:
        """Weeks in a row up to the newest."""
        alarms = self.limits.passed(self.average, self.two_of_three)
        weeks: npt.NDArray[np.int64] = np.cumprod(alarms[:, ::-1], axis=1).sum(axis=1)
        return weeks

    def near(self, share: float) -> Flags:
        """Whether a chart is over this share of its limit in the newest week."""
        return self.limits.times(share).passed(self.average[:, -1], self.two_of_three[:, -1])


def _watched(mape: Floats, settings: MonitoringSettings) -> Flags:
    first = np.cumsum(np.isfinite(mape), axis=1) <= settings.fewest_reference_weeks
    new = np.arange(mape.shape[1]) >= mape.shape[1] - settings.watched_weeks
    watched: Flags = new & ~first
    return watched


def _season(apart: Floats, watched: int) -> Floats:
    """What may be expected of the watched weeks, in deviations, by the middle segment in the same weeks of the year before.

    A holiday makes the same week bad for everybody, year after year. One segment's own last year would say little.
    """
    expected = np.zeros(watched)
    if apart.shape[1] < YEAR + watched:
        return expected
    same = apart[:, -YEAR - watched : -YEAR]
    told = np.isfinite(same).sum(axis=0) >= FLEET
    expected[told] = RECURS * np.nanmedian(same[:, told], axis=0)
    return expected


def _mean(values: Floats) -> Floats:
    there = np.isfinite(values)
    weeks = there.sum(axis=1)
    summed = np.where(there, values, 0).sum(axis=1)
    found: Floats = np.divide(summed, weeks, out=np.full(len(values), np.nan), where=weeks > 0)
    return found
