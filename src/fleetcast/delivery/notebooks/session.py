"""A session: what production has for a segment; and the whole fleet with a change, beside the fleet as it is."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from fleetcast import own
from fleetcast import workspace as workspaces
from fleetcast.delivery.notebooks import local as trying
from fleetcast.delivery.notebooks import writing
from fleetcast.delivery.notebooks.fleet_diff import FleetDiff, fleet_diff
from fleetcast.delivery.notebooks.overrides import OPTIONAL, TAGS, Override
from fleetcast.delivery.notebooks.toml import changed
from fleetcast.domain.errors import DataError, UsageError, some
from fleetcast.domain.tables import Table, as_known_at
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import Looks
from fleetcast.features import written
from fleetcast.features.contract import tried
from fleetcast.features.design import Design
from fleetcast.features.panel import Panel
from fleetcast.features.view import design_at
from fleetcast.fleet import reporting, work
from fleetcast.fleet.costs import costs
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.report import CycleReport
from fleetcast.fleet.run import run_cycle
from fleetcast.models import written as recipes
from fleetcast.models.baseline import HistoricalAverage
from fleetcast.own import OWN
from fleetcast.rounds.subject import Subject
from fleetcast.settings import Settings
from fleetcast.training.origins import origins
from fleetcast.workspace import Workspace

ACTOR = "session"
TRIED = "tried"  # name of the module that a change becomes while it is tried
PLACES: Mapping[Override, tuple[str, ...]] = {
    "features": ("training", "features", "own"),
    "recipe": ("training", "recipe"),
}


@dataclass(frozen=True)
class Split:
    """How production parts the past: models learn up to `cutoff`, and are judged at the origins, `horizons` weeks ahead."""

    cutoff: date
    origins: tuple[date, ...]
    horizons: tuple[int, ...]


class Session:
    """The same frames, contracts, split and seed as production has for a segment, at one week.

    Attributes:
        segment: whose rows `examples`, `ahead` and `baseline` are; `frame` and `frames` are of its whole partition.
        week: the cutoff, the last week that anything here has seen.
        settings: the workspace's settings.
    """

    def __init__(
        self,
        folder: Path,
        w: Workspace,
        *,
        segment: str | None,
        week: date,
        snapshot: Snapshot,
        held: object = None,
    ) -> None:
        self._folder, self._w, self._snapshot, self._held = folder, w, snapshot, held
        cells = {str(cell.segment): cell for cell in reporting.cells(w, week, snapshot)}
        if not cells:
            raise DataError(f"no series belongs to a segment at {week}")
        if segment is not None and segment not in cells:
            raise UsageError(f"no segment {segment!r} at {week}: there are {some(cells, segment)}")
        self.segment: str = segment or min(cells)
        self.segments: tuple[str, ...] = tuple(cells)
        self.week: date = week
        self._partition = cells[self.segment].partition
        self._before: tuple[Path, CycleReport, float] | None = None

    @property
    def settings(self) -> Settings:
        """The settings of the workspace."""
        return self._w.settings

    @property
    def seed(self) -> int:
        """The seed that production fits this segment with."""
        return self._subject.seed

    @property
    def split(self) -> Split:
        """How the past is parted."""
        training = self.settings.training
        judged = origins(
            self.week,
            rounds=training.rounds,
            longest=max(training.horizons),
            open_weeks=self.settings.demand.returns_weeks,
        )
        return Split(self.week, tuple(judged), training.horizons)

    @property
    def contracts(self) -> Mapping[str, Table]:
        """What every table keeps: its key, columns, types, rules."""
        return self._w.tables

    @cached_property
    def frames(self) -> Mapping[str, pl.DataFrame]:
        """The tables of the segment's partition as they were known at the week."""
        held, moment = (
            self._history,
            Looks.of(self.settings.calendar.ready_after_days, self._received).at(self.week),
        )
        base = {
            name: getattr(held, name)
            for name in ("deliveries", "returns", "stores", "products", "weather", "events")
        }
        return {
            name: as_known_at(self._w.tables[name], frame, moment)
            for name, frame in {**base, **held.covariates}.items()
        }

    @cached_property
    def frame(self) -> pl.DataFrame:
        """What `features` is given: one row per series and week of the segment's partition; see the guide on notebooks."""
        return written.frame(self._panel)

    @property
    def past(self) -> tuple[str, ...]:
        """The columns of `frame` that are not known ahead."""
        return tuple(written.been(self.frame, self._panel))

    @cached_property
    def examples(self) -> pl.DataFrame:
        """What `fit` is given: a row per series, week and horizon, with every feature and the units."""
        return recipes.frame(self._subject.examples(self._design), units=True)

    @cached_property
    def ahead(self) -> pl.DataFrame:
        """What `predict` is given at the week: the same columns without units, for the weeks to come."""
        return recipes.frame(self._subject.ahead(self._design), units=False)

    @cached_property
    def baseline(self) -> pl.DataFrame:
        """The historical averages that a model must beat, series by series."""
        said = HistoricalAverage().fit(self._panel).predict(self._panel.series)
        return said.filter(pl.col("segment") == self.segment)

    def try_(self, *functions: Callable[..., Any]) -> FleetDiff:
        """Validate, train, score and judge the fleet with these functions, beside the fleet as it is.

        `try_(features)` adds what the function makes to what production has; `try_(fit, predict)` is a recipe of its own.
        Everything happens in a folder that is thrown away.
        """
        override = _override(functions)
        columns: Mapping[str, str] | None = None
        if override == "features":
            found = tried(functions[0], self.frame, self.past)
            if found.problems:
                said = "\n".join(f"  {each}" for each in found.problems)
                raise DataError(f"features breaks its contract:\n{said}")
            columns = found.columns
        pieces = writing.of_functions(functions)
        text = writing.module(override, pieces, about="Tried in a notebook.", columns=columns)
        return self.try_module(override, TRIED, text)

    def try_module(self, override: Override, name: str, text: str) -> FleetDiff:
        """The same with a module as it will lie in the package."""
        folder, before, cpu = self.as_it_is()
        with tempfile.TemporaryDirectory(prefix="fleetcast-try-") as scratch:
            there = Path(shutil.copytree(folder, Path(scratch) / "workspace", symlinks=True))
            _install(there, self.settings, override, name, text)
            w = _opened(self._folder, there, self._w)
            after = run_cycle(w, week=self.week, only="validate", progress=Silent(), actor=ACTOR)
            found = fleet_diff(before, after, cpu=(cpu, _training(w, self.week)))
        own.use(self._w.package)
        return found

    def as_it_is(self) -> tuple[Path, CycleReport, float]:
        """A folder in which the week has been done with the code there is, and what that came to; done once."""
        if self._before is None:
            self._scratch = trying.Scratch("fleet")
            folder = trying.workspace_for_trying(self._folder, self._scratch.folder / "workspace")
            if self._held is not None:  # its tables are conditioned already
                shutil.copytree(self._w.state.parent, folder / trying.STATE, dirs_exist_ok=True)
            w = _opened(self._folder, folder, self._w)
            report = run_cycle(w, week=self.week, progress=Silent(), actor=ACTOR)
            self._before = folder, report, _training(w, self.week)
        return self._before

    def __repr__(self) -> str:
        return f"<session of {self.segment} at {self.week}, {self.frame.height} rows>"

    # ---------------------------------------------------------------- how it is made

    @cached_property
    def _subject(self) -> Subject:
        return Subject(self.segment, self.segment, self.settings)

    @cached_property
    def _received(self) -> Any:
        return reporting.received(self._w, self.week)

    @cached_property
    def _history(self) -> Any:
        return work.history(
            self._w, self._snapshot, self._received, partition=self._partition, cutoff=self.week
        )

    @cached_property
    def _design(self) -> Design:
        own.use(self._w.package)
        return design_at(self._history, self.week, self._w.tables, settings=self.settings)

    @property
    def _panel(self) -> Panel:
        return self._design.panel


