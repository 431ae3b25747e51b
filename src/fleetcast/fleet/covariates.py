"""The levels of covariates that act by ratios, as prices do, week by week and region by region."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.workspace import Workspace

WEEKS = 28


def levels(w: Workspace, snapshot: Snapshot, *, week: date) -> Iterator[tuple[str, str, list[float]]]:
    """Name, region ("" where it has none) and mean log of the newest weeks up to this one, of each such column.

    As they are known now; a region that has no rows of this week is left out.
    """
    for name, spec in w.settings.covariates.items():
        if not spec.log or "week" not in spec.keys or "store" in spec.keys:
            continue
        newest = pl.col("week").is_between(week - (WEEKS - 1) * WEEK, week)
        rows = w.lake.read(w.base_tables[name], version=snapshot[name], as_of=w.clock(), where=newest)
        by = ["region"] if "region" in spec.keys else []
        for column in spec.log:
            means = (
                rows.filter(pl.col(column) > 0)
                .group_by("week", *by)
                .agg(pl.col(column).log().mean())
                .sort("week")
            )
            for key, part in means.partition_by(by, as_dict=True).items() if by else [(("",), means)]:
                if part.height and part["week"][-1] == week:
                    yield f"{name}.{column}", str(key[0]), part[column].to_list()
