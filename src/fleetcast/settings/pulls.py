"""How a source is pulled: what of its declaration contradicts the rest."""

import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import parse_qsl, urlsplit

from fleetcast.settings.positions import Place
from fleetcast.settings.problems import Found
from fleetcast.settings.tree import PageSettings, PullSettings, SourceSettings

WEB = ("http", "https")
OBJECTS = ("s3", "az", "gs", "file")
_REFERENCE = re.compile(r"\{env:[A-Za-z_]\w*\}")
_SECRET = re.compile(r"(?i)auth|cookie|token|secret|password|key$")  # an access_key_id is none
_PATTERN = "write its place, as https://… or s3://…"


def misdeclared(place: Place, source: SourceSettings) -> Iterator[Found]:
    """What is wrong with where a source's files come from."""
    yield from _rows(place, source)
    if source.pull is None:
        if not source.path:
            yield Found(
                (*place, "path"), "is missing", "write which files, as path = …, or [….pull] with a url"
            )
        return
    if source.path and source.format != "sql":
        yield Found(
            (*place, "path"), "has no meaning beside pull", "remove it: what is pulled is kept at once"
        )
    place, pull = (*place, "pull"), source.pull
    yield from _kind(place, source, pull)
    if pull.url:
        yield from _url(place, pull.url, pull)
    yield from _secrets(place, pull)
    if pull.pages:
        yield from _pages((*place, "pages"), pull.pages, source)


def scheme(pull: PullSettings) -> str:
    """Of the address that is pulled from; "" where there is none.

    >>> scheme(PullSettings(url="https://example.com/sales"))
    'https'
    """
    return (pull.url or "").partition("://")[0].lower()


def _rows(place: Place, source: SourceSettings) -> Iterator[Found]:
    if source.format == "xml" and not source.rows:
        yield Found(
            (*place, "rows"), "is missing", 'write the path of the elements that are rows, as "Sales/Sale"'
        )
    if source.rows and source.format not in ("json", "xml"):
        told = f'has no meaning where format = "{source.format}"'
        yield Found((*place, "rows"), told, "remove it")


def _kind(place: Place, source: SourceSettings, pull: PullSettings) -> Iterator[Found]:
    """Each kind of pull has keys of its own."""
    web, objects = scheme(pull) in WEB, scheme(pull) in OBJECTS
    database = source.format == "sql"
    if pull.holidays is None and not database and not pull.url:
        yield Found((*place, "url"), "is missing", _PATTERN)
    if pull.url and (database or pull.holidays):
        whence = "a database is asked its query" if database else "holidays are worked out here"
        yield Found((*place, "url"), f"has no meaning: {whence}", "remove it")
    if pull.url and not (web or objects):
        yield Found((*place, "url"), f'"{scheme(pull)}" is nothing that can be pulled', _PATTERN)
    if pull.weather and pull.url and not web:
        yield Found((*place, "url"), "weather is asked over HTTP", "write the API's address, as https://…")
    if pull.weather and not _is_date(pull.weather.first_day):
        told = f'"{pull.weather.first_day}" is no date'
        yield Found((*place, "weather", "first_day"), told, 'write one as "2017-01-01"')
    for key, fits, where in (
        ("watermark", database, 'format = "sql"'),
        ("headers", web, "a url over HTTP"),
        ("pages", web and not pull.weather, "a url over HTTP"),
        ("options", objects, "a url of an object store"),
    ):
        if getattr(pull, key) and not fits:
            yield Found((*place, key), f"has a meaning only with {where}", "remove it")


def _url(place: Place, url: str, pull: PullSettings) -> Iterator[Found]:
    parts = urlsplit(url)
    if scheme(pull) in (*WEB, "s3", "az", "gs") and not parts.netloc:
        yield Found((*place, "url"), f'"{url}" names no host', _PATTERN)
    if "@" in parts.netloc:
        instead = 'give them as a header, as Authorization = "Basic {env:NAME}"'
        yield Found((*place, "url"), "holds a name or a password", instead)


def _secrets(place: Place, pull: PullSettings) -> Iterator[Found]:
    """What is called like a secret has to be a reference."""
    told, instead = "holds a secret itself", 'write "{env:NAME}" in its place'
    for branch, named in (("headers", pull.headers), ("options", pull.options)):
        for name, value in named.items():
            if _SECRET.search(name) and not _REFERENCE.search(value):
                yield Found((*place, branch, name), told, instead)
    query = parse_qsl(urlsplit(pull.url or "").query)
    if any(_SECRET.search(name) and not _REFERENCE.search(value) for name, value in query):
        yield Found((*place, "url"), told, instead)


def _pages(place: Place, pages: PageSettings, source: SourceSettings) -> Iterator[Found]:
    if pages.by != "link" and not pages.name:
        named = "field" if pages.by == "field" else "parameter"
        yield Found((*place, "name"), "is missing", f"write the name of the {named}")
    if pages.by == "field" and source.format != "json":
        yield Found((*place, "by"), 'a field needs format = "json"', 'write "link" or "number"')


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
