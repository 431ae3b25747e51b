"""Raw files, kept as they were received: by content digest, written once, with a receipt for each source."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from filelock import FileLock

from fleetcast.domain.errors import CorruptError, SourceError, UsageError

_CHUNK = 1 << 20  # bytes
_SOURCE = re.compile(r"[a-z][a-z0-9_]*")
_LOCK_TIMEOUT = 60  # seconds; receiving a file takes well under one


@dataclass(frozen=True, slots=True)
class RawFile:
    """A receipt: this content, under this name (relative, posix), was first received then.

    `initial`: its source had received nothing before, so the file is history loaded at the start.
    """

    digest: str
    name: str
    received: datetime
    initial: bool
    bytes: int


class RawStore:
    """All raw files of a workspace, below `<root>/raw`; environments share it, nothing in it ever changes."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "raw"

    def receive(self, source: str, files: Iterable[tuple[str, Path]], now: datetime) -> list[RawFile]:
        """Keep the files and return the receipt of each; what was received before keeps its first one.

        All receipts of one call appear at once: a call that is killed was never made.
        """
        if now.tzinfo is None:
            raise UsageError("`now` has no time zone; a receipt needs a moment in UTC")
        self._receipts(source).parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._receipts(source).with_suffix(".lock"), timeout=_LOCK_TIMEOUT):
            before = self._read_receipts(source)
            known = {(file.name, file.digest): file for file in before}
            received = []
            for name, path in files:
                digest, size = self._keep(_checked(name), path)
                new = RawFile(digest, name, now.astimezone(UTC), initial=not before, bytes=size)
                received.append(known.setdefault((name, digest), new))
            if len(known) > len(before):
                self._write_receipts(source, list(known.values()))
        return received

    def candidate(self, source: str, name: str, path: Path, now: datetime) -> RawFile:
        """The receipt that `receive` would give a file now. Its bytes are kept; without a receipt nobody reads them."""
        before = self._read_receipts(source)
        digest, size = self._keep(_checked(name), path)
        known = (file for file in before if (file.name, file.digest) == (name, digest))
        new = RawFile(digest, name, now.astimezone(UTC), initial=not before, bytes=size)
        return next(known, new)

    def files(self, source: str) -> list[RawFile]:
        """Every file ever received from a source, by moment and name."""
        return sorted(self._read_receipts(source), key=lambda file: (file.received, file.name, file.digest))

    def path(self, file: RawFile) -> Path:
        """Where a received file is; CorruptError unless its bytes are those that were received."""
        path = self._folder / file.digest
        if not path.exists():
            raise CorruptError(
                f"raw file {file.name} ({file.digest[:12]}) is gone from {self._folder}; restore it"
            )
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != file.digest:
            raise CorruptError(
                f"{path} ({file.name}) is not what was received: its digest is {found[:12]}; restore it"
            )
        return path

    def _keep(self, name: str, path: Path) -> tuple[str, int]:
        """Copy into the store; the digest is of the bytes copied, even if the file is changed meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            stream = path.open("rb")
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise SourceError(name, "missing", f"{path}: {error.strerror}", "fetch the file again") from error
        content, size = hashlib.sha256(), 0
        with stream, tempfile.NamedTemporaryFile(dir=self._folder, prefix=".new-", delete=False) as copy:
            try:
                while chunk := stream.read(_CHUNK):
                    content.update(chunk)
                    size += copy.write(chunk)
                copy.flush()  # what is in the buffer still is on no disk, and a full one says so only now
                _settle(copy.fileno())
                self._publish(Path(copy.name), self._folder / content.hexdigest())
            finally:
                Path(copy.name).unlink(missing_ok=True)
        return content.hexdigest(), size

    def _publish(self, copy: Path, kept: Path) -> None:
        try:
            copy.chmod(0o444)
            os.link(copy, kept)
        except FileExistsError:
            return  # the same content: written once is enough
        _settle_folder(self._folder)

    def _receipts(self, source: str) -> Path:
        if not _SOURCE.fullmatch(source):
            raise UsageError(f"{source!r} is no name of a source; write lower-case letters, digits and _")
        return self._folder / "receipts" / f"{source}.jsonl"

    def _read_receipts(self, source: str) -> list[RawFile]:
        path = self._receipts(source)
        if not path.exists():
            return []
        try:
            rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            return [RawFile(**row | {"received": datetime.fromisoformat(row["received"])}) for row in rows]
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptError(f"{path} is not a list of receipts ({error}); restore it") from error

    def _write_receipts(self, source: str, files: list[RawFile]) -> None:
        path = self._receipts(source)
        draft = path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as stream:
            stream.writelines(
                json.dumps(asdict(file) | {"received": file.received.isoformat()}, sort_keys=True) + "\n"
                for file in files
            )
            stream.flush()
            _settle(stream.fileno())
        draft.replace(path)
        _settle_folder(path.parent)


def _checked(name: str) -> str:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts or "\\" in name:
        raise UsageError(f"{name!r} is no name of a raw file; write it relative, with / between folders")
    return name


def _settle(descriptor: int) -> None:
    os.fsync(descriptor)


def _settle_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