def named(settings: Settings, override: Override, name: str) -> str | list[str]:
    """The value of the setting that makes a module part of production, beside those that are already."""
    if override == "recipe":
        return f"{OWN}{name}"
    return list(dict.fromkeys([*settings.training.features.own, name]))


def _install(folder: Path, settings: Settings, override: Override, name: str, text: str) -> None:
    """Write a module into a workspace's package and name it in its settings."""
    path = folder / "src" / settings.workspace.package / writing.KINDS[override] / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    file = folder / workspaces.SETTINGS_FILE
    value = named(settings, override, name)
    file.write_text(changed(file.read_text("utf-8"), PLACES[override], value), "utf-8")


def _opened(folder: Path, there: Path, like: Workspace) -> Workspace:
    return workspaces.open(there, data=trying.data_of(folder, there) or like.address.data)


def _override(functions: tuple[Callable[..., Any], ...]) -> Override:
    names = {getattr(function, "__name__", "") for function in functions}
    for override, wanted in TAGS.items():
        if set(wanted) <= names <= {*wanted, *OPTIONAL[override]}:
            return override
    raise UsageError(
        "hand over the functions to try: try_(features), or try_(fit, predict), or try_(fit, predict, explain)"
    )


def _training(w: Workspace, week: date) -> float:
    """CPU seconds that the week's training took."""
    return sum(step.cpu_seconds for step in costs(w, week).steps if step.step.startswith("train"))
