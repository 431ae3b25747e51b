"""Backtest one partition: replay its history for every contender, and keep the judged rounds."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from fleetcast.backtesting.origin import Donor
from fleetcast.backtesting.replay import judged, replay
from fleetcast.backtesting.variants import Setup, entries
from fleetcast.domain.history import History
from fleetcast.domain.tables import DEMAND, Table
from fleetcast.lake import Lake
from fleetcast.registry.bank import Bank
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger

log = get_logger()


@dataclass(frozen=True)
class BacktestTask:
    """What one task replays: a partition from some origins, for some setups; `segments` are those that are kept."""

    partition: str
    origins: tuple[date, ...]
    setups: tuple[Setup, ...]
    segments: tuple[str, ...]
    donors: Mapping[str, Donor] = field(default_factory=dict)  # of the segments that, while young, have one


def backtest(
    task: BacktestTask,
    history: History,
    tables: Mapping[str, Table],
    *,
    demand_version: str,
    settings: Settings,
    lake: Lake,
    bank: Bank,
    elsewhere: Callable[[str], History],
) -> str:
    """Digest of the judged rounds in the bank, a Parquet file; sold-out weeks and weeks not final yet are not judged."""
    demand = lake.read(DEMAND, version=demand_version, partition=task.partition)
    sold = demand.filter(pl.col("final") & ~pl.col("censored")).select("store", "product", "week", "units")

    frames = []
    taking_part = entries(task.setups, history, settings, donors=task.donors, elsewhere=elsewhere)
    for made in replay(taking_part, task.origins, tables):
        rows = judged(made, sold).filter(pl.col("segment").is_in(task.segments))
        frames.append(rows)
        log.info("replayed", partition=task.partition, origin=str(made["origin"][0]), rows=rows.height)

    out = io.BytesIO()
    pl.concat(frames).write_parquet(out)
    return bank.put(out.getvalue())
