"""Tables as standard files: CSV (UTF-8, commas, ISO dates) or Parquet, described by a Frictionless `datapackage.json`."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Literal

import polars as pl

from fleetcast.domain.errors import InfrastructureError
from fleetcast.domain.tables import Table
from fleetcast.lake.digests import identity
from fleetcast.lake.durable import write_file

MOMENT = "%Y-%m-%dT%H:%M:%S%.6fZ"  # UTC with microseconds, as `known_at` is stored

_FRICTIONLESS = {
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "datetime",
    pl.String: "string",
}


@dataclass(frozen=True)
class Exported:
    """A table as it leaves: with a `partition` column in front where it has several."""

    table: Table
    version: str
    rows: pl.DataFrame


def write(folder: Path, exported: Iterable[Exported], *, kind: Literal["csv", "parquet"]) -> list[Path]:
    """Write each table to `<name>.<kind>`, and `datapackage.json` last; their paths."""
    chosen = list(exported)
    paths = []
    for each in chosen:
        path = folder / f"{each.table.name}.{kind}"
        write_rows(path, each.rows, kind=kind)
        paths.append(path)
    described = {
        "name": "fleetcast-tables",
        "resources": [_described(each, kind) for each in chosen],
    }
    package = folder / "datapackage.json"
    _write(package, (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode())
    return [*paths, package]


def write_rows(path: Path, rows: pl.DataFrame, *, kind: Literal["csv", "parquet"]) -> None:
    """Write rows to one file, whole or not at all."""
    _write(path, _csv(rows) if kind == "csv" else _parquet(rows))


def _write(path: Path, content: bytes) -> None:
    try:
        write_file(path, content)
    except OSError as error:
        raise InfrastructureError(
            f"{path} cannot be written: {error.strerror or error}\nName another place, or make room there."
        ) from error


def read(path: Path, table: Table) -> pl.DataFrame:
    """An exported table, typed again, with its `partition` column where it has one."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    text = pl.read_csv(path, infer_schema=False)
    return text.select(_parsed(name, table.types.get(name, pl.String())) for name in text.columns)


def _csv(rows: pl.DataFrame) -> bytes:
    """An empty field is null, "" an empty text."""
    buffer = io.BytesIO()
    rows.write_csv(buffer, datetime_format=MOMENT, date_format="%Y-%m-%d", quote_style="necessary")
    return buffer.getvalue()


def _parquet(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _parsed(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind == pl.Boolean:
        return column == "true"
    if kind == pl.Date:
        return column.str.to_date("%Y-%m-%d")
    if isinstance(kind, pl.Datetime):
        return column.str.to_datetime(MOMENT, time_unit="us").dt.replace_time_zone("UTC")
    return column.cast(kind)


def _described(each: Exported, kind: str) -> dict[str, object]:
    """One Frictionless resource: fields with types, the key, and the content version it was written from."""
    table = each.table
    return {
        "name": table.name,
        "path": f"{table.name}.{kind}",
        "format": kind,
        "encoding": "utf-8",
        "description": cleandoc(table.contract.__doc__ or ""),
        "rows": each.rows.height,
        "version": each.version,
        "schema": {
            "fields": [_field(table, name, stored) for name, stored in each.rows.schema.items()],
            "primaryKey": [*(["partition"] if "partition" in each.rows.columns else []), *identity(table)],
        },
    }


def _field(table: Table, name: str, kind: pl.DataType) -> dict[str, object]:
    required = name not in table.nullable
    return {"name": name, "type": _FRICTIONLESS[kind.base_type()], "constraints": {"required": required}}
