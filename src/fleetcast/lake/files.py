"""The data files of a table: written once under their digest, verified on every read."""

import io
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import polars as pl

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.tables import Table
from fleetcast.domain.versions import digest
from fleetcast.lake.contracts import stored_types
from fleetcast.lake.digests import weeks
from fleetcast.lake.durable import write_file
from fleetcast.lake.journal import DataFile

_ROW_GROUP = 131_072  # rows; a reader of one week skips the rest


def write(folder: Path, table: Table, partition: str, rows: pl.DataFrame) -> DataFile:
    """Store rows in order as one Parquet file."""
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP)
    content = buffer.getvalue()
    name = digest(content)
    path = f"_partition={quote(partition, safe='')}/part-{name[:32]}.parquet"
    write_file(folder / path, content)
    named = sorted(weeks(table, rows))
    return DataFile(
        path=path,
        digest=name,
        size=len(content),
        rows=rows.height,
        batches=tuple(sorted(rows["batch"].unique())),
        first=named[0],
        last=named[-1],
    )


def read(
    folder: Path, files: Iterable[DataFile], types: Mapping[str, pl.DataType], columns: Collection[str]
) -> pl.DataFrame:
    """These columns of the files' rows; a column that a file does not have yet is null."""
    frames = [_read(folder, file, types, columns) for file in files]
    wanted = {name: kind for name, kind in types.items() if name in columns}
    return pl.concat(frames) if frames else pl.DataFrame(schema=wanted)


def whole(folder: Path, table: Table, stored: Iterable[DataFile]) -> pl.DataFrame:
    """All columns of the files' rows, `batch` included."""
    kinds = stored_types(table)
    return read(folder, stored, kinds, kinds)


def content(folder: Path, file: DataFile) -> bytes:
    """A file's bytes, if they are still the ones that were written."""
    path = folder / file.path
    if not path.exists():
        raise CorruptError(f"{path} is gone; restore it from a backup.")
    stored = path.read_bytes()
    if digest(stored) != file.digest:
        raise CorruptError(f"{path} differs from the digest it was written with; restore it from a backup.")
    return stored


def _read(
    folder: Path, file: DataFile, types: Mapping[str, pl.DataType], columns: Collection[str]
) -> pl.DataFrame:
    stored = io.BytesIO(content(folder, file))
    held = pl.read_parquet_schema(stored)
    stored.seek(0)
    frame = pl.read_parquet(stored, columns=_among(held, types, columns))
    return frame.select(
        pl.col(name) if name in held else pl.lit(None, dtype=kind).alias(name)
        for name, kind in types.items()
        if name in columns
    )


def _among(held: Mapping[str, object], types: Iterable[str], columns: Collection[str]) -> list[str]:
    """The wanted columns that a file has; at least one, or its rows could not be counted."""
    return [name for name in types if name in columns and name in held] or list(held)[:1]
