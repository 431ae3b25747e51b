"""Train the segments of one partition and judge what was trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from fleetcast import gate
from fleetcast.domain.errors import CorruptError, FleetcastError
from fleetcast.domain.history import History
from fleetcast.domain.models import Dumped
from fleetcast.domain.tables import DEMAND, ROUNDS, Table
from fleetcast.domain.versions import canonical
from fleetcast.features.design import Design
from fleetcast.features.view import panel_at
from fleetcast.lake import Lake
from fleetcast.registry.bank import Bank
from fleetcast.registry.packs import pack, unpack
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger
from fleetcast.training import fitting
from fleetcast.training.origins import origins
from fleetcast.training.seeds import seed

log = get_logger()

# What may go wrong in one segment's numbers: it is named with its error, and the others are trained.
FAILURES = (
    FleetcastError,
    ArithmeticError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    np.linalg.LinAlgError,
    pl.exceptions.PolarsError,
)


@dataclass(frozen=True)
class Chain:
    """Where the model of a segment's newest round lies: the next round's network starts from it."""

    artefact: str
    key: str


@dataclass(frozen=True)
class TrainingTask:
    """What one task trains: some segments of a partition, up to a cutoff, with a recipe (its id names code and settings)."""

    partition: str
    segments: tuple[str, ...]
    cutoff: date
    recipe: str
    chains: Mapping[str, Chain] = field(default_factory=dict)


def train(
    task: TrainingTask,
    history: History,
    tables: Mapping[str, Table],
    *,
    demand_version: str,
    settings: Settings,
    lake: Lake,
    bank: Bank,
) -> str:
    """Train a partition; its round forecasts go to the lake, its models and its baselines to the bank as a pack each.

    Returns the digest of the record in the bank. A segment that cannot be trained is named in it with its
    error, and the others are trained; so is one that did not see every row that was conditioned (`demand_version`).
    """
    conditioned = lake.read(
        DEMAND, version=demand_version, partition=task.partition, columns=["store", "product", "units"]
    )
    planned = _planned(task.cutoff, settings)
    stored = lake.read(ROUNDS, partition=task.partition)
    chains = _chains(task, bank)
    designs: dict[date, Design] = {}

    def design_at(cutoff: date) -> Design:
        if cutoff not in designs:
            panel = panel_at(history, cutoff, tables, settings=settings)
            designs[cutoff] = Design.of(panel, settings.training.features, settings.covariates)
        return designs[cutoff]

    now = design_at(task.cutoff)
    segment_of = now.panel.series.select("store", "product", "segment")
    held = {
        segment: fitting.Conditioned(rows, units)
        for segment, rows, units in conditioned.join(segment_of, on=["store", "product"])
        .group_by("segment")
        .agg(pl.len(), pl.col("units").sum())
        .iter_rows()
    }

    models: dict[str, Dumped] = {}
    records: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    rounds: list[pl.DataFrame] = []
    for segment in task.segments:
        done = _standing(stored, segment, task.recipe, chains.get(segment))
        missing = _missing(planned, chains.get(segment))
        try:
            fitted = fitting.fit_segment(
                segment,
                now,
                {origin: design_at(origin) for origin in missing},
                done,
                conditioned=held.get(segment, fitting.Conditioned(0, 0.0)),
                chain=chains.get(segment),
                recipe=task.recipe,
                settings=settings,
            )
        except FAILURES as error:
            failed[segment] = f"{type(error).__name__}: {error}"
            log.warning("segment_failed", segment=segment, error=failed[segment])
            continue
        models |= fitted.models
        records.append(fitted.record)
        rounds.append(fitted.rounds)
        log.info("trained", segment=segment, **fitted.record["rows"])
    baselines = fitting.fit_baselines(now.panel)

    record = {
        "partition": task.partition,
        "cutoff": task.cutoff.isoformat(),
        "recipe": task.recipe,
        "pack": bank.put(pack(models)),
        "baseline_pack": bank.put(pack(baselines.models)),  # apart: a damaged file takes one of the two
        "segments": records,
        "baselines": baselines.records,
        "failed": failed,
    }
    output = bank.put(canonical(record))
    lake.replace(ROUNDS, _with(stored, rounds, task.recipe, now.panel.series), partition=task.partition)
    return output


def _chains(task: TrainingTask, bank: Bank) -> dict[str, Dumped]:
    """The chains that can be loaded; a segment whose chain is damaged begins a new one, from its oldest round."""
    packs: dict[str, Mapping[str, Dumped]] = {}
    for artefact in sorted({chain.artefact for chain in task.chains.values()}):
        try:
            packs[artefact] = unpack(bank.get(artefact))
        except CorruptError as error:
            log.warning("chain_lost", artefact=artefact, error=str(error))
            packs[artefact] = {}
    return {
        segment: packs[chain.artefact][chain.key]
        for segment, chain in task.chains.items()
        if chain.key in packs[chain.artefact]
    }


def _newest(chain: Dumped) -> date:
    return date.fromisoformat(str(chain.meta["origin"]))


def _missing(planned: list[date], chain: Dumped | None) -> list[date]:
    """The rounds to be fitted: a chain grows at its end only."""
    return [origin for origin in planned if chain is None or origin > _newest(chain)]


def _standing(stored: pl.DataFrame, segment: str, recipe: str, chain: Dumped | None) -> pl.DataFrame:
    """The rounds that a segment's chain stands on. Without a chain none count: a killed run may have left some."""
    if chain is None:
        return stored.clear()
    return stored.filter(
        (pl.col("segment") == segment) & (pl.col("recipe") == recipe) & (pl.col("origin") <= _newest(chain))
    )


