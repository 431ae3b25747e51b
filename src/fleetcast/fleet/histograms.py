"""Histograms of what models aim at, see and say, kept in the lake week by week: demand, covariates, weather, forecasts.

A cycle counts the weeks of this year and of the last one anew, so that what is restated, and series that changed their
segment, are counted as they are now; what is older stays as it was counted. What has nothing older yet gets new bins too.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.incidents import FLEET
from fleetcast.domain.tables import DEMAND, FORECASTS, HISTOGRAMS, MEMBERSHIP, STORES, WEATHER, Table
from fleetcast.domain.versions import Snapshot
from fleetcast.lake import Lake
from fleetcast.masters import membership_at, standing
from fleetcast.monitoring.histograms import Bins, histograms
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

YEARS = 5  # before this one, that are counted when a table is counted first
ALL = "all"  # the partition of what is stored whole

Subjects = Callable[
    [pl.DataFrame, str], pl.DataFrame
]  # of a partition's rows, each with its `subject` and `week`


@dataclass(frozen=True)
class Counted:
    """A table of which histograms are kept: its columns, the version that is read, and whom its rows are of."""

    table: Table
    columns: tuple[str, ...]
    version: str
    dated: str
    read: tuple[str, ...]  # columns
    where: pl.Expr
    subjects: Subjects


def counted(w: Workspace, snapshot: Snapshot, week: date) -> list[Counted]:
    """Everything histograms are kept of; static columns do not drift."""
    free = [
        _covariates(w, name, snapshot)
        for name, spec in w.settings.covariates.items()
        if "week" in spec.keys and name in snapshot
    ]
    return [_demand(w, snapshot, week), _forecasts(w), _weather(w, snapshot, week), *free]


def keep(w: Workspace, tables: Sequence[Counted], *, week: date) -> None:
    """Write the histograms of the weeks up to this one, partition by partition; one that cannot be read keeps what it had."""
    held = {one.table.name: set(w.lake.partitions(one.table, one.version)) for one in tables}
    for partition in sorted(set().union(*held.values())):
        try:
            _keep(w, partition, [one for one in tables if partition in held[one.table.name]], week)
        except CorruptError as error:
            log.warning("histograms_lost", partition=partition, error=str(error))


def kept(lake: Lake) -> Iterator[pl.DataFrame]:
    """All histograms, each subject's in one frame: partition by partition, last those of subjects that lie in several."""
    partitions = lake.partitions(HISTOGRAMS)
    subjects = [lake.read(HISTOGRAMS, partition=one, columns=["subject"])["subject"] for one in partitions]
    times = Counter(subject for some in subjects for subject in some.unique())
    several = [subject for subject, number in times.items() if number > 1]
    apart = pl.col("subject").is_in(several)
    for partition in partitions:
        yield lake.read(HISTOGRAMS, partition=partition, where=~apart if several else None)
    if several:
        yield lake.read(HISTOGRAMS, where=apart)


def _keep(w: Workspace, partition: str, tables: Sequence[Counted], week: date) -> None:
    kept = w.lake.batches(HISTOGRAMS, partition=partition)
    settled = _settled(w.lake.read(HISTOGRAMS, partition=partition, where=pl.col("week") < _since(week, 1)))
    parts, batches = [], set()
    for one in tables:
        first = not any(batch.startswith(f"{one.table.name} ") for batch in kept)
        since = _since(week, YEARS if first else 1)
        rows = one.subjects(_rows(w, one, partition, since, week), partition)
        made = histograms(rows, one.columns, of=one.table.name, settled=settled)
        parts.append(
            made.with_columns(batch=pl.format("{} {}", pl.lit(one.table.name), pl.col("week").dt.year()))
        )
        batches |= {f"{one.table.name} {year}" for year in range(since.year, week.year + 1)}
    w.lake.write(HISTOGRAMS, pl.concat(parts), partition=partition, batches=batches)


def _rows(w: Workspace, one: Counted, partition: str, since: date, week: date) -> pl.DataFrame:
    there = pl.col(one.dated).dt.truncate("1w").is_between(since, week) & one.where
    as_of = w.clock() if one.table.bitemporal else None
    rows = w.lake.read(
        one.table, version=one.version, partition=partition, as_of=as_of, columns=one.read, where=there
    )
    return rows.with_columns(pl.col(one.dated).dt.truncate("1w").alias("week"))


def _since(week: date, years: int) -> date:
    return date(week.year - years, 1, 1)


def _settled(kept: pl.DataFrame) -> Mapping[tuple[str, str], Bins]:
    """The bins of columns that have weeks which are not counted anew."""
    return {
        (str(subject), str(column)): Bins.kept(rows)
        for (subject, column), rows in kept.group_by("subject", "column")
    }


# ---------------------------------------------------------------- what is counted


def _demand(w: Workspace, snapshot: Snapshot, week: date) -> Counted:
    """Units by segment, where they are known: that a week is not there, its source tells.

    Whole ones: of a week whose returns are open the expected ones are taken off, a fraction.
    """
    members = membership_at(w.lake.read(MEMBERSHIP, version=snapshot["segments"]), week).select(
        "store", "product", pl.concat_str(w.settings.segments.keys, separator="/").alias("subject")
    )

    def subjects(rows: pl.DataFrame, _: str) -> pl.DataFrame:
        return rows.join(members, on=["store", "product"]).with_columns(pl.col("units").round())

    read = ("week", "store", "product", "units")
    return Counted(
        DEMAND, ("units",), snapshot["demand"], "week", read, pl.col("units").is_not_null(), subjects
    )


def _forecasts(w: Workspace) -> Counted:
    """The nearest week of each cycle's published forecasts, by segment; dated by the cycle."""
    nearest = pl.col("horizon") == min(w.settings.training.horizons)

    def subjects(rows: pl.DataFrame, _: str) -> pl.DataFrame:
        return rows.rename({"segment": "subject"})

    read = ("cycle", "segment", "median")
    return Counted(FORECASTS, ("median",), w.lake.version(FORECASTS), "cycle", read, nearest, subjects)


def _weather(w: Workspace, snapshot: Snapshot, week: date) -> Counted:
    """Observed days by the region of their postal code, which the stores there tell."""
    stores = standing(w.lake.read(STORES, version=snapshot["stores"], as_of=w.clock()), "store", week)
    regions = stores.select("postal_code", pl.col("region").alias("subject")).unique()

    def subjects(rows: pl.DataFrame, _: str) -> pl.DataFrame:
        return rows.join(regions, on="postal_code")

    columns = ("temperature", "precipitation")
    read, observed = ("postal_code", "date", *columns), pl.col("kind") == "observed"
    return Counted(WEATHER, columns, snapshot["weather"], "date", read, observed, subjects)


def _covariates(w: Workspace, name: str, snapshot: Snapshot) -> Counted:
    """A covariate table by region, else by the partition it lies in."""
    spec = w.settings.covariates[name]
    columns = (*(column for column, kind in spec.columns.items() if kind != "static"), *spec.texts)
    regional = "region" in spec.keys

    def subjects(rows: pl.DataFrame, partition: str) -> pl.DataFrame:
        whole = pl.lit(FLEET if partition == ALL else partition)
        return rows.with_columns((pl.col("region") if regional else whole).alias("subject"))

    read = ("week", *(["region"] if regional else []), *columns)
    return Counted(w.base_tables[name], columns, snapshot[name], "week", read, pl.lit(value=True), subjects)
