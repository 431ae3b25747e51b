"""Stores that sell alike, as a file that their master data can take a key of segments from."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleetcast import clusters
from fleetcast.domain.errors import DataError, UsageError
from fleetcast.domain.seeds import seed
from fleetcast.domain.tables import DEMAND
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Clustered:
    """How many stores each cluster has, and the file that says which."""

    path: str
    stores: dict[str, int]


def write(w: Workspace, *, k: int, to: Path) -> Clustered:
    """Cluster all stores by the newest year of their demand and by their static covariates, into a CSV file."""
    if to.exists():
        raise UsageError(f"{to} is there already; name another file, or remove it")
    demand = w.lake.read(DEMAND)
    if demand.is_empty():
        raise DataError(f"there is no demand in {w.environment} yet; run `fleetcast condition`")
    cutoff = demand["week"].max()
    profiles = clusters.profiles(demand, _static(w), cutoff=cutoff)  # type: ignore[arg-type]  # not empty
    if not 2 <= k <= profiles.height:
        raise UsageError(
            f"{k} clusters of {profiles.height} stores: write a number from 2 to {profiles.height}"
        )
    found = clusters.clustered(profiles, k=k, seed=seed(w.settings.training.seed, "clusters"))
    to.parent.mkdir(parents=True, exist_ok=True)
    found.write_csv(to)
    sizes = found.group_by("cluster").len().sort("cluster")
    return Clustered(str(to), dict(sizes.iter_rows()))


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
