"""The data files of a table: written once under their digest, verified on every read."""

import io
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from threading import Lock
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
_SMALL = 32_768  # rows of a file that is understood whole, and once


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
    folder: Path,
    files: Iterable[DataFile],
    types: Mapping[str, pl.DataType],
    columns: Collection[str],
    where: pl.Expr | None = None,
) -> pl.DataFrame:
    """These columns of the files' rows; a column that a file does not have yet is null.

    Of a large file only the rows `where` are made; it is asked row by row, of these columns. Small ones come whole.
    """
    frames = [_read(folder, file, types, columns, where) for file in files]
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
    folder: Path,
    file: DataFile,
    types: Mapping[str, pl.DataType],
    columns: Collection[str],
    where: pl.Expr | None,
) -> pl.DataFrame:
    stored = content(folder, file)
    wanted = {name: kind for name, kind in types.items() if name in columns}
    if where is not None and file.rows > _SMALL:
        rows = pl.scan_parquet(io.BytesIO(stored))
        return rows.select(_shown(rows.collect_schema(), wanted)).filter(where).collect()
    frame = _KEPT.get(file, tuple(wanted), stored)
    return frame if frame.columns == list(wanted) else frame.select(_shown(frame.columns, wanted))


def _shown(held: Collection[str], wanted: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    return [
        pl.col(name) if name in held else pl.lit(None, dtype=kind).alias(name)
        for name, kind in wanted.items()
    ]


class _Kept:
    """The small files that were read last, as frames: their bytes are verified every time, and understood once."""

    def __init__(self, *, largest: int, together: int) -> None:
        self._largest, self._together = largest, together
        self._frames: OrderedDict[tuple[str, tuple[str, ...]], pl.DataFrame] = OrderedDict()
        self._rows = 0
        self._lock = Lock()

    def get(self, file: DataFile, wanted: tuple[str, ...], stored: bytes) -> pl.DataFrame:
        """The wanted columns that a file has; at least one, or its rows could not be counted."""
        key = file.digest, wanted
        with self._lock:
            if (frame := self._frames.get(key)) is not None:
                self._frames.move_to_end(key)
                return frame
        held = pl.read_parquet_schema(io.BytesIO(stored))
        columns = [name for name in wanted if name in held] or list(held)[:1]
        frame = pl.read_parquet(io.BytesIO(stored), columns=columns)
        if frame.height <= self._largest:
            self._keep(key, frame)
        return frame

    def _keep(self, key: tuple[str, tuple[str, ...]], frame: pl.DataFrame) -> None:
        with self._lock:
            if key not in self._frames:
                self._frames[key] = frame
                self._rows += frame.height
            while self._rows > self._together:
                self._rows -= self._frames.popitem(last=False)[1].height


_KEPT = _Kept(largest=_SMALL, together=262_144)  # rows; some 30 MB
