"""The model bank: blobs named by their digest, written once, verified whenever they are read."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.versions import digest


class Bank:
    """A folder of blobs, `<first two digits>/<digest>`; a blob is there whole or not at all.

    What it does not hold itself it reads from the bank `beneath` it, which it leaves as it is.
    """

    def __init__(self, root: Path, beneath: "Bank | None" = None) -> None:
        self._root, self._beneath = root, beneath

    def put(self, content: bytes) -> str:
        """Keep a blob durably; keeping it again is free, and mends a damaged copy."""
        name = digest(content)
        path = self._path(name)
        if not path.exists() or path.read_bytes() != content:
            write_durably(path, content)
        return name

    def get(self, name: str) -> bytes:
        """The blob of a digest, verified."""
        path = self._path(name)
        if self._beneath is not None and not path.exists():
            return self._beneath.get(name)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise CorruptError(f"artefact {name} is missing: {path}; restore it from a backup") from error
        if digest(content) != name:
            raise CorruptError(f"artefact {name} was damaged on disk: {path}; restore it from a backup")
        return content

    def damaged(self, names: Iterable[str]) -> set[str]:
        """Those that can no longer be read as they were written."""
        return {name for name in set(names) if not self._sound(name)}

    def _sound(self, name: str) -> bool:
        try:
            return bool(self.get(name))
        except CorruptError:
            return False

    def has(self, name: str) -> bool:
        return self._path(name).exists() or (self._beneath is not None and self._beneath.has(name))

    def _path(self, name: str) -> Path:
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise CorruptError(f"{name!r} is not the digest of an artefact")
        return self._root / name[:2] / name


def write_durably(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that after a crash is there whole or not at all; FileExistsError when it may not be replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".incoming-")
    incoming = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
        if replace:
            incoming.replace(path)
        else:
            path.hardlink_to(incoming)  # unlike a rename, refuses to replace
    finally:
        incoming.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
