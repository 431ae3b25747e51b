"""Files that survive a power cut: written aside, fsynced, then renamed into place."""

import os
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole or not at all; a file already there is replaced."""
    _written_aside(path, content).replace(path)
    sync(path.parent)


def write_once(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole or not at all; FileExistsError where anything is there already."""
    aside = _written_aside(path, content)
    try:
        os.link(aside, path)
    finally:
        aside.unlink()
    sync(path.parent)


def _written_aside(path: Path, content: bytes) -> Path:
    make_folder(path.parent)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return aside


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each entry on disk before this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def sync(path: Path) -> None:
    """Flush a file or a folder's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
