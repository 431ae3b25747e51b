"""A database of advisories, from a folder, a zip or a web address, read with limits and trusted with nothing."""

import json
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from fleetcast.delivery import osv
from fleetcast.domain.errors import InfrastructureError

PATIENCE = 60.0  # seconds without a byte from a server
LONGEST = 900.0  # seconds of a download
CHUNK = 1 << 20  # bytes
AHEAD = timedelta(days=1)  # clocks differ; what is newer than that was not written by an honest one
ABOUT = "database.json"  # may say when the advisories were retrieved: {"retrieved": "2026-11-16T06:00:00Z"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken in before a database counts as hostile. OSV's of PyPI has some 30 MB and 20,000 records."""

    download: int = 512 << 20  # bytes
    unpacked: int = 4 << 30  # bytes, of all records
    record: int = 16 << 20  # bytes, of one
    records: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Database:
    """What a database says of some packages: its size, how new it is, and the advisories that are about them."""

    records: int
    newest: datetime
    about: tuple[osv.Advisory, ...]


class Unusable(InfrastructureError):
    """Advisories that cannot be reached or read; nothing was held against them."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(
            f"the advisories of {shown(source)} cannot be used: {problem};"
            " nothing was checked. Give a folder, a zip or a web address of advisories in OSV's format"
        )


def consult(
    source: str, wanted: Callable[[osv.Advisory], bool], now: datetime, limits: Limits | None = None
) -> Database:
    """Read all of a database and keep the advisories that are wanted.

    How new it is say the advisories themselves: by the newest change of any, which copying does not renew. A selection
    that rarely changes may have a `database.json` beside them that says when it was `retrieved`.
    """
    limits, records, about, times = limits or Limits(), 0, [], []
    for name, content in _files(source, limits):
        record = _parsed(source, name, content)
        if Path(name).name == ABOUT:
            times.append(_time(source, name, record))
            continue
        try:
            advisory = osv.read(record)
        except osv.Malformed as error:
            raise Unusable(source, f"{name} is no advisory ({error})") from error
        if not advisory.affected:
            continue  # of another ecosystem
        records += 1
        times.append(advisory.modified)
        if wanted(advisory):
            about.append(advisory)
    if not records:
        raise Unusable(source, f"it has no advisory about a package of {osv.ECOSYSTEM}")
    newest = max(times)
    if newest > now + AHEAD:
        raise Unusable(source, f"its newest advisory is of {newest:%Y-%m-%d}, a day that is still to come")
    return Database(records, newest, tuple(sorted(about, key=lambda one: one.name)))


def shown(source: str) -> str:
    """A source as messages name it, without the password that an address may have.

    >>> shown("https://robot:secret@mirror.example/all.zip")
    'https://mirror.example/all.zip'
    """
    scheme, found, rest = source.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rsplit('@', 1)[-1]}{slash}{path}" if found else source


def _parsed(source: str, name: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unusable(source, f"{name} is no JSON ({type(error).__name__})") from error


def _time(source: str, name: str, record: Any) -> datetime:
    try:
        return osv.timestamp(record["retrieved"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(source, f"{name} does not say when it was `retrieved`") from error


def _files(source: str, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Every JSON file of a database with its bytes, as far as the limits go."""
    taken = 0
    for number, (name, content) in enumerate(_opened(source, limits), start=1):
        taken += len(content)
        if len(content) > limits.record or taken > limits.unpacked or number > limits.records:
            raise Unusable(source, f"{name} makes it larger than any honest one")
        yield name, content


def _opened(source: str, limits: Limits) -> Iterator[tuple[str, bytes]]:
    if "://" in source:
        with _downloaded(source, limits) as file:
            yield from _unzipped(source, file, limits)
    elif Path(source).is_dir():
        yield from _in_folder(source, limits)
    elif Path(source).is_file():
        with Path(source).open("rb") as file:
            yield from _unzipped(source, file, limits)
    else:
        raise Unusable(source, "there is no such folder or file")


def _in_folder(source: str, limits: Limits) -> Iterator[tuple[str, bytes]]:
    for path in sorted(Path(source).rglob("*.json")):
        try:
            with path.open("rb") as file:
                yield path.relative_to(source).as_posix(), file.read(limits.record + 1)
        except OSError as error:
            raise Unusable(source, f"{path.name}: {error.strerror}") from error


def _unzipped(source: str, file: IO[bytes], limits: Limits) -> Iterator[tuple[str, bytes]]:
    """What a zip declares about sizes is not believed: each record is read up to its limit."""
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".json"):
                    with archive.open(member) as packed:
                        yield member.filename, packed.read(limits.record + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Unusable(source, f"it is no zip that can be read ({error})") from error


@contextmanager
def _downloaded(source: str, limits: Limits) -> Iterator[IO[bytes]]:
    if not source.startswith(("https://", "http://")):
        raise Unusable(source.split("://", 1)[0], "advisories come by http and https only")
    with tempfile.TemporaryFile() as file:
        try:
            with _opener().open(source, timeout=PATIENCE) as answer:
                if source.startswith("https://") and not answer.url.startswith("https://"):
                    raise Unusable(source, "it leads to an address without TLS")
                end = time.monotonic() + LONGEST
                while chunk := answer.read1(CHUNK):
                    file.write(chunk)
                    if file.tell() > limits.download:
                        raise Unusable(source, "it is larger than any honest one")
                    if time.monotonic() > end:
                        raise Unusable(source, f"it was not there after {LONGEST:.0f} seconds")
                if answer.length:
                    raise Unusable(source, "the connection broke off")
        except urllib.error.HTTPError as error:
            raise Unusable(source, f"the server answers {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            raise Unusable(source, f"no answer ({error.reason})") from error
        except (OSError, HTTPException, ValueError) as error:
            raise Unusable(source, f"no answer ({type(error).__name__}: {error})") from error
        file.seek(0)
        yield file


def _opener() -> urllib.request.OpenerDirector:
    """What follows http and https, through proxies and redirections, and nothing else: no file, no ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
