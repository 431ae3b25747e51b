"""Published orders, taken out for the people and the programs that act on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from fleetcast import orders
from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.tables import FORECASTS, MEMBERSHIP, ORDER_SHEET, ORDERS
from fleetcast.domain.versions import digest_of
from fleetcast.domain.week import label
from fleetcast.lake import database, export
from fleetcast.ledger.overrides import standing
from fleetcast.workspace import Workspace

Kind = Literal["csv", "parquet", "sql"]

FOLDER = "export/orders"  # where files go if nobody says where
MEANT: Mapping[str, Kind] = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".db": "sql",
    ".sqlite": "sql",
}  # by ending


@dataclass(frozen=True, slots=True)
class OrderExport:
    """What was taken out: the orders of one cycle, how many of them for which reason, and where they are now.

    `units` are to be brought; in `overridden` of the rows a person decided on something else than was recommended.
    """

    cycle: date
    week: date
    release: tuple[str, ...]
    rows: int
    units: float
    overridden: int
    reasons: Mapping[str, int]
    failover: Mapping[str, int]
    written: tuple[str, ...]


def take_out(
    w: Workspace,
    to: str | None,
    *,
    kind: Kind,
    table: str,
    cycle: date | None = None,
    week: date | None = None,
    region: str | None = None,
    segment: str | None = None,
) -> OrderExport:
    """Write the order sheet of a cycle (else of the newest published one) to a folder, a file, or a database's table.

    `week` names the cycle by the week its orders are for. `region` and `segment` take a part of it; in a database
    the rest of the cycle stays then as it is. Files go to `FOLDER` where no place is named.
    """
    if kind == "sql" and to is None:
        raise UsageError("name the database with --to: a URL, or an SQLite file such as planning.db")
    chosen = published_cycle(w, cycle, week)
    part = {name: value for name, value in (("region", region), ("segment", segment)) if value is not None}
    rows = _sheet(w, chosen)
    for name, value in part.items():
        mine = rows.filter(pl.col(name) == value)
        if mine.is_empty():
            raise UsageError(
                f"cycle {chosen} has no orders of {name} {value!r}; it has {some(rows[name], like=value)}"
            )
        rows = mine
    return OrderExport(
        cycle=chosen,
        week=rows["week"][0],
        release=tuple(sorted(rows["release"].unique())),
        rows=rows.height,
        units=float(rows["bring"].sum()),
        overridden=rows.drop_nulls("override").filter(pl.col("override").ne_missing(pl.col("order"))).height,
        reasons=_counts(rows, "reason"),
        failover=_counts(rows, "failover"),
        written=(database.write(to, table, rows, key=ORDER_SHEET.key, replaced={"cycle": chosen, **part}),)
        if kind == "sql" and to is not None
        else _files(w, rows, to or FOLDER, kind="parquet" if kind == "parquet" else "csv"),
    )


def _files(w: Workspace, rows: pl.DataFrame, to: str, *, kind: Literal["csv", "parquet"]) -> tuple[str, ...]:
    if "://" in to:
        raise UsageError(
            f"{kind} is written to a folder or a file, and {to.partition('://')[0]}:// is none; add --format sql"
        )
    path = Path(to)
    if path.suffix == f".{kind}":
        export.write_rows(path, rows, kind=kind)
        return (str(path),)
    if meant := MEANT.get(path.suffix):
        raise UsageError(f"{path} would be no file of {kind}; add --format {meant}, or name another one")
    if path.is_file():
        raise UsageError(
            f"{path} is a file, and not one of {kind}; name a folder, or a file that ends in .{kind}"
        )
    decided = rows["override_at"].max()
    version = digest_of([w.lake.version(ORDERS), w.lake.version(FORECASTS), str(decided)])
    return tuple(map(str, export.write(path, [export.Exported(ORDER_SHEET, version, rows)], kind=kind)))


def _sheet(w: Workspace, cycle: date) -> pl.DataFrame:
    here = pl.col("cycle") == cycle
    found = w.lake.read(ORDERS, where=here)
    if found.is_empty():
        off = "" if w.settings.orders.enabled else ": `[orders] enabled` is false"
        raise UsageError(
            f"cycle {cycle} has no orders{off}; `fleetcast export tables forecasts` has its forecasts"
        )
    regions = (
        w.lake.read(MEMBERSHIP).select("store", "region").unique("store", keep="last", maintain_order=True)
    )
    with w.ledger.view() as view:
        decided = standing(view.overrides(cycle=cycle)).values()
    return orders.sheet(found, w.lake.read(FORECASTS, where=here), regions, decided)


def published_cycle(w: Workspace, cycle: date | None = None, week: date | None = None) -> date:
    """The newest published cycle that answers to what was asked for."""
    names = {publication.cycle for publication in w.publications.list()}
    stored = {date.fromisoformat(leaf.week) for leaf in w.lake.leaves(FORECASTS)}
    published = sorted(day for day in stored if label(day) in names)
    if not published:
        raise UsageError(f"nothing is published in {w.environment} yet; run `fleetcast run`")
    if week is not None:
        held = w.lake.read(ORDERS, columns=["cycle", "week"], where=pl.col("week") == week)["cycle"].unique()
        published = [day for day in published if day in held]
        if not published:
            raise UsageError(
                f"no published cycle has orders for the week {week}; leave --week out for the newest"
            )
    chosen = cycle or published[-1]
    if chosen not in published:
        shown = ", ".join(map(str, published[-5:]))
        for_week = f" with orders for {week}" if week else ""
        raise UsageError(
            f"{chosen} is no published cycle of {w.environment}{for_week}; the newest are {shown}"
        )
    return chosen


def _counts(rows: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(rows.group_by(column).len().sort(column).iter_rows())
