"""What a series' past says, as it was known at each origin."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.features import kernels
from fleetcast.features.alike import alike
from fleetcast.features.column import F32, F64, I64, Column, codes, or_zero, summed
from fleetcast.features.panel import Panel
from fleetcast.settings import FeatureSettings

STEADY_WEEKS = 13  # shortest window whose spread and share of zeros mean something
FADING_LAGS = 2  # youngest lags whose weight changes with the horizon
ALIKE_WIDTH = 0.25  # standard deviations of a known-ahead value within which two weeks are alike
ALIKE_MEMORY = 52.0  # weeks after which a week that is alike counts half


@dataclass(frozen=True)
class History:
    """Log units of a panel and their windows, read at origins."""

    panel: Panel
    logs: F64  # [S, W], log(1 + units), NaN after the cutoff
    seen: F64  # [A, S, W]
    lengths: I64  # [K], weeks of the windows; the last is 0, for all weeks so far
    mean: F32  # [K, S, W]
    std: F32
    zero: F32  # share of weeks without sales
    count: F32  # known weeks
    level: F32  # [S, W], mean of the longest window, else that of all series at the origin
    waiting: npt.NDArray[np.bool_]  # [S, W], origins at which a series has no weeks but borrowed ones

    @classmethod
    def of(cls, panel: Panel, settings: FeatureSettings) -> "History":
        """Negative units count as 0."""
        logs, seen = np.log1p(np.maximum(panel.units, 0)), np.log1p(np.maximum(panel.seen, 0))
        logs[:, panel.cutoff + 1 :] = np.nan
        lengths = np.array([*sorted(settings.windows), 0], np.int64)
        mean, std, zero, count = kernels.windows(logs, seen, lengths)
        waiting = panel.waiting
        return cls(panel, logs, seen, lengths, mean, std, zero, count, _level(mean, waiting), waiting)

    def columns(self, settings: FeatureSettings, known: Mapping[str, F32]) -> Iterator[Column]:
        """Everything against the level, so that a penalty pulls towards it."""
        yield Column("level", origin=self.level, slope=True)
        yield Column("new", origin=np.isnan(self.mean[-1]).astype(np.float32))
        yield Column("known_weeks", origin=np.log1p(self.count[-1]))
        yield Column("horizon", target=np.ones_like(self.level), by_horizon=True)
        yield from self._lags(settings)
        yield from self._windows()
        for lag in settings.seasonal_lags:
            yield from self._season(lag)
        if known:
            yield self._alike(np.stack(list(known.values())))

    def _lags(self, settings: FeatureSettings) -> Iterator[Column]:
        ages = np.array(settings.lags, np.int64)
        for age, values in zip(ages, kernels.lags(self.logs, self.seen, ages), strict=True):
            apart = or_zero(values - self.level)
            yield Column(f"lag{age}", origin=apart)
            if age == 0:
                yield self._of_store("lag0", apart)
            if age < FADING_LAGS:
                yield Column(f"lag{age}·horizon", origin=apart, by_horizon=True)

    def _windows(self) -> Iterator[Column]:
        for k, length in enumerate(self.lengths[:-1]):
            apart = or_zero(self.mean[k] - self.level)
            yield Column(f"mean{length}", origin=apart)
            if k == 0:
                yield self._of_store(f"mean{length}", apart)
                yield Column(f"mean{length}·horizon", origin=apart, by_horizon=True)
            if length >= STEADY_WEEKS:
                yield Column(f"std{length}", origin=or_zero(self.std[k]))
                yield Column(f"zero{length}", origin=or_zero(self.zero[k]))

    def _of_store(self, name: str, values: F32) -> Column:
        """Averaged over all products of the store: what happens to the store happens to each of them.

        What a successor borrows is its predecessor's, and counts once.
        """
        store, own = codes(self.panel, "store"), np.where(self.waiting, np.float32(0), values)
        mean = summed(own, store) / np.bincount(store)[:, None]
        return Column(f"store {name}", origin=mean[store].astype(np.float32))

    def _season(self, lag: int) -> Iterator[Column]:
        """The three weeks around `lag` weeks before the target; more lags before, until all were final at the origin."""
        horizons, oldest = self.panel.horizons, len(self.seen) + 1
        back = [-(-(horizon + oldest) // lag) * lag for horizon in horizons]
        if len(set(back)) == 1:
            mean, count = self._around(back[0])
        else:
            made = {lags: self._around(lags) for lags in set(back)}
            mean, count = (np.stack([made[lags][i] for lags in back]) for i in (0, 1))
        yield Column(f"season{lag}", target=mean, origin=self.level)
        yield Column(f"has_season{lag}", target=(count > 0).astype(np.float32))

    def _around(self, lag: int) -> tuple[F32, F32]:
        """[S, W] each: mean of the known ones of the three weeks around `lag` weeks before a week, or NaN; their number."""
        S, W = self.logs.shape
        around = np.full((3, S, W), np.nan)
        for k, shift in enumerate((lag - 1, lag, lag + 1)):
            if shift < W:
                around[k, :, shift:] = self.logs[:, : W - shift]
        known = ~np.isnan(around)
        count = known.sum(axis=0)
        mean = np.where(known, around, 0).sum(axis=0) / np.maximum(count, 1)
        return np.where(count > 0, mean, np.nan).astype(np.float32), count.astype(np.float32)

    def _alike(self, known: F32) -> Column:
        """What past weeks sold whose known-ahead values were like those of the target."""
        spread = (known - known.mean(axis=2, keepdims=True)).std(axis=(1, 2))
        scaled = known / (ALIKE_WIDTH * np.maximum(spread, 1e-3))[:, None, None]
        horizons = np.array(self.panel.horizons, np.int64)
        made = alike(
            self.logs,
            self.level,
            scaled.astype(np.float32),
            horizons,
            open_weeks=len(self.seen),
            memory=ALIKE_MEMORY,
        )
        return Column("alike", target=made)


def _level(mean: F32, waiting: npt.NDArray[np.bool_]) -> F32:
    level = np.where(np.isnan(mean[-2]), mean[-1], mean[-2])
    known = ~np.isnan(level)
    own = known & ~waiting
    everywhere = np.where(own, level, 0).sum(axis=0) / np.maximum(own.sum(axis=0), 1)
    return np.asarray(np.where(known, level, everywhere[None, :]), np.float32)
