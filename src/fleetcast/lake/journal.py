"""The journal of one table: which rows, leaves and files each of its versions has, beside its Delta log.

    <table>/_delta_log/<n>.json                      the Delta commits, so that any Delta reader can open the table
    <table>/_partition=<name>/part-<digest>.parquet  data files, named by content, never changed
    <table>/_fleetcast/partitions/<digest>.json      leaves and files of one partition, named by content
    <table>/_fleetcast/versions/<n>.<version>.json   commit n: the digest of its log entry, and its partitions
    <table>/_fleetcast/torn/                         commits cut short before they were acknowledged

delta-rs does not fsync, so a commit counts only when its journal entry is on disk, and that is written last. A log
entry without one belongs to a writer that was killed: readers do not see it, the next writer completes it or, where the
power went and left it torn, sets it aside. A log entry that differs from its journal entry is an error.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.versions import Leaf, canonical, digest
from fleetcast.lake.digests import content_version, partition_root
from fleetcast.lake.durable import make_folder, sync, write_file


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file: rows in order, with the batches that brought them and the first and last week."""

    path: str  # relative to the table's folder
    digest: str
    size: int  # bytes
    rows: int
    batches: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of one version."""

    leaves: tuple[Leaf, ...]
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        """Distinct rows; the files may hold more where two batches brought the same row."""
        return sum(leaf.rows for leaf in self.leaves)

    @property
    def root(self) -> str:
        return partition_root(self.leaves)

    def of(self, week: str) -> "Partition":
        """The leaf of a week, and the files that have rows of it."""
        leaves = (leaf for leaf in self.leaves if leaf.week == week)
        return Partition(tuple(leaves), tuple(file for file in self.files if file.first <= week <= file.last))


@dataclass(frozen=True, slots=True)
class Held:
    """Where a version's partition is described."""

    partition: str
    root: str
    entry: str  # digest of the partition's journal file


