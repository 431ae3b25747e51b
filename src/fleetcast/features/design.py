"""From a panel to examples: which rows, and their features without a gap."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fleetcast.domain.versions import digest_of
from fleetcast.features import choosing
from fleetcast.features.column import Column, codes
from fleetcast.features.columns import columns
from fleetcast.features.examples import Examples
from fleetcast.features.panel import STATUS, Panel
from fleetcast.features.reading import Reading, read
from fleetcast.own import in_use
from fleetcast.settings import CovariateSettings, FeatureSettings

__all__ = ["Design", "Examples"]

Bools = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Cells = tuple[I32, I32]  # series and target week

VERSION = 2  # of the feature code; a new one makes models of the old one unfit for scoring
WARM_UP_WEEKS = 4  # known weeks a series needs at the origin before its rows are learned from
MOST_HORIZONS = 8  # at which a week is learned from; of a long list of horizons each week gets a share
ENOUGH = (
    65_536  # examples of a segment; one with more weeks than a model needs learns from each at fewer horizons
)


@dataclass(frozen=True)
class Design:
    """The features of one panel, made once and read for any rows, horizons and target weeks from number `since` on."""

    panel: Panel
    columns: tuple[Column, ...]
    since: int = 0
    own: tuple[str, ...] = ()  # digests of the workspace's modules that made columns

    @classmethod
    def of(
        cls,
        panel: Panel,
        settings: FeatureSettings,
        covariates: Mapping[str, CovariateSettings] | None = None,
        *,
        since: int = 0,
    ) -> "Design":
        made = tuple(columns(panel, settings, covariates or {}, since=since))
        return cls(panel, made, since, tuple(in_use().digest("features", name) for name in settings.own))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def digest(self) -> str:
        """Of the feature spec: names in order and the version of the code that makes them."""
        own = {"own": list(self.own)} if self.own else {}
        return digest_of({"version": VERSION, "names": list(self.names)} | own)

    def examples(
        self,
        *,
        rows: Bools | None = None,
        horizons: tuple[int, ...] | None = None,
        first: int = 0,
        last: int | None = None,
        training: bool,
    ) -> Examples:
        """Rows for the target weeks `first` … `last` (indexes, both included): horizon by horizon, series by series.

        Training: trainable targets up to the cutoff whose origin lies past the warm-up. Otherwise the weeks
        each horizon reaches: every series has a row for every week given, as long as its origin is in the panel
        and not after the cutoff.
        """
        horizons = horizons or self.panel.horizons
        end = 1 + (self.panel.cutoff if training else len(self.panel.weeks) - 1)
        end = end if last is None else min(end, last + 1)
        series = self._series(rows)
        if training:
            return self._made(horizons, self._learned(series, horizons, first, end))
        reached = (np.arange(max(first, h), min(end, self.panel.cutoff + h + 1)) for h in horizons)
        return self._made(horizons, [_crossed(series, weeks) for weeks in reached])

    def ahead(
        self,
        *,
        rows: Bools | None = None,
        origin: int | None = None,
        horizons: tuple[int, ...] | None = None,
    ) -> Examples:
        """What a scoring run at the week of index `origin`, else at the cutoff, forecasts: every series at every horizon."""
        series, at = self._series(rows), self.panel.cutoff if origin is None else origin
        horizons = horizons or self.panel.horizons
        return self._made(horizons, [_crossed(series, np.array([at + h])) for h in horizons])

    def usable(self, horizon: int) -> Bools:
        """[S, W]: target weeks that are learned from at this horizon."""
        return self._usable(self._series(None), (horizon,))

    def ledger(
        self,
        *,
        rows: Bools | None = None,
        horizons: tuple[int, ...] | None = None,
        first: int = 0,
    ) -> dict[str, int]:
        """The training ledger: `conditioned` demand rows, `fitted` ones, and the others by coded reason.

        `conditioned` is counted from the frame the panel was given, the rest from the arrays: they must close.
        """
        panel = self.panel
        chosen = self._series(rows)
        usable = self._usable(chosen, horizons or panel.horizons)[chosen]
        status, given = panel.status[chosen], panel.given[chosen]
        inside = np.arange(status.shape[1]) >= first
        out = {"conditioned": int(panel.conditioned[chosen].sum()), "fitted": int((usable & inside).sum())}
        for code, reason in STATUS.items():
            if code > 1:
                out[reason] = int(((status == code) & given & inside).sum())
        out["warm_up"] = int(((status == 0) & ~usable & inside).sum())
        out["outside_window"] = int((given & ~inside).sum())
        return out

    def _series(self, rows: Bools | None) -> I64:
        return np.arange(len(self.panel)) if rows is None else np.flatnonzero(rows)

    def _usable(self, series: I64, horizons: Sequence[int]) -> Bools:
        """[S, W]: target weeks of these series that are learned from at any of these horizons."""
        out = np.zeros(self.panel.units.shape, bool)
        for row, week in self._learned(series, horizons, 0, len(self.panel.weeks)):
            out[row, week] = True
        return out

    def _learned(self, series: I64, horizons: Sequence[int], first: int, end: int) -> list[Cells]:
        """By horizon the weeks that are learned from: of many horizons a target takes those whose turn it is."""
        turns = self._turns()
        return [
            choosing.learned(
                series,
                first,
                end,
                trainable=self._trainable,
                begins=self._warm + h,
                turn=self._turn + self.panel.horizons.index(h),
                turns=turns,
            )
            for h in horizons
        ]

    @cached_property
    def _trainable(self) -> Bools:
        return np.asarray(self.panel.status == 0)

    @cached_property
    def _segment(self) -> I64:
        return codes(self.panel, "segment")

    @cached_property
    def _warm(self) -> I64:
        return choosing.warm(self.panel.units, WARM_UP_WEEKS)

    @cached_property
    def _turn(self) -> I64:
        """[S]: where a series stands in the order of turns in the panel's first week, by its names and the calendar."""
        names = self.panel.series.select("store", "product").iter_rows()
        series = np.array([zlib.crc32("\n".join(name).encode()) for name in names], np.int64)
        return series + self.panel.weeks[0].toordinal() // 7

    def _turns(self) -> I64:
        """[S]: over how many weeks each horizon takes its turn; every week is learned from at one horizon at least."""
        many, segment = len(self.panel.horizons), self._segment
        weeks = np.bincount(segment, weights=self._trainable.sum(axis=1))
        turns = np.full(len(weeks), -(-many // MOST_HORIZONS), np.int64)
        for _ in range(many.bit_length()):
            turns = np.where(weeks * many / turns > ENOUGH, np.minimum(2 * turns, many), turns)
        return np.asarray(turns[segment])

    @cached_property
    def _readings(self) -> list[Reading]:
        return Reading.of(self.columns)

    def _made(self, horizons: Sequence[int], cells: Sequence[Cells]) -> Examples:
        """The examples of these series and weeks, horizon by horizon."""
        panel, counts = self.panel, [len(row) for row, _ in cells]
        row, week = np.concatenate([row for row, _ in cells]), np.concatenate([week for _, week in cells])
        if week.min(initial=self.since) < self.since:
            raise ValueError(f"this design is made for target weeks from number {self.since} on")
        X, ends = np.empty((len(row), len(self.columns)), np.float32), np.cumsum(counts)
        places = [panel.horizons.index(h) for h in horizons]
        read(self._readings, X, row, week, list(zip(horizons, places, ends - counts, ends, strict=True)))
        stores, products = self._codes["store"], self._codes["line"]
        return Examples(
            X=X,
            names=self.names,
            slopes=tuple(j for j, column in enumerate(self.columns) if column.slope),
            horizon=np.repeat(np.array(horizons, np.int8), counts),
            store=stores[1][row],
            product=products[1][row],
            stores=stores[0],
            products=products[0],
            week_of_year=self._week_of_year[week],
            week=week,
            row=row,
            units=panel.units[row, week],
        )

    @cached_property
    def _week_of_year(self) -> npt.NDArray[np.int16]:
        return np.array([week.isocalendar().week for week in self.panel.weeks], np.int16)

    @cached_property
    def _codes(self) -> dict[str, tuple[tuple[str, ...], I32]]:
        """All stores and lines, sorted, and the index of each series' own."""
        return {key: _coded(self.panel, key) for key in ("store", "line")}


def _crossed(series: I64, weeks: I64) -> Cells:
    """Each week of each series."""
    return np.repeat(series, len(weeks)).astype(np.int32), np.tile(weeks, len(series)).astype(np.int32)


def _coded(panel: Panel, key: str) -> tuple[tuple[str, ...], I32]:
    values = panel.series[key].unique().sort()
    return tuple(values.to_list()), panel.series[key].rank("dense").to_numpy().astype(np.int32) - 1
