"""Changing one table: its lock, its Delta commits and their acknowledgement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from fleetcast.domain.errors import ConflictError, ContractError, InfrastructureError, UsageError
from fleetcast.domain.tables import Table
from fleetcast.lake import delta, files
from fleetcast.lake.contracts import distinct, schema, stored_types
from fleetcast.lake.digests import NOTHING, changed, in_order, leaves, within
from fleetcast.lake.durable import make_folder
from fleetcast.lake.journal import Journal, Partition, Version

_PATIENCE = 600  # seconds a writer waits for another one of the same table
_EMPTY = Partition((), ())


@dataclass(frozen=True)
class Writer:
    """Writes one table. Writers of a table wait for each other, across processes; a killed one lets go by dying."""

    table: Table
    journal: Journal
    lock: Path

    def put(self, partition: str, rows: pl.DataFrame, batches: set[str] | None) -> str:
        """Replace a partition's rows of some batches, or all of them (None), by rows in order; the content version."""
        if not partition:
            raise UsageError(f"table {self.table.name}: a partition needs a name.")
        with self.alone():
            version = self._opened()
            held = next((part for part in version.partitions if part.partition == partition), None)
            stored = self.journal.partition(held) if held else _EMPTY
            revised = self._revised(partition, stored, rows, batches)
            if revised is not None:
                version = self._turn(version, partition, stored, revised)
            return version.content

    def compact(self, files_at_most: int) -> str:
        """Of every partition that has more than so many files, join all but those of the newest weeks, half as many.

        The next weeks' rows come into those, and only what stands in the same file as they must be read again.
        """
        with self.alone():
            latest = self.journal.recover()
            if latest is None:
                return NOTHING
            version = latest
            for held in latest.partitions:
                stored = self.journal.partition(held)
                if len(stored.files) > files_at_most:
                    by_week = sorted(stored.files, key=lambda file: (file.last, file.first))
                    end = len(by_week) - files_at_most // 2
                    rows = in_order(self.table, files.whole(self.journal.folder, self.table, by_week[:end]))
                    joined = files.write(self.journal.folder, self.table, held.partition, rows)
                    whole = Partition(stored.leaves, (joined, *by_week[end:]))
                    version = self._turn(version, held.partition, stored, whole)
            return version.content

    def rebuild(self) -> str:
        """Empty the table and give it its contract's columns."""
        with self.alone():
            latest = self.journal.recover()
            return self._started_over(latest).content if latest else NOTHING

    def _revised(
        self, partition: str, stored: Partition, rows: pl.DataFrame, batches: set[str] | None
    ) -> Partition | None:
        """The partition with its batches replaced; None where that changes nothing. Only touched weeks are digested."""
        table, folder = self.table, self.journal.folder
        opened = [file for file in stored.files if batches is None or batches & set(file.batches)]
        old = files.whole(folder, table, opened)
        old = in_order(table, old) if len(opened) > 1 else old
        going, staying = old, old.clear()
        if batches is not None and opened:
            goes = pl.col("batch").is_in(list(batches))
            going, staying = old.filter(goes), old.filter(~goes)
        if going.equals(rows):
            return None

        touched = changed(table, going, rows)
        del old, going  # as large as what comes in their place
        there = in_order(table, pl.concat([staying, rows])) if staying.height else rows
        beside = [file for file in stored.files if file not in opened]
        near = [file for file in beside if any(file.first <= week <= file.last for week in touched)]
        content = in_order(table, pl.concat([there, files.whole(folder, table, near)])) if near else there
        fresh = leaves(table, distinct(table, within(table, content, touched)), partition)

        kept = [leaf for leaf in stored.leaves if leaf.week not in touched]
        written = [files.write(folder, table, partition, there)] if there.height else []
        return Partition(tuple(sorted([*kept, *fresh])), (*beside, *written))

    def _opened(self) -> Version:
        """The latest version, made where there is none, with the columns of the contract."""
        version = self.journal.recover()
        columns = schema(self.table)
        if version is None:
            first = Version(self.table.name, 0, columns, (), (), ())
            return self._settle(
                first, lambda: delta.create(self.journal.folder, stored_types(self.table), first)
            )
        if version.schema == columns:
            return version
        if not version.partitions:
            return self._started_over(version)
        added = _new_columns(self.table, version)
        wide = Version(self.table.name, version.number + 1, columns, version.partitions, (), ())
        return self._settle(wide, lambda: delta.add_columns(self.journal.folder, added, wide))

    def _started_over(self, last: Version) -> Version:
        gone = [file.path for held in last.partitions for file in self.journal.partition(held).files]
        version = Version(self.table.name, last.number + 1, schema(self.table), (), (), tuple(sorted(gone)))
        none = pl.DataFrame(schema=stored_types(self.table) | {delta.PARTITION: pl.String()})
        return self._settle(version, lambda: delta.start_over(self.journal.folder, none, version))

    def _turn(self, last: Version, name: str, old: Partition, new: Partition) -> Version:
        """One commit that turns a partition into another."""
        added = [file for file in new.files if file not in old.files]
        removed = [file for file in old.files if file not in new.files]
        kept = self.journal.keep(name, new)
        others = [held for held in last.partitions if held.partition != name]
        held = [*others, kept] if new.files else others
        version = Version(
            table=self.table.name,
            number=last.number + 1,
            schema=last.schema,
            partitions=tuple(sorted(held, key=lambda part: part.partition)),
            added=tuple(sorted(file.path for file in added)),
            removed=tuple(sorted(file.path for file in removed)),
        )
        return self._settle(
            version,
            lambda: delta.commit(
                self.journal.folder,
                stored_types(self.table),
                version,
                added={name: added},
                removed={name: removed},
                moment=self.journal.moment(kept),
                changed=old.leaves != new.leaves,
            ),
        )

    def _settle(self, version: Version, commit: Callable[[], None]) -> Version:
        """Commit, look whether it landed whatever the call said, and acknowledge."""
        try:
            commit()
        except InfrastructureError:
            if not self.journal.landed(version):
                raise
        if not self.journal.landed(version):
            raise ConflictError(
                f"commit {version.number} of {self.journal.folder} is not the one that was sent."
            )
        return self.journal.acknowledge(version)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes the table while the block runs."""
        make_folder(self.lock.parent)
        try:
            with FileLock(self.lock, timeout=_PATIENCE):
                yield
        except Timeout as error:
            told = f"another process has been writing {self.table.name} for {_PATIENCE} s."
            raise ConflictError(told) from error


def _new_columns(table: Table, version: Version) -> dict[str, pl.DataType]:
    """Columns to add so that a stored table keeps its contract; anything but new nullable ones is a ContractError."""
    held, wanted = dict(version.schema), dict(schema(table))
    added = [name for name in wanted if name not in held]
    problems = [f"column {name} is stored, but not in the contract" for name in held if name not in wanted]
    problems += [
        f"column {name} is stored as {held[name]}, the contract says {kind}"
        for name, kind in wanted.items()
        if held.get(name, kind) != kind
    ]
    problems += [f"column {name} is new and must not be null" for name in added if name not in table.nullable]
    if problems:
        raise ContractError(table.name, [*problems, "empty the table with Lake.rebuild, then write it again"])
    return {name: table.types[name] for name in added}
