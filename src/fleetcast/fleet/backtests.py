"""Backtests of the fleet: the past replayed partition by partition, kept as an experiment, and told."""

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import polars as pl

from fleetcast.backtesting import comparing, peers
from fleetcast.backtesting.comparing import Difference
from fleetcast.backtesting.origin import Donor
from fleetcast.backtesting.replay import with_quantiles
from fleetcast.backtesting.stage import BacktestTask
from fleetcast.backtesting.variants import Setup, contender, settings_of
from fleetcast.domain.errors import DataError, InfrastructureError, UsageError, some
from fleetcast.domain.seeds import seed
from fleetcast.domain.versions import Snapshot, digest_of
from fleetcast.domain.week import WEEK
from fleetcast.fleet import ancestry, reporting, work
from fleetcast.fleet.cutoff import cutoff
from fleetcast.fleet.executors import executor
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.steps import Failed, Steps
from fleetcast.lake.export import write_rows
from fleetcast.ledger.experiments import Experiment
from fleetcast.settings import deciding_digest
from fleetcast.training.origins import origins
from fleetcast.workspace import Workspace

KIND = "backtest"
AVERAGES = ("historical mean", "historical median")  # beside every contender, always
FARTHEST = 52  # weeks ahead, as in the settings
AUTO = (
    "weekly",
    "weekly-pooled",
    "lightgbm",
    "seasonal naive",
    "last week",
)  # a first look, without choosing


@dataclass(frozen=True)
class Request:
    """What to replay. Without contenders it is the workspace's recipe; both averages always take part.

    `without`: each is left out of the first contender in turn. `segments` are names or patterns (north-*/large/*).
    """

    contenders: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    observed_weather: bool = False
    windows: int = 8
    step: int = 1  # weeks
    horizons: tuple[int, ...] = ()
    segments: tuple[str, ...] = ()
    last: date | None = None  # the newest origin; else the newest that can be judged
    training: Mapping[str, object] = field(
        default_factory=dict
    )  # settings that a variant of the first one changes
    varied_alone: bool = False  # the first one takes part as that variant only


@dataclass(frozen=True)
class BacktestReport:
    """What a backtest says; frames are lists of rows, figures fractions."""

    id: str
    name: str
    week: date
    origins: tuple[date, ...]
    horizons: tuple[int, ...]
    segments: int
    again: bool  # it was answered before, and is told again
    figures: list[dict[str, Any]]  # per contender
    by_segment: list[dict[str, Any]]  # per contender and segment
    differences: list[Difference]  # of the first contender to each other one
    young: list[dict[str, Any]]  # segments that started from a donor: which, and in how many windows
    explained: list[dict[str, Any]]  # the largest parts of the difference to the second one asked for
    drivers: list[dict[str, Any]]  # what leaving one out costs, per segment; < 0: nothing lost
    revisions: list[dict[str, Any]]
    seconds: float


def setups(request: Request, recipe: str) -> tuple[Setup, ...]:
    """Everybody who takes part, the first contender first."""
    named = request.contenders or (recipe,)
    asked = tuple(name for one in named for name in (_auto() if one == "auto" else (one,)))
    first = asked[0]
    variants = [Setup(first, without=(name,)) for name in request.without]
    if request.observed_weather:
        variants.append(Setup(first, observed_weather=True))
    if request.training:
        variants.append(Setup(first, training=request.training))
    itself = [] if request.varied_alone and variants else [Setup(first)]
    others = [Setup(name) for name in (*asked[1:], *AVERAGES)]
    return tuple({setup.name: setup for setup in (*itself, *variants, *others)}.values())


def _auto() -> tuple[str, ...]:
    """A first look without choosing: what is installed of `AUTO`."""
    return tuple(name for name in AUTO if name != peers.NAME or peers.available())


@dataclass(frozen=True)
class Plan:
    """A request in full: who takes part, in which windows, on which data; its digest names the question."""

    setups: tuple[Setup, ...]
    windows: tuple[date, ...]
    horizons: tuple[int, ...]
    cells: tuple[reporting.Cell, ...]
    donors: Mapping[str, Donor]  # by segment: whose model the fleet lets it start from while it is young
    week: date
    snapshot: Snapshot
    spec: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return digest_of({"kind": KIND, "spec": self.spec})


def plan(w: Workspace, request: Request) -> Plan:
    """What a request comes to; nothing is replayed."""
    week = cutoff(w, None)
    snapshot = reporting.snapshot(w, week)
    if snapshot is None:
        raise UsageError(
            f"week {week} has not been conditioned in {w.environment}; run `fleetcast run` or `fleetcast condition` first"
        )
    horizons = request.horizons or w.settings.training.horizons
    chosen = setups(request, w.settings.training.recipe)
    for setup in chosen:
        contender(setup.contender)
        settings_of(setup, w.settings)
    windows = _windows(w, request, horizons, week)
    everybody = reporting.cells(w, week, snapshot)
    cells = _cells(request, everybody)
    donors = _donors(w, everybody, cells, week)
    spec = {
        "setups": [asdict(setup) for setup in chosen],
        "windows": [str(origin) for origin in windows],
        "horizons": list(horizons),
        "segments": sorted(str(cell.segment) for cell in cells),
        "donors": {segment: asdict(donor) for segment, donor in sorted(donors.items())},
        "week": str(week),
        "snapshot": snapshot.digest,
        "code": w.code,
        "settings": deciding_digest(w.settings),
    }
    return Plan(chosen, tuple(windows), horizons, tuple(cells), donors, week, snapshot, spec)


