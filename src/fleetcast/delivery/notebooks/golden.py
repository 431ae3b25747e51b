"""A golden pair: a small frame, and what a function made of it on the day it was promoted; kept as JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

_TYPES: Mapping[str, type[pl.DataType]] = {
    "String": pl.String,
    "Date": pl.Date,
    "Int64": pl.Int64,
    "Float64": pl.Float64,
    "Boolean": pl.Boolean,
}


@dataclass(frozen=True)
class Golden:
    """`given` and `made` have a row each for the same thing; `past` names the columns of `given` that are not known ahead."""

    given: pl.DataFrame
    made: pl.DataFrame
    past: tuple[str, ...] = ()

    def dump(self) -> str:
        """As JSON, a line for each column."""
        frames = {"given": _columns(self.given), "made": _columns(self.made)}
        parts = [f'"past": {json.dumps(list(self.past))}']
        for name, columns in frames.items():
            lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in columns.items())
            parts.append(f'"{name}": {{\n{lines}\n}}')
        return "{\n" + ",\n".join(parts) + "\n}\n"


def read(path: Path) -> Golden:
    """The pair in a file."""
    held = json.loads(path.read_text("utf-8"))
    return Golden(_frame(held["given"]), _frame(held["made"]), tuple(held["past"]))


def small(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in types that JSON can keep."""
    return frame.with_columns(
        pl.col(name).cast(pl.Float64 if frame[name].dtype.is_float() else pl.Int64)
        for name in frame.columns
        if frame[name].dtype.is_numeric()
    )


def _columns(frame: pl.DataFrame) -> dict[str, Any]:
    return {
        name: {
            "type": str(frame[name].dtype),
            "values": frame[name].cast(pl.String).to_list()
            if frame[name].dtype == pl.Date
            else frame[name].to_list(),
        }
        for name in frame.columns
    }


def _frame(columns: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            pl.Series(name, column["values"], dtype=pl.String).str.to_date()
            if column["type"] == "Date"
            else pl.Series(name, column["values"], dtype=_TYPES[column["type"]])
            for name, column in columns.items()
        ]
    )
