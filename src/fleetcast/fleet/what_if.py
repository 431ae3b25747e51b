"""A question to the fleet, and its answer: what it forecasts of some series, and what it would if something were otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isclose
from pathlib import Path
from typing import Any

import polars as pl

from fleetcast.scoring.failover import KEY, Served

POINTS = ("median", "mean", "mape")
QUANTILES = ("q0.025", "q0.1", "q0.5", "q0.9", "q0.975")
STILL = 1e-3  # of a forecast: what the plans' spread, which one of them has moved, makes of weeks that nobody asked about
LATE = "not_in_the_batch"  # a series that the week's scoring had no row for


@dataclass(frozen=True, slots=True)
class Question:
    """Series are stores × products, else all that is forecast in these stores; without weeks, all short-term ones ahead.

    `suppose` says by column what is otherwise in these weeks, as a person would: `{"price": 2.49}`. Without a `release`
    the live one answers.
    """

    stores: tuple[str, ...]
    products: tuple[str, ...] = ()
    weeks: tuple[date, ...] = ()
    suppose: Mapping[str, float] = field(default_factory=dict)
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A forecast in units, and what to order by it; `order` is null beyond the nearest week, and where its reason says so."""

    median: float
    mean: float
    mape: float
    quantiles: Mapping[str, float]
    order: float | None
    order_reason: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One series and week: the forecast as it is, what the cycle published of it, and the what-if beside them.

    `state` is the failover state and `reason` its code, as in the completeness ledger; `moved` is the what-if's median
    less the forecast's.
    """

    store: str
    product: str
    week: date
    horizon: int
    segment: str
    model: str | None
    state: str
    reason: str
    published: float | None  # median
    forecast: Numbers | None
    what_if: Numbers | None
    moved: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a release says, on the data of a cycle; nothing of it is published. `supposed` has the columns' full names."""

    environment: str
    cycle: date
    release: str
    snapshot: str
    supposed: Mapping[str, float]
    rows: tuple[Row, ...]

    @property
    def late(self) -> int:
        """Rows of series that the week's scoring did not have."""
        return sum(row.reason == LATE for row in self.rows)

    @property
    def unlike_published(self) -> int:
        """Rows whose forecast is another than the published one: another release answers, or its code has changed."""
        return sum(
            row.forecast is not None and row.published is not None and row.forecast.median != row.published
            for row in self.rows
        )


def rows(
    as_it_is: pl.DataFrame,
    otherwise: pl.DataFrame | None,
    published: pl.DataFrame,
    *,
    weeks: Sequence[date],
) -> Iterator[Row]:
    """Rows of these weeks, and of others that a what-if has moved; frames are as `laid_out`, `published` is FORECASTS."""
    known = {row[:3]: row[3] for row in published.select(*KEY, "median").iter_rows()}
    other = {_key(row): row for row in otherwise.iter_rows(named=True)} if otherwise is not None else {}
    for row in as_it_is.iter_rows(named=True):
        forecast, what_if = _numbers(row), _numbers(other.get(_key(row)))
        if row["week"] not in weeks and _still(forecast, what_if):
            continue
        both = forecast is not None and what_if is not None
        yield Row(
            **{name: row[name] for name in ("store", "product", "week", "horizon", "segment", "model")},
            state=row["state"],
            reason=row["reason"],
            published=known.get(_key(row)),
            forecast=forecast,
            what_if=what_if,
            moved=what_if.median - forecast.median if both and what_if and forecast else None,
        )


def laid_out(served: Served, wanted: pl.DataFrame) -> pl.DataFrame:
    """What is served, row by row of its universe: state and reason, the forecast and the order, null where there is none."""
    horizon = served.universe.select(*KEY, "horizon")
    states = served.completeness.select(*KEY, "segment", "state", "reason")
    said = served.forecasts.select(*KEY, "model", *POINTS, *QUANTILES)
    ordered = wanted.select(*KEY, "order", pl.col("reason").alias("order_reason"))
    rows = horizon.join(states, on=KEY).join(said, on=KEY, how="left").join(ordered, on=KEY, how="left")
    return rows.sort("store", "product", "week")


def write(answer: Answer, path: Path) -> None:
    """An answer as a CSV file: one row per series and week, the columns of the what-if behind those of the forecast."""
    lines = [
        {
            "cycle": answer.cycle,
            "release": answer.release,
            **{name: getattr(row, name) for name in ("store", "product", "week", "horizon", "segment")},
            **{name: getattr(row, name) for name in ("model", "state", "reason", "published")},
            **_flat("", row.forecast),
            **(_flat("what_if_", row.what_if) if answer.supposed else {}),
        }
        for row in answer.rows
    ]
    pl.DataFrame(lines, infer_schema_length=None).write_csv(path)


def _flat(prefix: str, numbers: Numbers | None) -> dict[str, Any]:
    values = {name: getattr(numbers, name, None) for name in (*POINTS, "order", "order_reason")}
    values |= {name: numbers.quantiles[name] if numbers else None for name in QUANTILES}
    return {prefix + name: value for name, value in values.items()}


def _still(forecast: Numbers | None, what_if: Numbers | None) -> bool:
    if forecast is None or what_if is None:
        return True
    return isclose(forecast.median, what_if.median, rel_tol=STILL)


def _key(row: Mapping[str, Any]) -> tuple[date, str, str]:
    return row["week"], row["store"], row["product"]


def _numbers(row: Mapping[str, Any] | None) -> Numbers | None:
    if row is None or row["median"] is None:
        return None
    quantiles = {name: row[name] for name in QUANTILES}
    return Numbers(row["median"], row["mean"], row["mape"], quantiles, row["order"], row["order_reason"])
