"""What a shadow comes to: its forecasts beside the published ones, with what was sold since, read from the lake."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Self

import polars as pl

from fleetcast.domain.shadows import Shadow
from fleetcast.domain.tables import DEMAND, FORECASTS, MEMBERSHIP, ORDERS, PRICES, SHADOWS
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK, Looks
from fleetcast.fleet import reporting
from fleetcast.masters import in_force, membership_at
from fleetcast.sellouts import lost_sales
from fleetcast.shadow import rows
from fleetcast.shadow.comparing import Comparison, Difference, Line, compare, for_pricing
from fleetcast.shadow.deciding import Decision, decide
from fleetcast.shadow.rows import Labels
from fleetcast.workspace import Workspace

LEARNT = 52  # weeks before the first cycle, from which demand beyond sold-out deliveries is estimated
_SERIES = ["store", "product"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known as of a week: of which cycles, against the published rows of which releases, and what follows of it.

    `read` are the content versions that it was read from.
    """

    week: date
    cycles: tuple[date, ...]
    against: Mapping[str, int]
    labels: Labels
    found: Comparison
    decision: Decision
    read: Mapping[str, str]

    def written(self) -> dict[str, Any]:
        """As JSON."""
        days = {"week": self.week.isoformat(), "cycles": [day.isoformat() for day in self.cycles]}
        return asdict(self) | days

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The evidence that was `written`."""
        lines = {name: _line(line) for name, line in body["found"]["segments"].items()}
        return cls(
            date.fromisoformat(body["week"]),
            tuple(map(date.fromisoformat, body["cycles"])),
            body["against"],
            Labels(**body["labels"]),
            Comparison(_line(body["found"]["total"]), lines),
            Decision(body["decision"]["answer"], tuple(body["decision"]["reasons"])),
            body["read"],
        )


def _line(body: Mapping[str, Any]) -> Line:
    parts: dict[str, Any] = {
        name: Difference(**part) if isinstance(part, dict) else part for name, part in body.items()
    }
    return Line(**parts)


def gather(
    w: Workspace, shadow: Shadow, cycles: Sequence[date], snapshot: Snapshot, *, week: date
) -> Evidence:
    """Hold what a shadow forecast in these cycles against what was published in them, by demand as a snapshot has it."""
    weekly, orders, labels, against = [], [], [], list[pl.DataFrame]()
    longest = max(w.settings.training.horizons)
    for partition in w.lake.partitions(FORECASTS):
        published = _published(w, partition, cycles, longest)
        pairs = rows.paired(published, _said(w, partition, shadow, cycles))
        known = rows.labelled(pairs, _demand(w, pairs, partition, snapshot, since=min(cycles)))
        weekly.append(rows.weekly(known))
        orders.append(for_pricing(_with_prices(w, known, snapshot, week)))
        labels.append(rows.labels(known, published.height))
        against.append(pairs["release"].value_counts())
    read = {table.name: w.lake.version(table) for table in (FORECASTS, ORDERS, SHADOWS)}
    counted = Labels(*(sum(getattr(one, field.name) for one in labels) for field in fields(Labels)))
    found = compare(pl.concat(weekly), pl.concat(orders), root=w.settings.training.seed)
    return Evidence(
        week,
        tuple(cycles),
        dict(pl.concat(against).group_by("release").agg(pl.col("count").sum()).sort("release").iter_rows()),
        counted,
        found,
        decide(found, counted, settings=w.settings.shadow, gate=w.settings.gate),
        read | {"snapshot": snapshot.digest},
    )


def _published(w: Workspace, partition: str, cycles: Sequence[date], longest: int) -> pl.DataFrame:
    """The rows of short-term horizons, each with what was ordered by it."""
    mine = pl.col("cycle").is_in(cycles)
    ordered = w.lake.read(ORDERS, partition=partition, where=mine).select(*rows.ROW, "order")
    found = w.lake.read(FORECASTS, partition=partition, where=mine & (pl.col("horizon") <= longest))
    return found.join(ordered, on=rows.ROW, how="left")


def _said(w: Workspace, partition: str, shadow: Shadow, cycles: Sequence[date]) -> pl.DataFrame:
    mine = (pl.col("release") == shadow.release) & pl.col("cycle").is_in(cycles)
    return w.lake.read(SHADOWS, partition=partition, where=mine)


def _demand(
    w: Workspace, pairs: pl.DataFrame, partition: str, snapshot: Snapshot, *, since: date
) -> pl.DataFrame:
    """Demand of the compared series with what is estimated `lost`; wherever their stores lie by now."""
    near, version = pl.col("week") > since - LEARNT * WEEK, snapshot[DEMAND.name]
    net = w.lake.read(DEMAND, version=version, partition=partition, where=near)
    moved = pairs.select("store").unique().join(net, on="store", how="anti")["store"]
    if moved.len():
        there = pl.col("store").is_in(moved.implode())
        net = pl.concat([net, w.lake.read(DEMAND, version=version, where=near & there)])
    series = pairs.select(*_SERIES, "segment").unique(_SERIES, keep="last", maintain_order=True)
    return lost_sales(net.join(series, on=_SERIES))


def _with_prices(w: Workspace, known: pl.DataFrame, snapshot: Snapshot, week: date) -> pl.DataFrame:
    """Add `margin` and `return_cost` of each row's week, null where nobody knows them."""
    moment = Looks.of(w.settings.calendar.ready_after_days, reporting.received(w, week)).at(week)
    prices = w.lake.read(PRICES, version=snapshot[PRICES.name], as_of=moment)
    members = membership_at(w.lake.read(MEMBERSHIP, version=snapshot[MEMBERSHIP.name]), week)
    placed = known.join(members.select(*_SERIES, "region"), on=_SERIES, how="left")
    return in_force(placed, prices, keys=["product", "region"], values=["margin", "return_cost"])
