"""What a series' past says, as it was known at each origin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.features import kernels
from fleetcast.features.ahead import Plan
from fleetcast.features.alike import alike
from fleetcast.features.column import F32, F64, I64, Cell, Column, Table, codes
from fleetcast.features.panel import Panel
from fleetcast.features.sharing import joint
from fleetcast.settings import FeatureSettings

Bools = npt.NDArray[np.bool_]

STEADY_WEEKS = 13  # shortest window whose spread and share of zeros mean something
FADING_LAGS = 2  # youngest lags whose weight changes with the horizon
ALIKE_WIDTH = 0.25  # standard deviations of a known-ahead value within which two weeks are alike
LEVELLED = "all-mean"  # begins the name of the mean of all weeks so far, against the level's window
ALIKE_MEMORY = 52.0  # weeks after which a week that is alike counts half


@dataclass(frozen=True)
class History:
    """Log units of a panel and what its weeks were, read at origins."""

    panel: Panel
    logs: F64  # [S, W], log(1 + units), NaN after the cutoff
    lengths: tuple[int, ...]  # weeks of the windows, the longest last
    past: Table  # as `kernels.pasts` lays it, from the first origin on that a target reads
    level: F32  # [S, …], of these origins
    waiting: Bools  # [S, …], of these origins those at which a series has no weeks but borrowed ones
    since: int  # index of the first target week

    @classmethod
    def of(cls, panel: Panel, settings: FeatureSettings, since: int) -> "History":
        """For targets from the week of index `since` on. Negative units count as 0."""
        logs = np.log1p(np.maximum(panel.units, 0))
        logs[:, panel.cutoff + 1 :] = np.nan
        lengths = np.array(sorted(settings.windows), np.int64)
        steady = int((lengths < STEADY_WEEKS).sum())
        width = kernels.LAGS + len(settings.lags) + 3 * len(lengths) - 2 * steady
        first = max(0, since - max(panel.horizons))
        past = np.empty((len(logs), logs.shape[1] - first, width), np.float32)
        waiting = np.ascontiguousarray(panel.waiting[:, first:])
        level = np.empty(past.shape[:2], np.float32)
        kernels.pasts(
            logs, panel.seen, np.array(settings.lags, np.int64), lengths, steady, first, past, level
        )
        kernels.levelled(level, past, waiting)
        table = Table(past[None], np.arange(len(panel)), first=first)
        return cls(panel, logs, tuple(lengths.tolist()), table, level, waiting, since)

    def columns(self, settings: FeatureSettings, plans: Sequence[Plan]) -> Iterator[Column]:
        """Everything against the level, so that a penalty pulls towards it."""
        yield Column("level", origin=self._cell(kernels.LEVEL), slope=True)
        yield Column("new", origin=self._cell(kernels.NEW))
        yield Column("known_weeks", origin=self._cell(kernels.KNOWN_WEEKS))
        one = Table(np.ones((1, 1, 1, 1), np.float32), np.zeros(len(self.panel), np.int64))
        yield Column("horizon", target=Cell(one, 0), by_horizon=True)
        yield from self._recent(settings)
        for lag in settings.seasonal_lags:
            yield from self._season(lag)
        if plans:
            yield Column("alike", target=self._alike(plans))

    def _cell(self, at: int) -> Cell:
        return Cell(self.past, at)

    def _recent(self, settings: FeatureSettings) -> Iterator[Column]:
        """Lags, then windows; of the youngest also the store's, and what the horizon takes away from them."""
        means = kernels.LAGS + len(settings.lags)
        spreads = means + len(self.lengths)
        fresh = [kernels.LAGS + k for k, age in enumerate(settings.lags) if age == 0]
        of_stores = self._of_stores(np.array([*fresh, *([means] if self.lengths else [])], np.int64))
        for at, age in enumerate(settings.lags, start=kernels.LAGS):
            yield Column(f"lag{age}", origin=self._cell(at))
            if age == 0:
                yield Column("store lag0", origin=next(of_stores))
            if age < FADING_LAGS:
                yield Column(f"lag{age}·horizon", origin=self._cell(at), by_horizon=True)
        for at, length in enumerate(self.lengths, start=means):
            name = f"mean{length}" if length < self.lengths[-1] else f"{LEVELLED}{length}"
            yield Column(name, origin=self._cell(at))
            if at == means:
                yield Column(f"store {name}", origin=next(of_stores))
                yield Column(f"{name}·horizon", origin=self._cell(at), by_horizon=True)
            if length >= STEADY_WEEKS:
                yield Column(f"std{length}", origin=self._cell(spreads))
                yield Column(f"zero{length}", origin=self._cell(spreads + 1))
                spreads += 2

    def _of_stores(self, at: I64) -> Iterator[Cell]:
        """Averaged over all products of the store: what happens to the store happens to each of them.

        What a successor borrows is its predecessor's, and counts once.
        """
        store = codes(self.panel, "store")
        mean = kernels.averaged(self.past.values[0], at, self.waiting, store, int(store.max(initial=-1)) + 1)
        return Table(mean[None], store, first=self.past.first).cells

    def _season(self, lag: int) -> Iterator[Column]:
        """The three weeks around `lag` weeks before the target; more lags before, until all were final at the origin."""
        oldest = len(self.panel.seen) + 1
        back = [-(-(horizon + oldest) // lag) * lag for horizon in self.panel.horizons]
        lags = sorted(set(back))
        made = np.empty((len(lags), len(self.logs), self.logs.shape[1] - self.since, 2), np.float32)
        for weeks, out in zip(lags, made, strict=True):
            kernels.around(self.logs, weeks, out)
        around = Table(made, self.past.kind, tuple(lags.index(weeks) for weeks in back), self.since)
        mean, known = around.cells
        yield Column(f"season{lag}", target=mean, origin=self._cell(kernels.LEVEL))
        yield Column(f"has_season{lag}", target=known)

    def _alike(self, plans: Sequence[Plan]) -> Cell:
        """What past weeks sold whose known-ahead values were like those of the target."""
        first, kind = joint([plan.kind for plan in plans])
        widths = [np.float32(ALIKE_WIDTH * max(plan.spread, 1e-3)) for plan in plans]
        known = np.stack(
            [plan.values[plan.kind[first]] / width for plan, width in zip(plans, widths, strict=True)]
        )
        made: F32 = alike(
            self.logs,
            self.level,
            known,
            kind,
            np.array(self.panel.horizons, np.int64),
            open_weeks=len(self.panel.seen),
            memory=ALIKE_MEMORY,
            since=self.since,
        )
        return Cell(Table(made[..., None], self.past.kind, tuple(range(len(made))), self.since), 0)
