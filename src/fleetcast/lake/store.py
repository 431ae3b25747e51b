"""The lake: tables whose every version can be named by its content, verified and read again."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from fleetcast.domain.errors import ContractError, CorruptError, UsageError
from fleetcast.domain.tables import Table
from fleetcast.domain.versions import Leaf, Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.lake import export, files, views
from fleetcast.lake.changes import Change, classify
from fleetcast.lake.contracts import checked, distinct, empty, schema
from fleetcast.lake.digests import NOTHING, identity, in_order, leaves, week_of
from fleetcast.lake.journal import DataFile, Held, Journal, Version
from fleetcast.lake.writing import Writer

_WHOLE = "whole"  # the batch of rows that replace a whole partition


class Lake:
    """All tables of one environment.

    Writers of one table wait for each other, across processes; readers never wait and see whole versions only.
    """

    def __init__(self, root: Path, tables: Mapping[str, Table]) -> None:
        self.root = root
        self.tables = dict(tables)
        self._journals: dict[str, Journal] = {}

    def write(
        self, table: Table, frame: pl.DataFrame, *, partition: str = "all", batches: Iterable[str] = ()
    ) -> str:
        """Replace the rows of the batches that the frame's `batch` column names, within a partition.

        `batches` names further ones whose rows go although the frame has none of theirs. What is there already is
        not written again. Returns the table's content version.
        """
        rows = checked(table, frame)
        return self._writer(table).put(partition, rows, {*rows["batch"].unique(), *batches})

    def replace(self, table: Table, frame: pl.DataFrame, *, partition: str = "all") -> str:
        """Make a frame the whole of a partition, as derived tables do; returns the table's content version."""
        rows = checked(table, frame.with_columns(batch=pl.lit(_WHOLE)))
        return self._writer(table).put(partition, rows, None)

    def version(self, table: Table) -> str:
        """The content version now; that of nothing where the table has no rows."""
        latest = self._journal(table).latest()
        return latest.content if latest else NOTHING

    def snapshot(self, tables: Iterable[Table]) -> Snapshot:
        """The content versions of these tables now."""
        return Snapshot.of({table.name: self.version(table) for table in tables})

    def leaves(self, table: Table, version: str | None = None, partition: str | None = None) -> list[Leaf]:
        """The digests of a version by partition (all, or one) and week, sorted."""
        journal = self._journal(table)
        held = [part for part in self._held(table, version) if partition in (None, part.partition)]
        return sorted(leaf for part in held for leaf in journal.partition(part).leaves)

    def partitions(self, table: Table, version: str | None = None) -> list[str]:
        """The partitions that have rows, sorted."""
        return [held.partition for held in self._held(table, version)]

    def batches(self, table: Table, *, partition: str = "all", version: str | None = None) -> list[str]:
        """The batches whose rows a partition holds, sorted."""
        return sorted({batch for file in self._files(table, partition, version) for batch in file.batches})

    def change(self, table: Table, old: str, new: str | None = None) -> Change:
        """What a version (the latest where none is named) changed against an earlier one."""
        before, after = self._find(table, old), self._find(table, new)
        other = before is not None and after is not None and before.schema != after.schema
        return classify(self.leaves(table, old), self.leaves(table, new), schema_changed=other)

    def before(self, table: Table, partition: str, week: date) -> str:
        """The newest version in which a partition has no row of that week or later: how it was before the week's work."""
        found, journal = NOTHING, self._journal(table)
        for version, _ in journal.versions():
            held = [part for part in version.partitions if part.partition == partition]
            leaves = (leaf.week for part in held for leaf in journal.partition(part).leaves)
            if max(leaves, default="") < week.isoformat():
                found = version.content
        return found

    def rehash(self, table: Table, version: str) -> None:
        """Digest the rows of a version anew, each file checked too; CorruptError where they are not what they were."""
        journal = self._journal(table)
        for held in self._held(table, version):
            stored = journal.partition(held)
            rows = distinct(table, in_order(table, files.whole(journal.folder, table, stored.files)))
            if held.root != stored.root or tuple(leaves(table, rows, held.partition)) != stored.leaves:
                raise CorruptError(
                    f"the rows of {table.name}/{held.partition} do not have the digests of version {version}."
                )

    def read(
        self,
        table: Table,
        *,
        version: str | None = None,
        partition: str | None = None,
        week: date | None = None,
        as_of: datetime | None = None,
        columns: Iterable[str] | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Rows by partition, then week, natural key and `known_at`, every file checked against its digest.

        With `as_of`, of each natural key the row that was known last by then; `where`, which is asked row by row, filters
        after that. Of one `week` only, files without rows of it are not opened.
        """
        if week is not None:
            leaf = week_of(table) == week.isoformat()
            where = leaf if where is None else leaf & where
        if as_of is not None and not table.bitemporal:
            raise UsageError(f"table {table.name} has no known_at: it cannot be read as of a moment.")
        shown = list(columns) if columns is not None else table.columns
        wanted = {*shown, *(where.meta.root_names() if where is not None else ())}
        if unknown := sorted(wanted - set(table.columns)):
            raise UsageError(
                f"table {table.name} has no column {', '.join(unknown)}; it has {', '.join(table.columns)}."
            )
        frames = self._frames(table, version, partition, week, as_of, wanted, where)
        rows = (
            views.latest_known(table, frames)
            if as_of is not None
            else pl.concat([empty(table).select(name for name in table.columns if name in wanted), *frames])
        )
        rows = rows if where is None else rows.filter(where)
        return rows if rows.columns == shown else rows.select(shown)

    def spans(
        self,
        table: Table,
        *,
        version: str | None = None,
        partition: str,
        columns: Iterable[str],
        rows: int = 1 << 19,
    ) -> Iterator[pl.DataFrame]:
        """What `read` gives of a partition, in order, some whole weeks at a time: of many rows about so many are in memory.

        At least one frame, be it empty; a table without dates comes as one.
        """
        version, columns = version or self.version(table), list(columns)  # the same for all
        ends, room = list[str](), 0
        for leaf in self.leaves(table, version, partition):
            if not ends or leaf.rows > room:
                ends.append(leaf.week)
                room = rows
            ends[-1] = leaf.week
            room -= leaf.rows
        if table.dated is None or len(ends) < 2:
            yield self.read(table, version=version, partition=partition, columns=columns)
            return
        day, after = pl.col(table.dated), date.min
        for end in map(date.fromisoformat, ends):
            where = (day >= after) & (day < end + WEEK)
            yield self.read(table, version=version, partition=partition, columns=columns, where=where)
            after = end + WEEK

    def of_batches(self, table: Table, batches: Collection[str], *, partition: str = "all") -> pl.DataFrame:
        """The rows that these batches brought to a partition, in order; files without any are not opened."""
        found = [file for file in self._files(table, partition) if not set(batches).isdisjoint(file.batches)]
        rows = files.whole(self._journal(table).folder, table, found).filter(
            pl.col("batch").is_in(list(batches))
        )
        return distinct(table, in_order(table, rows)).select(table.columns)

    def compact(self, table: Table, *, files_at_most: int = 8) -> str:
        """Join the older files of every partition that has more than so many; the content version stays."""
        return self._writer(table).compact(files_at_most)

    def still(self, table: Table) -> AbstractContextManager[None]:
        """Nobody writes a table while the block runs: its files may be copied as they lie."""
        return self._writer(table).alone()

    def rebuild(self, table: Table) -> str:
        """Empty a table and give it its contract's present columns; earlier versions can still be read."""
        return self._writer(table).rebuild()

    def verify(self, table: Table) -> int:
        """Check every log entry, every file and every leaf of the latest version; how many files, or a CorruptError."""
        journal = self._journal(table)
        latest = journal.latest()
        for version, commit in journal.versions():
            journal.check_log(version.number, commit)
        count = 0
        for held in latest.partitions if latest else ():
            count += len(journal.partition(held).files)
        if latest:
            self.rehash(table, latest.content)
        return count

    def export(
        self,
        folder: Path,
        *,
        format: Literal["csv", "parquet"],  # noqa: A002 - the word of the command line
        tables: Iterable[Table] | None = None,
    ) -> list[Path]:
        """Write tables as standard files, one each, beside a `datapackage.json` that describes them."""
        chosen = list(self.tables.values() if tables is None else tables)
        exported = [
            export.Exported(table, self.version(table), self._labelled(table))
            for table in chosen
            if self.partitions(table)
        ]
        return export.write(folder, exported, kind=format)

    def _labelled(self, table: Table) -> pl.DataFrame:
        parts = {name: self.read(table, partition=name) for name in self.partitions(table)}
        if len(parts) == 1:
            return next(iter(parts.values()))
        return pl.concat(
            rows.select(pl.lit(name).alias("partition"), pl.all()) for name, rows in parts.items()
        )

    def _frames(
        self,
        table: Table,
        version: str | None,
        partition: str | None,
        week: date | None,
        as_of: datetime | None,
        wanted: Set[str],
        where: pl.Expr | None,
    ) -> Iterator[pl.DataFrame]:
        found = self._find(table, version)
        _refuse_other_types(table, found, wanted)
        journal = self._journal(table)
        for held in found.partitions if found else ():
            if partition in (None, held.partition):
                stored = journal.partition(held)
                stored = stored if week is None else stored.of(week.isoformat())
                yield views.rows(table, journal.folder, stored, as_of, wanted, where)

    def _files(self, table: Table, partition: str, version: str | None = None) -> list[DataFile]:
        journal = self._journal(table)
        held = [part for part in self._held(table, version) if part.partition == partition]
        return [file for part in held for file in journal.partition(part).files]

    def _writer(self, table: Table) -> Writer:
        return Writer(table, self._journal(table), self.root / ".locks" / f"{table.name}.lock")

    def _held(self, table: Table, version: str | None) -> tuple[Held, ...]:
        found = self._find(table, version)
        return found.partitions if found else ()

    def _find(self, table: Table, version: str | None) -> Version | None:
        """A version by content, the latest where none is named; None stands for a table without rows."""
        latest = self._journal(table).latest()
        if version is None or (latest and latest.content == version):
            return latest
        found = self._journal(table).find(version)
        if found is None and version != NOTHING:
            raise UsageError(f"table {table.name} never had the content version {version}.")
        return found

    def _journal(self, table: Table) -> Journal:
        if table.name not in self.tables:
            raise UsageError(
                f"{table.name} is not a table of this lake; it has {', '.join(sorted(self.tables))}."
            )
        return self._journals.setdefault(table.name, Journal(self.root / table.name))


def _refuse_other_types(table: Table, version: Version | None, wanted: Collection[str]) -> None:
    """A version written before the contract changed is read only where nothing has to be guessed."""
    now = dict(schema(table))
    held = dict(version.schema) if version else now
    names = {*wanted, *identity(table)}
    problems = [
        f"column {name} was stored as {held[name]}, the contract says {now[name]}"
        for name in sorted(names & held.keys())
        if held[name] != now[name]
    ]
    missing = sorted(names - held.keys() - table.nullable)
    problems += [f"column {name} was not stored yet in this version" for name in missing]
    if problems:
        raise ContractError(table.name, problems)
