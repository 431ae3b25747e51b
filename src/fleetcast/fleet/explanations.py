"""Why the fleet forecasts what it does: its live models, taken apart on the data of the newest published cycle."""

from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.errors import CorruptError, DataError, UsageError, some
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.reach import reach_of, segment_of
from fleetcast.domain.tables import FORECASTS
from fleetcast.domain.week import label
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.features.view import panel_at
from fleetcast.fleet import reporting, work
from fleetcast.models import effects, explaining, recipes
from fleetcast.models.effects import Effect
from fleetcast.models.explaining import Contributions, Driver, Explained
from fleetcast.registry.manifest import Manifest, Member
from fleetcast.settings import Settings
from fleetcast.workspace import Workspace

FEATURES = 10  # strongest single features that are shown of a forecast
ROUNDING = 1e-9  # logs; what is closer to 0 is what a sum of floats leaves


@dataclass(frozen=True)
class Desk:
    """A segment on the desk: its live model, the partition's panel, and which series [S] the cycle forecast with it.

    A long-term model is on the desk under its own name (`called`); the settings are as it sees them.
    """

    segment: str
    cycle: date
    release: str
    model: str
    fitted: Explained
    settings: Settings
    panel: Panel
    rows: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SegmentExplained:
    """What moves a segment's forecasts, strongest first, and what the world's changes would do to them."""

    segment: str
    cycle: date
    release: str
    model: str
    functional: str
    members: int
    forecasts: int
    horizon: int  # weeks ahead of the forecasts that `effects` are of: the nearest
    drivers: tuple[Driver, ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What one driver or feature does to a forecast: in logs, and as a fraction of it."""

    name: str
    logs: float
    effect: float


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Whose history a successor looks back on before its own, and up to which week."""

    predecessor: str
    until: date


@dataclass(frozen=True, slots=True)
class ForecastExplained:
    """One forecast: the segment's average one, changed by each driver in turn, strongest first. Units per week."""

    segment: str
    store: str
    product: str
    week: date
    horizon: int
    cycle: date
    model: str
    functional: str
    average: float
    forecast: float
    published: float | None  # None: the cycle published none
    served_by: str | None
    drivers: tuple[Part, ...]
    features: tuple[Part, ...]
    borrowed: tuple[Borrowed, ...] = ()  # the newest first


def desk(w: Workspace, segment: str, *, panel: Panel | None = None) -> Desk:
    """Put a segment on the desk; `panel` spares reading its partition again."""
    published = _published(w, segment)
    cycle = published["cycle"][0]
    release = w.registry.releases.current()
    if release is None:
        raise UsageError(f"nothing is released in {w.environment} yet; run `fleetcast run`")
    member = serving(release.manifest, segment)
    fitted = _ensemble(w, member)
    settings = w.settings.reaching(reach_of(segment))
    panel = panel or at(w, segment, cycle)
    keys = panel.series.select("store", "product")
    wanted = published.select("store", "product", here=True).unique()
    rows = keys.join(wanted, on=["store", "product"], how="left", maintain_order="left")["here"]
    here = rows.fill_null(False).to_numpy()
    return Desk(segment, cycle, release.id, member.model, fitted, settings, panel, here)


def serving(live: Manifest, segment: str) -> Member:
    """The ensemble that serves a segment; UsageError where another thing does."""
    member = live.members.get(segment)
    if member is None:
        raise UsageError(f"{segment} has no ensemble to explain: the live release has no model of it")
    if member.serving != "ensemble":
        raise UsageError(
            f"{segment} has no ensemble to explain: its {member.serving} serves it ({member.reason})"
        )
    return member


def _ensemble(w: Workspace, member: Member) -> Explained:
    """The model as it forecasts: with its pool, where that can be loaded."""
    found = w.registry.load([member, *([member.pool] if member.pool else [])])
    if member.model not in found.models:
        raise CorruptError(f"{member.model} cannot be loaded: {found.failed[member.model]}")
    fitted = recipes.load(found.models[member.model])
    if not explaining.explainable(fitted):
        raise UsageError(
            f"{member.model} is of a recipe that says nothing of its forecasts: Fleetcast's own recipes can be taken apart,"
            " and a workspace's that has `explain(model, frame)`"
        )
    if member.pool and member.pool.model in found.models:
        fitted = fitted.with_pool(recipes.load(found.models[member.pool.model]))
    return cast(Explained, fitted)


def at(w: Workspace, segment: str, cycle: date) -> Panel:
    """The panel of a segment's partition as the cycle saw it, for the model of that name."""
    snapshot = reporting.snapshot(w, cycle)
    if snapshot is None:
        raise DataError(f"nothing is known of what {label(cycle)} has read; run `fleetcast run`")
    partition = next(
        cell.partition
        for cell in reporting.cells(w, cycle, snapshot)
        if str(cell.segment) == segment_of(segment)
    )
    history = work.history(w, snapshot, reporting.received(w, cycle), partition=partition, cutoff=cycle)
    return panel_at(history, cycle, w.tables, settings=w.settings.reaching(reach_of(segment)))


def segment_explained(w: Workspace, segment: str, *, functional: str = "median") -> SegmentExplained:
    """Drivers and effects of a segment, over what the newest cycle forecast."""
    of = desk(w, segment)
    newest = _newest(of)
    apart = taken_apart(of, newest, newest, functional=functional)
    read, everything = explaining.reads(of.fitted), effects.standard(of.panel, of.settings.covariates)
    found = effects.effects(
        of.fitted,
        of.panel,
        [change for change in everything if change.driver in read],
        rows=of.rows,
        settings=of.settings.training.features,
        covariates=of.settings.covariates,
        functional=functional,
    )
    return SegmentExplained(
        segment=segment,
        cycle=of.cycle,
        release=of.release,
        model=of.model,
        functional=functional,
        members=len(explaining.members(of.fitted)),
        forecasts=len(newest),
        horizon=min(of.panel.horizons),
        drivers=explaining.drivers(apart),
        effects=tuple(found),
    )


def forecast_explained(
    w: Workspace,
    segment: str,
    store: str,
    product: str,
    *,
    week: date | None = None,
    functional: str = "median",
) -> ForecastExplained:
    """One forecast taken apart against its segment's average; without a week, the first one ahead."""
    of = desk(w, segment)
    newest = _newest(of)
    wanted = week or of.panel.weeks[of.panel.cutoff + min(of.panel.horizons)]
    one = newest.take(_one(of, newest, store, product, wanted))
    apart = taken_apart(of, one, newest, functional=functional)
    names, values = apart.by_driver()
    row = _published(w, segment).filter(
        (pl.col("store") == store) & (pl.col("product") == product) & (pl.col("week") == wanted)
    )
    return ForecastExplained(
        segment=segment,
        store=store,
        product=product,
        week=wanted,
        horizon=int(one.horizon[0]),
        cycle=of.cycle,
        model=of.model,
        functional=functional,
        average=float(np.expm1(apart.base)),
        forecast=float(np.expm1(apart.logs[0])),
        published=row[functional].first() if row.height else None,  # type: ignore[arg-type]
        served_by=row["failover"].first() if row.height else None,  # type: ignore[arg-type]
        drivers=_parts(names, values[0], len(names)),
        features=_parts(apart.names, apart.values[0], FEATURES),
        borrowed=_borrowed(of.panel, store, product),
    )


def _borrowed(panel: Panel, store: str, product: str) -> tuple[Borrowed, ...]:
    mine = panel.lent.filter(pl.col("store") == store, pl.col("product") == product)
    last = mine.group_by("predecessor").agg(pl.col("week").max()).sort("week", descending=True)
    return tuple(Borrowed(*row) for row in last.iter_rows())


def _newest(of: Desk) -> Examples:
    """The examples that the cycle scored."""
    design = Design.of(of.panel, of.settings.training.features, of.settings.covariates)
    return design.ahead(rows=of.rows)


def taken_apart(of: Desk, examples: Examples, usual: Examples, *, functional: str) -> Contributions:
    """What the model on the desk makes of examples, against the usual ones; UsageError where it is unfit for them."""
    try:
        return explaining.contributions(of.fitted, examples, usual, functional=functional)
    except DataError:  # a workspace's own `explain` breaks its contract, and it says how
        raise
    except FAILURES as error:  # as a model that an earlier version of Fleetcast made
        raise UsageError(
            f"{of.model} cannot be taken apart on the features of today: {told(error)}\n"
            "Where an earlier version or other settings trained it, `fleetcast run` trains it anew."
        ) from error


def _one(of: Desk, newest: Examples, store: str, product: str, week: date) -> npt.NDArray[np.bool_]:
    series, weeks = of.panel.series, [of.panel.weeks[w] for w in np.unique(newest.week)]
    if week not in weeks:
        raise UsageError(f"{of.cycle} forecast the weeks {weeks[0]} to {weeks[-1]}; {week} is none of them")
    here = ((series["store"] == store) & (series["product"] == product)).to_numpy() & of.rows
    if not here.any():
        raise UsageError(_nothing_of(series.filter(of.rows), of, store, product))
    row = int(np.flatnonzero(here)[0])
    return np.asarray((newest.row == row) & (newest.week == of.panel.weeks.index(week)))


def _nothing_of(forecast: pl.DataFrame, of: Desk, store: str, product: str) -> str:
    """What is wrong with a store and product that the cycle forecast nothing of."""
    mine = forecast.filter(pl.col("store") == store)
    if mine.is_empty():
        return f"{of.segment} has no store {store!r} in the cycle {of.cycle}; it has {some(forecast['store'], like=store)}"
    known = some(mine["product"], like=product)
    return f"{of.segment} has no forecast for product {product!r} in store {store}; there it has {known}"


def _parts(names: tuple[str, ...], logs: npt.NDArray[np.float64], count: int) -> tuple[Part, ...]:
    order = np.argsort(-np.abs(logs), kind="stable")[:count]
    return tuple(
        Part(names[i], float(logs[i]), float(np.expm1(logs[i]))) for i in order if abs(logs[i]) > ROUNDING
    )


def _published(w: Workspace, segment: str) -> pl.DataFrame:
    """What the newest cycle published of a segment, in the weeks that the model of that name reaches."""
    known = w.lake.read(FORECASTS, columns=["cycle", "segment", "week"])
    if not known.height:
        raise UsageError(f"nothing is published in {w.environment} yet; run `fleetcast run`")
    reach = reach_of(segment)
    mine = reporting.ahead(w, known.filter(pl.col("segment") == segment_of(segment)), reach)
    if not mine.height:
        there = some(known["segment"].unique(), like=segment)
        raise UsageError(f"no segment {segment!r} is forecast; there are {there}")
    of_it = (pl.col("cycle") == mine["cycle"].max()) & (pl.col("segment") == segment_of(segment))
    return reporting.ahead(w, w.lake.read(FORECASTS, where=of_it), reach)
