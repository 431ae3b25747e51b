"""From what a person types to the thing that is meant, and its lineage."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, MEMBERSHIP
from fleetcast.domain.week import WEEK, is_week, monday
from fleetcast.fleet.holdings import Holdings
from fleetcast.fleet.lineage import Graph, Node, Way, traced
from fleetcast.fleet.origins import Origins, raw
from fleetcast.workspace import Workspace

FARTHEST = 52 * WEEK  # that any model looks ahead
SHORTEST = 4  # characters of a digest that are enough to look for
_ROW = re.compile(
    r"(?:forecast )?(?P<week>\d{4}-\d\d-\d\d)/(?P<store>[^/]+)/(?P<product>[^/]+)(?:/(?P<horizon>\d+))?"
)


def lineage(w: Workspace, what: str, ways: Sequence[Way] = ("up", "down")) -> Graph:
    """The graph around a forecast, a model, a release, a version of a table or a raw file, one way or both."""
    origins = Origins(Holdings(w))
    row = _ROW.fullmatch(what)
    if row:
        found = forecast(w, row)
        origins.only = frozenset({found["model"]})
        origins.forecast = {name: str(found[name]) for name in ("cycle", "release", "model")}
        origins.held.partitions = origins.held.read_by(found["model"]) if found["model"] else None
        name = f"{found['week']}/{found['store']}/{found['product']}/{found['horizon']}"
        says = f"{found['median']:.1f} units, {found['failover'].replace('_', ' ')}"
        return traced(Node("forecast", name, says), {"up": origins.causes})
    focus = _named(origins.held, what)
    if focus.kind == "model":
        origins.held.partitions = origins.held.read_by(focus.name)
    if focus.kind == "raw":
        origins.held.partitions = origins.held.brought_by(focus.name)
    steps = {"up": origins.causes, "down": origins.effects}
    return traced(focus, {way: steps[way] for way in ways})


def forecast(w: Workspace, row: "re.Match[str]") -> dict[str, Any]:
    """A published row; of several that were made of one week, that of the horizon, else the one made last."""
    week, store, product = date.fromisoformat(row["week"]), row["store"], row["product"]
    if not is_week(week):
        raise UsageError(f"{week} is no Monday, and a week is named by its Monday: {monday(week)}")
    asked = (pl.col("week") == week) & (pl.col("store") == store) & (pl.col("product") == product)
    cycles = [week - int(row["horizon"]) * WEEK] if row["horizon"] else _cycles(w, before=week)
    near = _partition(w, store, product)
    places = [
        (table, partition) for table in (FORECASTS, COMPLETENESS) for partition in dict.fromkeys((near, None))
    ]
    for table, partition in places:
        for cycle in cycles:
            found = w.lake.read(table, partition=partition, week=cycle, where=asked)
            if found.height and table is FORECASTS:
                return found.row(0, named=True)
            if found.height:
                last = found.row(0, named=True)
                raise UsageError(
                    f"{store}/{product} has no forecast of {week}: in cycle {cycle} it was {last['state']}, {last['reason']}"
                )
    raise UsageError(f"nothing was published of {row[0]}; {_near(w, week, store, product)}")


def _cycles(w: Workspace, *, before: date) -> list[date]:
    """The cycles of which anything was published that could look so far ahead, newest first."""
    published = {date.fromisoformat(leaf.week) for leaf in w.lake.leaves(COMPLETENESS)}
    return sorted((cycle for cycle in published if before - FARTHEST <= cycle < before), reverse=True)


def _partition(w: Workspace, store: str, product: str) -> str | None:
    """The partition that a series' rows are stored in now; None where nobody knows."""
    key = w.settings.segments.partition
    if key is None:
        return None
    mine = (pl.col("store") == store) & (pl.col("product") == product)
    known = w.lake.read(MEMBERSHIP, columns=[key], where=mine)[key].to_list()
    return str(known[-1]) if known else None


def asked_row(text: str) -> "re.Match[str]":
    """A forecast as a person writes it."""
    row = _ROW.fullmatch(text)
    if row is None:
        raise UsageError(f"{text!r} is no forecast; write WEEK/STORE/PRODUCT or WEEK/STORE/PRODUCT/HORIZON")
    return row


def _near(w: Workspace, week: date, store: str, product: str) -> str:
    series = w.lake.read(MEMBERSHIP, columns=["store", "product"])
    cycles = {date.fromisoformat(leaf.week) for leaf in w.lake.leaves(FORECASTS)}
    known = {
        "week": {str(cycle + ahead * WEEK) for cycle in cycles for ahead in w.settings.horizons},
        "store": set(series["store"]),
        "product": set(series["product"]),
    }
    for name, value in (("week", str(week)), ("store", store), ("product", product)):
        if value not in known[name]:
            return f"of {name}s there are {some(known[name], like=value) or 'none'}"
    return "no such combination of week, store, product and horizon was"


def _named(held: Holdings, what: str) -> Node:
    with held.w.ledger.view() as view:
        models = view.model_names()
    if what in models:
        return Node("model", what)
    found = [*_versions(held, what), *_digests(held, what)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{what} is ambiguous: {some([node.title for node in found], like=what)}")
    versions = (Node("table", name).title.removeprefix("table ") for name in held.table_versions)
    known = list(versions) if "@" in what else models
    raise UsageError(
        f"there is nothing called {what!r}: no forecast (WEEK/STORE/PRODUCT), model, release, table version (demand@4f1c…)"
        f" or raw file; of names like it there are {some(known, like=what) or 'none'}"
    )


def _versions(held: Holdings, what: str) -> list[Node]:
    table, at, digest = what.partition("@")
    return [
        Node("table", name) for name in held.table_versions if at and name.startswith(f"{table}@{digest}")
    ]


def _digests(held: Holdings, what: str) -> list[Node]:
    if len(what) < SHORTEST:
        return []
    releases = [Node("release", name) for name in sorted(held.releases) if name.startswith(what)]
    files = [raw(file) for name, file in held.raw_files.items() if name.startswith(what)]
    return [*releases, *files]