@dataclass(frozen=True, slots=True)
class Version:
    """One commit of a table, as acknowledged."""

    table: str
    number: int  # of the Delta commit
    schema: tuple[tuple[str, str], ...]  # column, type
    partitions: tuple[Held, ...]
    added: tuple[str, ...]  # files this commit added and removed
    removed: tuple[str, ...]

    @property
    def content(self) -> str:
        return content_version(
            self.table, self.schema, [(held.partition, held.root) for held in self.partitions]
        )

    def to_dict(self) -> dict[str, Any]:
        """As `asdict` would, which copies every text of it."""
        return {
            "table": self.table,
            "number": self.number,
            "schema": [list(column) for column in self.schema],
            "partitions": [_as_dict(held) for held in self.partitions],
            "added": list(self.added),
            "removed": list(self.removed),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Version":
        return cls(
            table=stored["table"],
            number=stored["number"],
            schema=tuple((name, kind) for name, kind in stored["schema"]),
            partitions=tuple(Held(**held) for held in stored["partitions"]),
            added=tuple(stored["added"]),
            removed=tuple(stored["removed"]),
        )


@dataclass(frozen=True)
class Journal:
    """Reads and writes the journal in one table's folder."""

    folder: Path
    _partitions: dict[str, Partition] = field(default_factory=dict, compare=False, repr=False)
    # entry → the bytes it had and what they say: read and compared every time, understood once
    _understood: dict[str, tuple[bytes, tuple[Version, str]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def latest(self) -> Version | None:
        """The last acknowledged version, its log entry checked; None where there is no table yet."""
        entries = self._entries()
        while True:
            version, commit = self._read(max(entries)) if entries else (None, "")
            number = version.number if version else -1
            stray = self._stray(number)
            if (again := self._entries()) == entries:
                break
            entries = again  # a writer was faster
        if stray:
            raise CorruptError(stray)
        if version:
            self.check_log(version.number, commit)
        return version

    def find(self, content: str) -> Version | None:
        """The last version that had this content."""
        found = [name for name in self._entries() if name.split(".")[1] == content]
        return self._read(max(found))[0] if found else None

    def versions(self) -> Iterator[tuple[Version, str]]:
        """Every acknowledged version, oldest first, with the digest of its log entry."""
        return (self._read(name) for name in sorted(self._entries()))

    def partition(self, held: Held) -> Partition:
        """The leaves and files of a version's partition."""
        if held.entry not in self._partitions:
            self._partitions[held.entry] = self._read_partition(held)
        return self._partitions[held.entry]

    def keep(self, name: str, partition: Partition) -> Held:
        """Write a partition down; it belongs to no version until one that names it is acknowledged."""
        content = canonical(
            {
                "leaves": [_as_dict(leaf) for leaf in partition.leaves],
                "files": [_as_dict(file) for file in partition.files],
            }
        )
        entry = digest(content)
        write_file(self._partition_path(entry), content)
        self._partitions[entry] = partition
        return Held(name, partition.root, entry)

    def moment(self, held: Held) -> int:
        """When a partition was written down, in ms since 1970-01-01 UTC."""
        return int(self._partition_path(held.entry).stat().st_mtime * 1000)

    def acknowledge(self, version: Version) -> Version:
        """Make a committed version count: its log entry to disk first, then its journal entry."""
        log = self.log_entry(version.number)
        with os.scandir(self._log_folder) as entries:
            for entry in entries:
                if entry.name == log.name or "checkpoint" in entry.name:
                    sync(Path(entry.path))
        sync(self._log_folder)
        body = {"version": version.to_dict(), "commit": digest(log.read_bytes())}
        content = canonical(body | {"digest": digest(canonical(body))})
        write_file(self._versions_folder / _file_name(version), content)
        return version

    def recover(self) -> Version | None:
        """Settle what a killed writer left, then the latest version. Only for the holder of the table's lock."""
        version = self.latest()
        while self.log_entry(number := version.number + 1 if version else 0).exists():
            told = self._told(number)
            if told is not None and self._whole(told):
                version = self.acknowledge(told)
            else:
                self._set_aside(number)
                break
        return version

    def landed(self, version: Version) -> bool:
        """Whether this version's commit is in the log, whatever the committing call said."""
        return self._told(version.number) == version

    def check_log(self, number: int, commit: str) -> None:
        """A log entry must be the bytes that were acknowledged."""
        path = self.log_entry(number)
        if not path.exists():
            raise CorruptError(f"{path} is gone; restore it from a backup.")
        content = path.read_bytes()
        if digest(content) != commit:
            raise CorruptError(
                f"{path} is not the commit that was written ({len(content)} bytes, other digest); restore it from a backup."
            )

    def log_entry(self, number: int) -> Path:
        return self._log_folder / f"{number:020}.json"

    @property
    def _log_folder(self) -> Path:
        return self.folder / "_delta_log"

    @property
    def _versions_folder(self) -> Path:
        return self.folder / "_fleetcast" / "versions"

    def _partition_path(self, entry: str) -> Path:
        return self.folder / "_fleetcast" / "partitions" / f"{entry}.json"

    def _entries(self) -> set[str]:
        """The names of the journal entries; they sort by number."""
        try:
            with os.scandir(self._versions_folder) as entries:
                return {entry.name for entry in entries if not entry.name.startswith(".")}
        except FileNotFoundError:
            return set()

    def _read(self, name: str) -> tuple[Version, str]:
        path = self._versions_folder / name
        content = path.read_bytes()
        before, found = self._understood.get(name, (b"", None))
        if found is None or before != content:
            found = self._understand(path, content)
            self._understood.clear()  # the newest is asked for again and again, older ones hardly ever
            self._understood[name] = content, found
        return found

    @staticmethod
    def _understand(path: Path, content: bytes) -> tuple[Version, str]:
        try:
            stored = json.loads(content)
            claimed = stored.pop("digest")
            version = Version.from_dict(stored["version"])
            if digest(canonical(stored)) == claimed and path.name == _file_name(version):
                return version, stored["commit"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptError(f"{path} cannot be read: {error}; restore it from a backup.") from error
        raise CorruptError(f"{path} differs from its digest; restore it from a backup.")

    def _read_partition(self, held: Held) -> Partition:
        path = self._partition_path(held.entry)
        if not path.exists():
            raise CorruptError(f"{path} is gone; restore it from a backup.")
        content = path.read_bytes()
        if digest(content) != held.entry:
            raise CorruptError(f"{path} differs from its digest; restore it from a backup.")
        stored = json.loads(content)
        return Partition(
            leaves=tuple(Leaf(**leaf) for leaf in stored["leaves"]),
            files=tuple(DataFile(**file | {"batches": tuple(file["batches"])}) for file in stored["files"]),
        )

    def _stray(self, last: int) -> str | None:
        """What is wrong behind the last acknowledged version: one commit of ours may wait there, nothing else."""
        if self.log_entry(last + 2).exists():
            return (
                f"{self.folder} has commits after {last} without journal entries; restore it from a backup."
            )
        if self._foreign(last + 1):
            return f"{self.log_entry(last + 1)} was not written by Fleetcast; only Fleetcast may write there."
        return None

    def _foreign(self, number: int) -> bool:
        """Whether a log entry is a whole commit, but none of ours."""
        actions = self._actions(number)
        return any("commitInfo" in a or "add" in a for a in actions) and _message(actions) is None

    def _actions(self, number: int) -> list[dict[str, Any]]:
        """The actions of a log entry; none where there is no such entry or it was cut short."""
        try:
            return [json.loads(line) for line in self.log_entry(number).read_bytes().splitlines()]
        except (ValueError, FileNotFoundError):
            return []

    def _told(self, number: int) -> Version | None:
        """The version that a log entry tells of; None where the entry was cut short."""
        actions = self._actions(number)
        message = _message(actions)
        if message is None:
            return None
        version = Version.from_dict(json.loads(message))
        added = {unquote(action["add"]["path"]) for action in actions if "add" in action}
        removed = {unquote(action["remove"]["path"]) for action in actions if "remove" in action}
        return version if (added, removed) == (set(version.added), set(version.removed)) else None

    def _whole(self, version: Version) -> bool:
        """Whether everything a version names is on disk as written."""
        paths = [self._partition_path(held.entry) for held in version.partitions]
        if not all(path.exists() and digest(path.read_bytes()) == path.stem for path in paths):
            return False
        files = {file.path: file for held in version.partitions for file in self.partition(held).files}
        return all(self._same(files[path]) for path in version.added)

    def _same(self, file: DataFile) -> bool:
        path = self.folder / file.path
        return path.exists() and digest(path.read_bytes()) == file.digest

    def _set_aside(self, number: int) -> None:
        path = self.log_entry(number)
        torn = self.folder / "_fleetcast" / "torn"
        make_folder(torn)
        path.rename(torn / f"{path.stem}.{digest(path.read_bytes())[:12]}.json")
        sync(torn)
        sync(self._log_folder)


def _as_dict(flat: Leaf | DataFile | Held) -> dict[str, Any]:
    return {name: getattr(flat, name) for name in flat.__slots__}


def _message(actions: list[dict[str, Any]]) -> str | None:
    """What Fleetcast wrote into a commit about the version it makes."""
    return next((action["commitInfo"].get("fleetcast") for action in actions if "commitInfo" in action), None)


def _file_name(version: Version) -> str:
    return f"{version.number:020}.{version.content}.json"
