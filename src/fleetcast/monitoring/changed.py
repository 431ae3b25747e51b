"""What changed from one week to the next that should be looked at: old weeks restated, events moved, series closed, failover."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.domain.incidents import Signal
from fleetcast.domain.week import WEEK

SOON = 12  # weeks ahead in which an event is close enough for its move to matter
CLOSED = 0.2  # share of the series of a kind that ended at once
FEWEST = 5  # series of a kind that a share says something of
SERVED = 0.05  # share of a segment's rows that something else than its champion may serve unnoticed


@dataclass(frozen=True, slots=True)
class Restated:
    """Weeks of a table that a week found otherwise than the one before, and the source that brought them."""

    source: str
    weeks: tuple[date, ...]
    at: date

    @property
    def age(self) -> int:
        """Weeks back to the oldest one."""
        return (self.at - self.weeks[0]) // WEEK


def restated(
    now: Mapping[str, Restated], earlier: Sequence[Mapping[str, Restated]], *, week: date
) -> Iterator[Signal]:
    """Corrections that reach further back than those of earlier weeks: returns that come in late are no news every week.

    Without an earlier week to compare with, nothing is known of what is usual.
    """
    if not earlier:
        return
    for table, found in sorted(now.items()):
        usual = max((before[table].age for before in earlier if table in before), default=0)
        old = [at for at in found.weeks if (week - at) // WEEK > usual]
        if old:
            reach = f"{old[0]}" if len(old) == 1 else f"{len(old)} weeks from {old[0]} to {old[-1]}"
            yield Signal(
                "corrected", found.source, week, f"{table} of {reach} restated", evidence={"table": table}
            )


def events(before: pl.DataFrame, now: pl.DataFrame, *, week: date, source: str) -> Iterator[Signal]:
    """Events of the coming weeks that were told otherwise the week before; new ones far ahead are no news."""
    old, new = (_coming(frame, week) for frame in (before, now))
    told = []
    for (event, scope), days in sorted(old.items()):
        # an event of every year has several dates: what counts is that one of them is gone
        for day in sorted(days - new.get((event, scope), set())):
            moved = sorted(new.get((event, scope), set()) - days)
            to = f"moved to {moved[0]}" if moved else "is gone"
            told.append(f"{event} of {day} {to}" + ("" if scope == "all" else f" in {scope}"))
    if told:
        yield Signal("events", source, week, "; ".join(told[:5]))


def _coming(frame: pl.DataFrame, week: date) -> dict[tuple[str, str], set[date]]:
    """The first days of events that begin in the coming weeks, as told at last."""
    newest = frame.sort("known_at").unique(["event", "first", "scope"], keep="last", maintain_order=True)
    near = newest.filter(pl.col("first").is_between(week, week + SOON * WEEK))
    found: dict[tuple[str, str], set[date]] = {}
    for event, scope, first in near.select("event", "scope", "first").iter_rows():
        found.setdefault((event, scope), set()).add(first)
    return found


def closing(before: pl.DataFrame, now: pl.DataFrame, *, week: date, keys: int) -> Iterator[Signal]:
    """Kinds of which far fewer series are to be forecast than the week before.

    A kind is a segment without its last key, the mover class, which series change by selling: with one key it is the segment.
    """
    kind = pl.col("segment").str.split("/").list.head(max(keys - 1, 1)).list.join("/").alias("kind")
    had, has = (
        dict(frame.select(kind, "store", "product").unique().group_by("kind").len().iter_rows())
        for frame in (before, now)
    )
    for name, number in sorted(had.items()):
        left = has.get(name, 0)
        if number >= FEWEST and left <= (1 - CLOSED) * number:
            yield Signal(
                "closing", name, week, f"{left:,} series are to be forecast, {number:,} the week before"
            )


def failover(completeness: pl.DataFrame, *, week: date) -> Iterator[Signal]:
    """Segments with a model of their own, of which something else serves part, or nothing."""
    counted = completeness.group_by("segment").agg(
        pl.len().alias("rows"),
        (pl.col("state") != "champion").sum().alias("others"),
        pl.col("state").is_in(["carried_forward", "blocked"]).sum().alias("worst"),
        pl.col("reason").filter(pl.col("state") != "champion").mode().sort().first().alias("reason"),
    )
    for row in counted.sort("segment").iter_rows(named=True):
        if row["others"] > SERVED * row["rows"]:
            told = f"{row['others']:,} of {row['rows']:,} rows are not of its champion: {row['reason']}"
            grave = row["worst"] > SERVED * row["rows"] or row["others"] == row["rows"]
            yield Signal("failover", row["segment"], week, told, severity="alarm" if grave else "warning")