def backtest(w: Workspace, request: Request, *, progress: Progress, actor: str) -> BacktestReport:
    """Replay the past and keep the answer; a question that was answered before is not asked again.

    One that was cut off goes on with the partitions it has not done.
    """
    began = time.monotonic()
    planned = plan(w, request)
    found = w.ledger.experiments(begins=planned.digest)
    if found:
        return told(found[0], again=True, seconds=time.monotonic() - began)
    tasks = {
        partition: work.Backtest(
            w.address,
            planned.snapshot,
            reporting.received(w, planned.week),
            planned.week,
            planned.horizons,
            BacktestTask(
                partition,
                planned.windows,
                planned.setups,
                tuple(str(cell.segment) for cell in planned.cells if cell.partition == partition),
                planned.donors,
            ),
        )
        for partition in sorted({cell.partition for cell in planned.cells})
    }
    rounds = pl.concat(_replayed(w, planned.digest, tasks, progress))
    experiment = _kept(w, planned, rounds, actor)
    return told(experiment, again=False, seconds=time.monotonic() - began)


def told(experiment: Experiment, *, again: bool = False, seconds: float = 0.0) -> BacktestReport:
    """A backtest that was kept, as a report."""
    summary, spec = experiment.summary, experiment.spec
    return BacktestReport(
        id=experiment.id,
        name=experiment.name,
        week=date.fromisoformat(spec["week"]),
        origins=tuple(date.fromisoformat(origin) for origin in spec["windows"]),
        horizons=tuple(spec["horizons"]),
        segments=len(spec["segments"]),
        again=again,
        figures=list(summary["figures"]),
        by_segment=list(summary["by_segment"]),
        differences=[Difference(**one) for one in summary["differences"]],
        young=list(summary.get("young", [])),
        explained=list(summary.get("explained", [])),
        drivers=list(summary["drivers"]),
        revisions=list(summary["revisions"]),
        seconds=seconds,
    )


def rows(w: Workspace, experiment: Experiment) -> pl.DataFrame:
    """The judged rounds of a backtest: contender, origin, store, product, week, horizon, segment, group, units and forecasts."""
    return pl.read_parquet(io.BytesIO(w.bank.get(experiment.rows)))


def export(w: Workspace, experiment: str, to: Path) -> None:
    """Write every judged forecast of a backtest to a file; its ending says in which format."""
    check_file(to)
    (found,) = w.ledger.experiments(begins=experiment)
    write_rows(to, rows(w, found), kind="parquet" if to.suffix.lower() == ".parquet" else "csv")


def draws(w: Workspace) -> int:
    """What the resampling of every interval begins with: a difference has one interval, whoever asks for it."""
    return seed(w.settings.training.seed, "backtest")


def check_file(to: Path) -> None:
    """Refuse a place that forecasts could not be written to; to be asked before the past is replayed for it."""
    if to.suffix.lower() not in (".parquet", ".csv"):
        raise UsageError(f"{to}: a file of forecasts ends in .parquet or .csv")
    if not to.parent.is_dir():
        raise UsageError(f"{to.parent} is no folder; make it first")


def summary(rounds: pl.DataFrame, chosen: Sequence[Setup], seed_of: int) -> dict[str, Any]:
    """What is kept of judged rounds beside the rows: JSON."""
    first = chosen[0].name
    others = [setup.name for setup in chosen[1:]]
    differences = [comparing.difference(rounds, first, name, seed=seed_of) for name in others]
    drivers = []
    for setup in chosen:
        if setup.contender == chosen[0].contender and setup.without:
            found = comparing.differences(rounds, setup.name, first, by="segment", seed=seed_of)
            drivers += [
                {"without": setup.without[0], "segment": segment, **asdict(one)}
                for segment, one in found.items()
            ]
    return {
        "figures": _json(comparing.figures(rounds)),
        "by_segment": _json(comparing.figures(rounds, ["segment"])),
        "differences": [asdict(one) for one in differences],
        "young": _young(rounds),
        "explained": _explained(rounds, chosen),
        "drivers": drivers,
        "revisions": _json(comparing.revisions(rounds)),
    }


def _young(rounds: pl.DataFrame) -> list[dict[str, Any]]:
    """The segments that started from a donor, and in how many windows."""
    borrowed = rounds.filter(pl.col("donor").is_not_null())
    windows = pl.col("origin").n_unique().alias("windows")
    return borrowed.group_by("segment", "donor").agg(windows).sort("segment", "donor").to_dicts()