def _with(
    stored: pl.DataFrame, rounds: list[pl.DataFrame], recipe: str, series: pl.DataFrame
) -> pl.DataFrame:
    """The stream with these segments' rounds in place of their old ones; other recipes' stay, to compare champions by.

    A series that moved may stand in the old rounds of one segment and the new ones of another: it stays in its own.
    """
    if not rounds:
        return stored
    new = pl.concat(rounds)
    trained = pl.col("segment").is_in(new["segment"].unique().implode()) & (pl.col("recipe") == recipe)
    stream = pl.concat([stored.filter(~trained), new])
    own = series.select("store", "product", pl.col("segment").alias("_own"))
    return (
        stream.join(own, on=["store", "product"], how="left", maintain_order="left")
        .sort(pl.col("segment").eq_missing(pl.col("_own")), maintain_order=True)
        .unique(subset=list(ROUNDS.key), keep="last", maintain_order=True)
        .select(ROUNDS.columns)
        .sort(ROUNDS.key)
    )


def judge(
    partition: str,
    segments: Mapping[str, str | None],
    champions: Mapping[str, str],
    *,
    cutoff: date,
    recipe: str,
    demand_version: str,
    settings: Settings,
    lake: Lake,
) -> dict[str, dict[str, object]]:
    """The gate's verdict on each trained segment (segment → mover class), from the partition's stored rounds.

    `champions` names the recipe of a segment's champion where it is another one: its own rounds of the same
    weeks are what the challenger must not be inferior to. A champion of the same recipe shares the stream.
    """
    planned = _planned(cutoff, settings)
    stored = lake.read(ROUNDS, partition=partition, where=pl.col("origin").is_in(planned))
    actual = lake.read(DEMAND, version=demand_version, partition=partition).filter("final")
    scored = stored.join(
        actual.select("store", "product", "week", "units", "censored"),
        on=["store", "product", "week"],
        how="left",
    )
    verdicts = {}
    for segment, mover in segments.items():
        mine = scored.filter(pl.col("segment") == segment)
        champion = None
        if champions.get(segment, recipe) != recipe:
            champion = mine.filter(pl.col("recipe") == champions[segment])
        verdict = gate.judge(
            mine.filter(pl.col("recipe") == recipe),
            champion,
            settings=settings.gate,
            mover=mover,
            seed=seed(settings.training.seed, segment, "gate"),
        )
        verdicts[segment] = verdict.as_dict()
    return verdicts


def _planned(cutoff: date, settings: Settings) -> list[date]:
    return origins(
        cutoff,
        rounds=settings.training.rounds,
        longest=max(settings.training.horizons),
        open_weeks=settings.demand.returns_weeks,
    )
