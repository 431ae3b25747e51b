"""Which files a source has now."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.settings import SourceSettings
from fleetcast.sources import sql
from fleetcast.sources.secrets import Secrets

_DATA = "{data}"


def find(
    settings: SourceSettings, *, base: Path, data: Path | None, scratch: Path | None = None
) -> list[tuple[str, Path]]:
    """Names (relative, posix) and paths of a source's files, by name; hidden files are none, and a pulled source has none.

    `path` is relative to `base`, the workspace; `{data}` in it is the data folder. A database is asked its query, and
    the answer is the one file, in `scratch` (a folder that lives as long as the process when None is given).
    """
    if settings.pull is not None:
        return []  # what is pulled is kept at once, and lies nowhere else
    if settings.format == "sql":
        return _answer(settings, database(settings.path, base, data), scratch or _passing_folder())
    try:
        root, pattern = _place(settings.path, base, data)
    except UsageError as error:
        if settings.obtain is None:
            raise
        raise UsageError(f"{error}\n{settings.obtain}") from error
    files = _matching(root, pattern)
    if not files and settings.required:
        raise SourceError(
            settings.path,
            "missing",
            f"no file matches {root / pattern}",
            settings.obtain or "put the files there, correct `path`, or write `required = false`",
        )
    return files


def lying(settings: SourceSettings, *, base: Path, data: Path | None) -> dict[str, str]:
    """What lies where a source looks, by name, and what changes with its content; nothing is read, and no server is asked."""
    if settings.format == "sql":
        place = database(settings.path, base, data)
        files = [] if "://" in place or not Path(place).is_file() else [(place, Path(place))]
    else:
        files = _matching(*_place(settings.path, base, data))
    return {name: _version(path) for name, path in files}


def _version(path: Path) -> str:
    try:
        known = path.stat()
    except FileNotFoundError:  # moved away since it was listed
        return "gone"
    return f"{known.st_size} bytes at {known.st_mtime_ns}"


def _matching(root: Path, pattern: str) -> list[tuple[str, Path]]:
    found = ((path.relative_to(root), path) for path in root.glob(pattern) if path.is_file())
    return sorted((name.as_posix(), path) for name, path in found if not _hidden(name))


def database(path: str, base: Path, data: Path | None) -> str:
    """The URL of a database, or its file, with {data} and secrets filled in."""
    if _DATA in path:
        path = path.replace(_DATA, str(_folder(path, data)))
    path = Secrets(os.environ).filled(path)
    return path if "://" in path else str(base.resolve() / path)


def _answer(settings: SourceSettings, database: str, scratch: Path) -> list[tuple[str, Path]]:
    try:
        return [sql.dump(settings, database, scratch)]
    except SourceError as error:
        if not settings.required and error.reason in ("missing", "empty"):
            return []
        raise


def _place(pattern: str, base: Path, data: Path | None) -> tuple[Path, str]:
    """The folder that names are relative to, and the rest of the pattern."""
    if pattern.startswith(_DATA):
        root, parts = _folder(pattern, data), PurePosixPath(pattern).parts[1:]
    elif Path(pattern).is_absolute():
        root, parts = Path(Path(pattern).anchor), PurePosixPath(pattern).parts[1:]
        while len(parts) > 1 and (root / parts[0]).is_dir():  # a folder may have brackets in its name
            root, parts = root / parts[0], parts[1:]
    else:
        root, parts = base.resolve(), PurePosixPath(pattern).parts
    while parts and parts[0] == "..":
        root, parts = root.parent, parts[1:]
    if not parts or ".." in parts:
        raise UsageError(
            f"source path {pattern!r} names no files; write a pattern like {_DATA}/deliveries/*.csv"
        )
    return root, "/".join(parts)


def _folder(pattern: str, data: Path | None) -> Path:
    if data is None:
        raise UsageError(
            f"source path {pattern!r} needs a data folder; give one with --data DIR or FLEETCAST_DATA=DIR"
        )
    if not data.is_dir():
        raise UsageError(f"the data folder {data} is not there; correct --data or FLEETCAST_DATA")
    return data.resolve()


def _hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts)


def _passing_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fleetcast-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
