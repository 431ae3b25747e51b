"""A partition that is ready to be asked: scored as the batch scores it, and open to what is otherwise.

It is whole, whatever few series are asked about, because features are made against the others: the store's products, the
spread of plans. So what it says without a what-if is the published number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.history import History
from fleetcast.domain.reach import Reach
from fleetcast.domain.tables import FORECASTS
from fleetcast.domain.versions import Snapshot
from fleetcast.features import supposing
from fleetcast.features.panel import F64, Panel
from fleetcast.features.view import panel_at
from fleetcast.fleet import latecomers, reporting, standings, work
from fleetcast.fleet.what_if import LATE, Row, laid_out, rows
from fleetcast.scoring import stage as scoring
from fleetcast.scoring.failover import Served
from fleetcast.scoring.stage import Ready, Terms
from fleetcast.scoring.task import ScoringTask
from fleetcast.workspace import Workspace

SERIES = ["store", "product"]
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Published:
    """The newest cycle that was published, and what it read."""

    cycle: date
    snapshot: Snapshot
    received: tuple[datetime, ...]


@dataclass(frozen=True)
class Prepared:
    """A partition that is ready to be asked, with a release, at one reach."""

    w: Workspace
    published: Published
    ready: Ready
    terms: Terms
    weather: pl.DataFrame
    forecasts: pl.DataFrame  # FORECASTS of the cycle

    def rows(self, pairs: Pairs, weeks: Sequence[date], suppose: dict[str, float]) -> Iterator[Row]:
        """What is said of these series; of those that the batch did not have, too."""
        served = self.ready.trusted.served
        batch = served.universe.select(SERIES).unique()
        known = self._wanted(pairs).join(batch, on=SERIES, how="semi")
        late = self._wanted(pairs).join(batch, on=SERIES, how="anti").rows()
        if known.height:
            mine = Served(*(_of(known, f) for f in (served.forecasts, served.completeness, served.universe)))
            active = _of(known, self.ready.active)
            yield from self._beside(mine, self.ready.desk.panel, active, weeks, suppose)
        if late:
            panel = self._panel_with(late)
            active = latecomers.active(panel.series, late, self.ready)
            mine = self.ready.supposing(panel, active)
            told = mine.completeness.with_columns(reason=pl.lit(LATE))
            mine = Served(mine.forecasts, told, mine.universe)
            yield from self._beside(mine, panel, active, weeks, suppose)

    def _beside(
        self,
        mine: Served,
        panel: Panel,
        active: pl.DataFrame,
        weeks: Sequence[date],
        suppose: dict[str, float],
    ) -> Iterator[Row]:
        other = None
        if suppose:
            changed = self._supposing(panel, active, weeks, suppose)
            served = self.ready.supposing(changed, active)
            other = laid_out(served, self.ready.orders(served, self.terms))
        return rows(laid_out(mine, self.ready.orders(mine, self.terms)), other, self.forecasts, weeks=weeks)

    def _supposing(
        self, panel: Panel, active: pl.DataFrame, weeks: Sequence[date], suppose: dict[str, float]
    ) -> Panel:
        here = panel.series.select(SERIES).join(
            active.select(*SERIES, here=True), on=SERIES, how="left", maintain_order="left"
        )["here"]
        return supposing.supposing(
            panel,
            here.fill_null(False).to_numpy(),
            [panel.weeks.index(week) for week in weeks],
            suppose,
            covariates=self.w.settings.covariates,
            normal=self._normal(panel) if any(name.startswith("weather.") for name in suppose) else {},
        )

    def _normal(self, panel: Panel) -> dict[str, F64]:
        ready_after = self.w.settings.calendar.ready_after_days
        return supposing.normal(panel, self.weather, self.ready.stores, ready_after_days=ready_after)

    def _panel_with(self, pairs: Pairs) -> Panel:
        """The partition's panel, with series in it that it does not have."""
        panel = self.ready.desk.panel
        if self._wanted(pairs).join(panel.series, on=SERIES, how="anti").is_empty():
            return panel
        task = self.ready.task
        history = latecomers.with_series(_history(self.w, self.published, task.partition), pairs, self.ready)
        return panel_at(history, task.cutoff, self.w.tables, settings=self.ready.settings)

    @staticmethod
    def _wanted(pairs: Pairs) -> pl.DataFrame:
        return pl.DataFrame(pairs, schema={"store": pl.String, "product": pl.String}, orient="row")


def prepare(w: Workspace, partition: str, reach: Reach, release: str, published: Published) -> Prepared:
    """Read a partition, load the release's models of it, and forecast it."""
    history, live = _history(w, published, partition), w.registry.releases.get(release)
    out = standings.out(w, live, before=published.cycle)
    in_alarm = standings.in_alarm(w, before=published.cycle)
    ready = scoring.prepare(
        ScoringTask(partition, published.cycle, release, published.snapshot, out=out, in_alarm=in_alarm),
        history,
        w.tables,
        settings=w.settings,
        lake=w.lake,
        registry=w.registry,
        reach=reach,
    )
    _ = ready.trusted  # here, where nobody else is at it
    terms = Terms.read(w.lake, published.snapshot, ready.moment)
    forecasts = w.lake.read(FORECASTS, partition=partition, week=published.cycle)
    return Prepared(w, published, ready, terms, history.weather, forecasts)


def published(w: Workspace) -> Published:
    """The newest cycle with forecasts."""
    cycles = {leaf.week for leaf in w.lake.leaves(FORECASTS)}
    cycle = date.fromisoformat(max(cycles)) if cycles else None
    snapshot = reporting.snapshot(w, cycle) if cycle else None
    if cycle is None or snapshot is None:
        raise UsageError(f"nothing is published in {w.environment} yet; run `fleetcast run`")
    return Published(cycle, snapshot, reporting.received(w, cycle))


def _history(w: Workspace, published: Published, partition: str) -> History:
    return work.history(
        w, published.snapshot, published.received, partition=partition, cutoff=published.cycle
    )


def _of(series: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of these series, as they stand."""
    return frame.join(series.select(SERIES), on=SERIES, how="semi", maintain_order="left")