def _explained(rounds: pl.DataFrame, chosen: Sequence[Setup]) -> list[dict[str, Any]]:
    """Where the first contender differs from the second one asked for; nothing where there is none."""
    asked = (setup.name for setup in chosen[1:] if setup.plain and setup.contender not in AVERAGES)
    second = next(asked, None)
    if second is None:
        return []
    parts = comparing.largest(comparing.explained(rounds, chosen[0].name, second))
    return _json(parts.select(pl.lit(second).alias("against"), pl.all()))


def _windows(w: Workspace, request: Request, horizons: tuple[int, ...], week: date) -> list[date]:
    if request.windows < 1 or request.step < 1:
        raise UsageError("a backtest needs at least one window, and windows at least one week apart")
    if wrong := [horizon for horizon in horizons if not 1 <= horizon <= FARTHEST]:
        raise UsageError(f"a horizon of {wrong[0]} is none: weeks ahead go from 1 to {FARTHEST}")
    found = origins(
        week,
        rounds=request.windows,
        longest=max(horizons),
        open_weeks=w.settings.demand.returns_weeks,
        step=request.step,
    )
    if request.last is not None:
        if request.last > found[-1]:
            raise UsageError(
                f"a forecast made in the week {request.last} cannot be judged yet: the newest origin is {found[-1]}"
            )
        found = [origin - (found[-1] - request.last) for origin in found]
    first, _ = work.first_and_last_week(w) or (week, week)
    if found[0] <= first:
        raise UsageError(
            f"the oldest of {request.windows} windows would start in the week {found[0]}, and deliveries are known "
            f"from {first} on; ask for fewer windows or a smaller step"
        )
    return found


def _donors(
    w: Workspace, everybody: Sequence[reporting.Cell], cells: Sequence[reporting.Cell], week: date
) -> dict[str, Donor]:
    """Of these cells' segments, whose model the fleet's next training lets each start from while it is young."""
    found = ancestry.donors(
        w.registry.models.list(),
        [cell.segment for cell in everybody],
        named=w.settings.training.donors,
        partition=w.settings.segments.partition,
        recipe=w.recipe_of("short-term"),
        week=week + WEEK,
    )
    asked = {str(cell.segment) for cell in cells}
    return {
        segment: Donor(donor.segment, donor.partition) for segment, donor in found.items() if segment in asked
    }


def _cells(request: Request, cells: list[reporting.Cell]) -> list[reporting.Cell]:
    if not request.segments:
        return cells
    chosen = [cell for cell in cells if any(fnmatch(str(cell.segment), p) for p in request.segments)]
    for pattern in request.segments:
        if not any(fnmatch(str(cell.segment), pattern) for cell in cells):
            known = some((str(cell.segment) for cell in cells), like=pattern)
            raise UsageError(f"no segment is called {pattern!r}; there are {known}")
    return chosen


def _replayed(
    w: Workspace, asked: str, tasks: Mapping[str, work.Backtest], progress: Progress
) -> list[pl.DataFrame]:
    progress.stage("backtest", len(tasks))
    steps, runner = Steps(f"backtest {asked}", w.ledger, w.bank), executor(w.settings.execution)
    frames, failed = [], dict[str, str]()
    try:
        for partition, ended in steps.each("backtest", tasks, _inputs, work.backtest, runner):
            if isinstance(ended, Failed):
                failed[partition] = ended.error
            else:
                frames.append(pl.read_parquet(io.BytesIO(w.bank.get(ended.result["rows"]))))
            progress.advance("backtest", partition)
    finally:
        runner.close()
    if failed:
        partition, error = next(iter(sorted(failed.items())))
        raise InfrastructureError(
            f"{len(failed)} of {len(tasks)} partitions could not be replayed; {partition}: {error}"
        )
    total = sum(frame.height for frame in frames)
    if not total:
        raise DataError("no forecast of these windows can be held against a known week; choose others")
    progress.done("backtest", f"{total:,} judged forecasts")
    return frames


def _inputs(order: work.Backtest) -> object:
    return [order.task.partition, str(order.cutoff)]  # the cycle's name names the whole question


def _kept(w: Workspace, planned: Plan, rounds: pl.DataFrame, actor: str) -> Experiment:
    promised = with_quantiles(rounds, open_weeks=w.settings.demand.returns_weeks)
    quantiles = [name for name in promised.columns if name not in rounds.columns]
    key = ["contender", *comparing.ROW]
    whole = rounds.join(promised.select(*key, *quantiles), on=key, how="left", maintain_order="left")
    out = io.BytesIO()
    whole.write_parquet(out)
    names = [setup.name for setup in planned.setups]
    experiment = Experiment(
        id=planned.digest,
        at=w.clock(),
        actor=actor,
        kind=KIND,
        name=" · ".join(name for name in names if name not in AVERAGES) or names[0],
        spec=planned.spec,
        summary=summary(whole, planned.setups, draws(w)),
        rows=w.bank.put(out.getvalue()),
    )
    w.ledger.keep_experiment(experiment)
    return experiment


def _json(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame; what is not a number is null."""
    floats = [name for name, kind in frame.schema.items() if kind.is_float()]
    finite = [pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in floats]
    return frame.with_columns(finite).to_dicts()
