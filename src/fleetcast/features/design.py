"""From a panel to examples: which rows, and their features without a gap."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.domain.versions import digest_of
from fleetcast.features.column import Column, codes
from fleetcast.features.columns import columns
from fleetcast.features.examples import Examples, stacked
from fleetcast.features.panel import STATUS, Panel
from fleetcast.settings import CovariateSettings, FeatureSettings

__all__ = ["Design", "Examples", "stacked"]

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

VERSION = 1  # of the feature code; a new one makes models of the old one unfit for scoring
WARM_UP_WEEKS = 4  # known weeks a series needs at the origin before its rows are learned from
MOST_HORIZONS = 8  # at which a week is learned from; of a long list of horizons each week gets a share
ENOUGH = (
    65_536  # examples of a segment; one with more weeks than a model needs learns from each at fewer horizons
)


@dataclass(frozen=True)
class Design:
    """The features of one panel, made once and read for any rows, weeks and horizons."""

    panel: Panel
    columns: tuple[Column, ...]
    known_weeks: I64  # [S, W], of the series at each origin

    @classmethod
    def of(
        cls,
        panel: Panel,
        settings: FeatureSettings,
        covariates: Mapping[str, CovariateSettings] | None = None,
    ) -> "Design":
        made = tuple(columns(panel, settings, covariates or {}))
        return cls(panel, made, np.cumsum(~np.isnan(panel.units), axis=1))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def digest(self) -> str:
        """Of the feature spec: names in order and the version of the code that makes them."""
        return digest_of({"version": VERSION, "names": list(self.names)})

    def examples(
        self,
        *,
        rows: npt.NDArray[np.bool_] | None = None,
        horizons: tuple[int, ...] | None = None,
        first: int = 0,
        last: int | None = None,
        training: bool,
    ) -> Examples:
        """Rows for the target weeks `first` … `last` (indexes, both included), stacked over horizons.

        Training: trainable targets up to the cutoff whose origin lies past the warm-up. Otherwise the weeks
        each horizon reaches: every series has a row for every week given, as long as its origin is in the panel
        and not after the cutoff.
        """
        end = self.panel.cutoff if training else len(self.panel.weeks) - 1
        targets = np.arange(first, min(end, end if last is None else last) + 1)
        chosen = np.flatnonzero(rows) if rows is not None else np.arange(len(self.panel))
        parts = [self._part(chosen, targets, h, training=training) for h in horizons or self.panel.horizons]
        return stacked(parts)

    def ahead(self, *, rows: npt.NDArray[np.bool_] | None = None) -> Examples:
        """The examples that a scoring run at the panel's cutoff forecasts: every series at every horizon."""
        weeks = self.examples(rows=rows, first=self.panel.cutoff + 1, training=False)
        return weeks.take(weeks.week - weeks.horizon == self.panel.cutoff)

    def usable(self, horizon: int) -> npt.NDArray[np.bool_]:
        """[S, W]: target weeks that are learned from at this horizon."""
        warm = np.zeros(self.panel.units.shape, bool)
        warm[:, horizon:] = self.known_weeks[:, :-horizon] >= WARM_UP_WEEKS
        return np.asarray(warm & (self.panel.status == 0) & self._drawn(horizon))

    def _drawn(self, horizon: int) -> npt.NDArray[np.bool_]:
        """[S, W]: which targets take this one of many horizons: the series' names and the week decide, by turns."""
        panel, turns = self.panel, self._turns()
        if turns.max(initial=1) == 1:  # few horizons: all of them are taken
            return np.ones(panel.units.shape, bool)
        names = panel.series.select("store", "product").iter_rows()
        series = np.array([zlib.crc32("\n".join(name).encode()) for name in names], np.int64)
        week = np.array([day.toordinal() // 7 for day in panel.weeks], np.int64)
        turn = series[:, None] + week[None, :] + panel.horizons.index(horizon)
        return np.asarray(turn % turns[:, None] == 0)

    def _turns(self) -> I64:
        """[S]: over how many weeks each horizon takes its turn; every week is learned from at one horizon at least."""
        panel, many = self.panel, len(self.panel.horizons)
        segment = codes(panel, "segment")
        weeks = np.bincount(segment, weights=(panel.status == 0).sum(axis=1))
        turns = np.full(len(weeks), -(-many // MOST_HORIZONS), np.int64)
        for _ in range(many.bit_length()):
            turns = np.where(weeks * many / turns > ENOUGH, np.minimum(2 * turns, many), turns)
        return np.asarray(turns[segment])

    def ledger(
        self,
        *,
        rows: npt.NDArray[np.bool_] | None = None,
        horizons: tuple[int, ...] | None = None,
        first: int = 0,
    ) -> dict[str, int]:
        """The training ledger: `conditioned` demand rows, `fitted` ones, and the others by coded reason.

        `conditioned` is counted from the frame the panel was given, the rest from the arrays: they must close.
        """
        panel = self.panel
        chosen = np.ones(len(panel), bool) if rows is None else rows
        usable = np.logical_or.reduce([self.usable(h) for h in horizons or panel.horizons])[chosen]
        status, given = panel.status[chosen], panel.given[chosen]
        inside = np.arange(status.shape[1]) >= first
        out = {"conditioned": int(panel.conditioned[chosen].sum()), "fitted": int((usable & inside).sum())}
        for code, reason in STATUS.items():
            if code > 1:
                out[reason] = int(((status == code) & given & inside).sum())
        out["warm_up"] = int(((status == 0) & ~usable & inside).sum())
        out["outside_window"] = int((given & ~inside).sum())
        return out

    def _part(self, chosen: I64, targets: I64, horizon: int, *, training: bool) -> Examples:
        panel = self.panel
        if training:
            mask = self.usable(horizon)[np.ix_(chosen, targets)]
        else:
            reached = (targets - horizon >= 0) & (targets - horizon <= panel.cutoff)
            mask = np.broadcast_to(reached, (len(chosen), len(targets)))
        at_row, at_week = np.nonzero(mask)
        row, week = chosen[at_row], targets[at_week]
        W = panel.units.shape[1]
        cell = row * W + week
        X = np.empty((len(cell), len(self.columns)), np.float32)
        slice_of = panel.horizons.index(horizon)
        for j, column in enumerate(self.columns):
            X[:, j] = _read(column, cell, horizon, slice_of)
        stores, products = _codes(panel, "store"), _codes(panel, "line")
        weeks_of_year = np.array([w.isocalendar().week for w in panel.weeks], np.int16)
        return Examples(
            X=X,
            names=self.names,
            slopes=tuple(j for j, column in enumerate(self.columns) if column.slope),
            horizon=np.full(len(cell), horizon, np.int8),
            store=stores[1][row],
            product=products[1][row],
            stores=stores[0],
            products=products[0],
            week_of_year=weeks_of_year[week],
            week=week.astype(np.int32),
            row=row.astype(np.int32),
            units=panel.units[row, week],
        )


def _read(column: Column, cell: I64, horizon: int, slice_of: int) -> F32:
    """The column's values at flat cells (series × weeks), the origin `horizon` weeks before."""
    value = np.zeros(len(cell), np.float32)
    if column.target is not None:
        target = column.target[slice_of] if column.target.ndim == 3 else column.target
        value = np.ascontiguousarray(target).reshape(-1)[cell]
    if column.origin is not None:
        history = np.ascontiguousarray(column.origin).reshape(-1)[cell - horizon]
        value = history if column.target is None else np.nan_to_num(value - history, nan=0.0)
    return value * np.float32(horizon) if column.by_horizon else value


def _codes(panel: Panel, key: str) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """All values of a column, sorted, and the index of each series' own."""
    values = panel.series[key].unique().sort()
    codes = panel.series[key].rank("dense").to_numpy().astype(np.int32) - 1
    return tuple(values.to_list()), codes
