"""Stores that sell alike: written as a file that a source takes in, and the stores that are in none."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from fleetcast import clusters
from fleetcast.conditioning.places import UNCLUSTERED
from fleetcast.domain.errors import DataError, UsageError
from fleetcast.domain.seeds import seed
from fleetcast.domain.tables import CLUSTERS, DEMAND, MEMBERSHIP
from fleetcast.lake.export import write_rows
from fleetcast.masters import membership_at
from fleetcast.workspace import Workspace

_ENTRY = """[sources.clusters]
path = "{path}"
format = "csv"
table = "clusters"
[sources.clusters.columns]
store = {{ type = "text" }}
cluster = {{ type = "text" }}
valid_from = {{ type = "date" }}
"""


@dataclass(frozen=True, slots=True)
class Clustered:
    """How many stores each cluster has from a day on, and the file that says which.

    `entry` is what takes such files in, for the settings; "" where they have it.
    """

    path: str
    valid_from: date
    stores: dict[str, int]
    entry: str


def write(w: Workspace, *, k: int, to: Path, valid_from: date | None = None) -> Clustered:
    """Cluster all stores by the newest year of their demand and by their static covariates, into a CSV file.

    The clusters hold from `valid_from` on, else from the newest week with demand.
    """
    if to.exists():
        raise UsageError(f"{to} is there already; name another file, or remove it")
    demand = w.lake.read(DEMAND)
    if demand.is_empty():
        raise DataError(f"there is no demand in {w.environment} yet; run `fleetcast condition`")
    cutoff: date = demand.select(pl.col("week").max()).item()
    profiles = clusters.profiles(demand, _static(w), cutoff=cutoff)
    if not 2 <= k <= profiles.height:
        raise UsageError(
            f"{k} clusters of {profiles.height} stores: write a number from 2 to {profiles.height}"
        )
    since = valid_from or cutoff
    found = clusters.clustered(profiles, k=k, seed=seed(w.settings.training.seed, "clusters"))
    write_rows(to, found.with_columns(pl.lit(since).alias("valid_from")), kind="csv")
    sizes = found.group_by("cluster").len().sort("cluster")
    return Clustered(str(to), since, dict(sizes.iter_rows()), _entry(w, to))


def unclustered(w: Workspace, active: pl.DataFrame, week: date) -> list[str]:
    """The stores of these series that have no cluster in a week, where segments are keyed by it."""
    if "cluster" not in w.settings.segments.keys:
        return []
    now = membership_at(w.lake.read(MEMBERSHIP), week).join(active, on=["store", "product"], how="semi")
    return now.filter(pl.col("cluster") == UNCLUSTERED)["store"].unique().sort().to_list()


def _entry(w: Workspace, to: Path) -> str:
    if any(source.table == CLUSTERS.name for source in w.settings.sources.values()):
        return ""
    path = to.resolve()
    if path.is_relative_to(w.home):
        path = path.relative_to(w.home)
    alone = path.parent != Path()  # in a folder of its own: later files lie beside it
    return _ENTRY.format(path=(path.with_name(f"*{path.suffix}") if alone else path).as_posix())


def _static(w: Workspace) -> pl.DataFrame | None:
    """`store` and the numbers of the covariate tables that say something of stores alone; None where there are none."""
    found: pl.DataFrame | None = None
    for name, spec in w.settings.covariates.items():
        columns = [column for column in spec.columns if column not in spec.texts]
        if tuple(spec.keys) != ("store",) or not columns:
            continue
        newest = w.lake.read(w.base_tables[name]).sort("known_at").unique("store", keep="last")
        part = newest.select("store", *(pl.col(column).alias(f"{name}.{column}") for column in columns))
        found = part if found is None else found.join(part, on="store", how="full", coalesce=True)
    return found
