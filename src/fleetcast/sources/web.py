"""Sources over HTTP: an answer, or its pages one after the other, kept as they came where they are not as before."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from fleetcast.domain.errors import SourceError
from fleetcast.settings import PageSettings
from fleetcast.sources import document
from fleetcast.sources.asking import Answer, Web
from fleetcast.sources.question import Pulled, Question, digest_of_file
from fleetcast.sources.readers import holds_rows

_NEXT = re.compile(r"<([^>]*)>(?=[^<]*;\s*rel=\"?next\b)", re.IGNORECASE)
_ODD = re.compile(r"[^\w.-]+")
_VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


def pull(question: Question) -> Pulled:
    """Whatever of the answer is new. Pages are kept together or, if one cannot be had or read, not at all.

    What cannot be read is no answer: kept, it would be the first that ever came, and all later ones corrections of it.
    """
    web, headers = question.server()
    if question.pull.pages:
        paths = list(_pages(question, web, headers, question.pull.pages))
        marks: dict[str, str] = {}
    else:
        path = question.scratch / "1"
        known = {
            name: question.standing.marks[mark]
            for mark, name in _VALIDATORS.items()
            if mark in question.standing.marks
        }
        answer = web.ask(web.url, headers | known, path)
        if answer.unchanged:
            return Pulled([], question.standing.marks)
        paths = [path]
        marks = {mark: answer.headers[mark] for mark in _VALIDATORS if mark in answer.headers}
    return _new(question, web, paths, marks)


def following(pages: PageSettings, answer: Answer, content: bytes, number: int) -> str | None:
    """The address of the page after this one, which is the `number`th; None where this one names none.

    >>> told = Answer("https://example.com/sales?page=2", False, {"link": '<?page=1>; rel="prev", <?page=3>; rel="next"'})
    >>> following(PageSettings(by="link"), told, b"", 2)
    'https://example.com/sales?page=3'
    >>> following(PageSettings(by="number", name="page"), told, b"", 2)
    'https://example.com/sales?page=3'
    >>> following(PageSettings(by="field", name="meta.next"), told, b'{"meta": {"next": null}}', 2)
    """
    if pages.by == "number":
        return numbered(answer.url, pages, number)
    if pages.by == "link":
        found = _NEXT.search(answer.headers.get("link", ""))
        named: object = found[1] if found else None
    else:
        named = document.field(content, pages.name or "")
    return urljoin(answer.url, named) if isinstance(named, str) and named else None


def numbered(url: str, pages: PageSettings, number: int) -> str:
    """The address of the `number`th page, from 0 on."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {
        str(pages.name): str(pages.first + number)
    }
    return parts._replace(query=urlencode(query)).geturl()


def _pages(question: Question, web: Web, headers: dict[str, str], pages: PageSettings) -> Iterator[Path]:
    """The pages that have rows, up to the first that has none or names no other."""
    url: str | None = numbered(web.url, pages, 0) if pages.by == "number" else web.url
    seen: set[str] = set()
    for number in range(pages.most):
        if url is None:
            return
        if url in seen:
            raise SourceError(web.host, "circle", "a page refers to one before it", "correct `pages`")
        seen.add(url)
        path = question.scratch / str(number + 1)
        answer = web.ask(web.same_server(url), headers, path)
        content = path.read_bytes()
        if not holds_rows(content, question.settings, file=web.host):
            return
        yield path
        url = following(pages, answer, content, number + 1)
    told = f"it goes on after {pages.most:,} pages"
    raise SourceError(web.host, "circle", told, "let `pages.most` be more, if that is meant")


def _new(question: Question, web: Web, paths: list[Path], marks: dict[str, str]) -> Pulled:
    """Those that are none of the last pull's, under names that say what was asked, and when."""
    digests = {path: digest_of_file(path) for path in paths}
    before = question.standing.marks.get("answers", "").split()
    new = [
        path
        for path in paths
        if digests[path] not in before and holds_rows(path.read_bytes(), question.settings, file=web.host)
    ]
    parts = urlsplit(question.pull.url or "")
    place = "/".join(_ODD.sub("-", part) for part in (parts.netloc, parts.path.strip("/") or "root"))
    files = [(f"{place}/{question.moment}-{path.name}.{question.ending}", path) for path in new]
    return Pulled(files, marks | {"answers": " ".join(digests.values())})
