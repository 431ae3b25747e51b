"""The Delta log: the one place that speaks to delta-rs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, Field, Schema, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, PostCommitHookProperties, RemoveAction

from fleetcast.domain.errors import CorruptError, InfrastructureError
from fleetcast.domain.versions import canonical
from fleetcast.lake.contracts import TYPE_NAMES
from fleetcast.lake.journal import DataFile, Version

PARTITION = "_partition"  # the hidden partition column

# Commits from one checkpoint to the next. A writer reads the log from the last one on: with delta-rs' hundred a write at
# their end cost four times one at their beginning.
_CHECKPOINT = {"delta.checkpointInterval": "10"}
_HOOKS = PostCommitHookProperties(
    create_checkpoint=True, cleanup_expired_logs=False
)  # old versions stay readable


def create(folder: Path, columns: Mapping[str, pl.DataType], version: Version) -> None:
    """Commit 0: the table without rows."""
    with _told("create", folder):
        DeltaTable.create(
            folder,
            schema=_schema(columns),
            partition_by=[PARTITION],
            name=version.table,
            configuration=_CHECKPOINT,
            commit_properties=_properties(version),
        )


def commit(
    folder: Path,
    columns: Mapping[str, pl.DataType],
    version: Version,
    *,
    added: Mapping[str, Sequence[DataFile]],
    removed: Mapping[str, Sequence[DataFile]],
    moment: int,
    changed: bool,
) -> None:
    """Add and remove files, given by partition, in one commit; `moment` in ms, `changed` false when only the layout is."""
    adds = [_add(folder, partition, file, changed) for partition, files in added.items() for file in files]
    removes = [
        RemoveAction(file.path, changed, moment, file.size, {PARTITION: partition})
        for partition, files in removed.items()
        for file in files
    ]
    with _told("commit to", folder):
        _open(folder, version).create_write_transaction(
            [*adds, *removes],
            "append",
            _schema(columns),
            [PARTITION],
            commit_properties=_properties(version),
            post_commithook_properties=_HOOKS,
        )


def add_columns(folder: Path, columns: Mapping[str, pl.DataType], version: Version) -> None:
    """Widen the table; rows written before are null there."""
    with _told("widen", folder):
        _open(folder, version).alter.add_columns(
            [_field(name, kind) for name, kind in columns.items()],
            commit_properties=_properties(version),
            post_commithook_properties=_HOOKS,
        )


def start_over(folder: Path, frame: pl.DataFrame, version: Version) -> None:
    """Remove every row and take the columns of an empty frame."""
    with _told("start over", folder):
        write_deltalake(
            _open(folder, version),
            frame,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=[PARTITION],
            commit_properties=_properties(version),
            post_commithook_properties=_HOOKS,
        )


@contextmanager
def _told(what: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError) as error:
        raise InfrastructureError(f"cannot {what} {folder}: {error}") from error


def _open(folder: Path, version: Version) -> DeltaTable:
    """The table as it is just before a version."""
    try:
        table = DeltaTable(folder)
    except DeltaError as error:
        raise CorruptError(
            f"the Delta log of {folder} cannot be read: {error}; restore it from a backup."
        ) from error
    if table.version() != version.number - 1:
        raise CorruptError(
            f"the Delta log of {folder} ends at {table.version()}, not at {version.number - 1}."
        )
    return table


def _properties(version: Version) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"fleetcast": canonical(version.to_dict()).decode()}, max_commit_retries=0
    )


def _add(folder: Path, partition: str, file: DataFile, changed: bool) -> AddAction:
    moment = int((folder / file.path).stat().st_mtime * 1000)
    stats = canonical({"numRecords": file.rows}).decode()
    return AddAction(file.path, file.size, {PARTITION: partition}, moment, changed, stats)


def _schema(columns: Mapping[str, pl.DataType]) -> Schema:
    return Schema([_field(name, kind) for name, kind in (dict(columns) | {PARTITION: pl.String()}).items()])


def _field(name: str, kind: pl.DataType) -> Field:
    return Field(name, PrimitiveType(TYPE_NAMES[kind.base_type()]), nullable=True)
