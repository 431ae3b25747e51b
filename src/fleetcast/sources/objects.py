"""Sources in object stores: S3, Azure, Google Cloud. What is new there, or not as before, is fetched."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fleetcast.domain.errors import InfrastructureError, SourceError, UsageError
from fleetcast.sources.question import Pulled, Question

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_WILD = re.compile(r"[*?\[]")


def pull(question: Question) -> Pulled:
    """The objects whose names match the pattern and whose content was not fetched before."""
    with _store(question) as (store, pattern):
        versions = _matching(store, pattern)
        new = [name for name in sorted(versions) if question.standing.marks.get(name) != versions[name]]
        files = [(name, _fetched(question, store, name, number)) for number, name in enumerate(new)]
    return Pulled(files, versions)


def listed(question: Question) -> dict[str, str]:
    """The objects whose names match the pattern, each with what changes with its content."""
    with _store(question) as (store, pattern):
        return _matching(store, pattern)


@contextmanager
def _store(question: Question) -> Iterator[tuple["ObjectStore", str]]:
    """The store, opened, and the pattern of names in it; its errors are ours."""
    root, pattern = split(question.secrets.filled(question.pull.url or ""))
    options = {name: question.secrets.filled(value) for name, value in question.pull.options.items()}
    obstore = _engine(root)
    try:
        yield _opened(root, options), pattern
    except obstore.exceptions.BaseError as error:
        told = str(error).splitlines()[0]
        raise InfrastructureError(f"{root}: {told}") from error


def _matching(store: "ObjectStore", pattern: str) -> dict[str, str]:
    import obstore

    found = [one for batch in obstore.list(store) for one in batch if fnmatchcase(one["path"], pattern)]
    return {str(one["path"]): _version(one) for one in found}


def split(url: str) -> tuple[str, str]:
    """The folder that is listed, and the pattern that names in it have to match; in it, * spans folders too.

    >>> split("s3://shop/exports/2026/*.csv")
    ('s3://shop/exports/2026', '*.csv')
    >>> split("az://account/container/sales-*/part?.parquet")
    ('az://account/container', 'sales-*/part?.parquet')
    """
    parts = url.split("/")
    wild = next((n for n, part in enumerate(parts) if n > 2 and _WILD.search(part)), len(parts) - 1)
    return "/".join(parts[:wild]), "/".join(parts[wild:])


def _engine(root: str) -> ModuleType:
    try:
        import obstore
        import obstore.exceptions
    except ImportError as error:
        raise UsageError(f"{root} needs the extra objects; install fleetcast[objects]") from error
    return obstore


def _opened(root: str, options: dict[str, str]) -> "ObjectStore":
    from obstore.store import from_url

    if root.startswith("file:"):
        return from_url(root)
    over: Any = {"allow_http": True} if options.get("endpoint", "").startswith("http://") else {}
    config: Any = options
    return from_url(root, config=config, client_options=over)


def _version(found: Any) -> str:
    return str(found["e_tag"] or f"{found['last_modified'].isoformat()} {found['size']}")


def _fetched(question: Question, store: "ObjectStore", name: str, number: int) -> Path:
    import obstore

    path, size, most = question.scratch / str(number), 0, question.pull.megabytes << 20
    with path.open("wb") as body:
        for piece in obstore.get(store, name):
            size += body.write(piece)
            if size > most:
                told = f"larger than {question.pull.megabytes:,} MB"
                raise SourceError(name, "too_large", told, "let `megabytes` be more, if that is meant")
    return path
