"""Tables of several sources, cut by the key that partitions the work."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from fleetcast.conditioning.places import placed, places
from fleetcast.domain.tables import CLUSTERS, DELIVERIES, STORES, Table
from fleetcast.domain.week import WEEK

WHOLE = "all"  # the partition of what is not cut
TOLD = 16  # weeks of which an account says how many rows there are


def stands(sources: Sequence[Mapping[str, pl.DataFrame]]) -> pl.DataFrame | None:
    """Where stores stand in the newest week with deliveries; None where nothing is known of any."""

    def told(table: Table) -> list[pl.DataFrame]:
        return [tables[table.name] for tables in sources if table.name in tables]

    def known(table: Table) -> pl.DataFrame:
        frames = [frame.select(table.columns) for frame in told(table)]
        return pl.concat([pl.DataFrame(schema=table.types), *frames]).sort("known_at", descending=True)

    weeks = [frame.select(pl.col("week").max()) for frame in told(DELIVERIES)]
    newest = pl.concat(weeks)["week"].max() if weeks else None
    stores, clusters = known(STORES), known(CLUSTERS)
    if not isinstance(newest, date) or (stores.is_empty() and clusters.is_empty()):
        return None
    return places(stores, clusters, newest)


def cut(
    frames: Sequence[pl.DataFrame], stands: pl.DataFrame | None, key: str | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each partition with its rows: tables of a store's weeks are cut by the key, all others stay whole."""
    if not frames:
        return
    whole = pl.concat(frames)
    if stands is None or key is None or not {"store", "week"} <= set(whole.columns):
        yield WHOLE, whole
        return
    stores = placed(whole.select("store").unique(), stands).select("store", pl.col(key).alias("_partition"))
    parts = whole.join(stores, on="store", how="left").partition_by(
        "_partition", include_key=False, as_dict=True
    )
    for (partition,), rows in sorted(parts.items()):
        yield str(partition), rows


def weeks_told(
    frames: Iterable[pl.DataFrame], stands: pl.DataFrame | None, key: str | None
) -> dict[str, dict[str, int]]:
    """Rows of the newest `TOLD` weeks, by partition and week; days count for their week."""
    found: dict[str, dict[str, int]] = {}
    for frame in frames:
        dated = next((column for column in ("week", "date") if column in frame.columns), None)
        if dated is None or frame.is_empty():
            continue
        rows = frame.filter(pl.col(dated) > pl.col(dated).max() - TOLD * WEEK)
        for partition, part in cut([rows], stands if "store" in frame.columns else None, key):
            counted = part.group_by(pl.col(dated).dt.truncate("1w").cast(pl.String)).len().sort(dated)
            weeks = found.setdefault(partition, {})
            for week, number in counted.iter_rows():
                weeks[week] = weeks.get(week, 0) + number
    return found
