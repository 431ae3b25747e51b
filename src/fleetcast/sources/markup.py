"""XML: one element per row, its columns by child element or @attribute; a row's line is where its element begins.

A document type declaration is refused, so there are no entities but XML's own five, and nothing is fetched.
"""

import codecs
from xml.parsers import expat

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.settings import SourceSettings
from fleetcast.sources import header
from fleetcast.sources.lines import FAULTS, LINE, TEXT, Lines
from fleetcast.sources.text import decode

DEPTH = 64  # elements inside each other
_CUT_OFF = {expat.errors.codes[message] for message in (
    expat.errors.XML_ERROR_NO_ELEMENTS,
    expat.errors.XML_ERROR_UNCLOSED_TOKEN,
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
)}  # fmt: skip


def read(content: bytes, settings: SourceSettings, *, file: str) -> Lines:
    """Every row's values by declared column; an element that is absent is an empty field, an undeclared one a fault."""
    text = decode(content, file=file, encoding=settings.encoding).encode()
    rows = _Rows(settings, text, file)
    try:
        rows.parser.Parse(text, True)
    except expat.ExpatError as error:
        reason = "truncated" if error.code in _CUT_OFF else "unreadable"
        instead = (
            "ask the sender for the whole file" if reason == "truncated" else "correct the file, or `format`"
        )
        raise SourceError(
            file, reason, f"line {error.lineno}: {expat.ErrorString(error.code)}", instead
        ) from error
    return rows.lines()


class _Rows:
    """What the parser meets, row by row; nothing of the document is kept but its rows."""

    def __init__(self, settings: SourceSettings, content: bytes, file: str) -> None:
        self._settings, self._content, self._file = settings, content, file
        self._where = (settings.rows or "").split("/")
        self._names = header.declared(settings.columns)
        self._path: list[str] = []  # names of the elements that are open
        self._bare: list[bool] = []  # of these, which have neither children nor attributes
        self._said: list[str] = []  # of these, the text
        self._begins: tuple[int, int] | None = None  # byte and line of the row that is open
        self._cells: list[tuple[str, str]] = []
        self._last = 0  # line of the row before
        self._seen_parent = False
        self._fields: list[dict[str, str | int | None]] = []
        self._faults: list[dict[str, str | int]] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.ordered_attributes = True
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = self._text
        self.parser.EndElementHandler = self._end

    def lines(self) -> Lines:
        """All rows; SourceError where there are none."""
        if not (self._fields or self._faults):
            if self._seen_parent:
                raise SourceError(self._file, "empty", "no rows", "ask the sender for the file again")
            rows = self._settings.rows
            raise SourceError(self._file, "header", f"there are no elements {rows!r}", "correct `rows`")
        schema = {LINE: pl.Int64(), TEXT: pl.String(), **dict.fromkeys(self._settings.columns, pl.String())}
        return Lines(pl.DataFrame(self._fields, schema=schema), pl.DataFrame(self._faults, schema=FAULTS))

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        meant = self._settings.encoding.removesuffix("-sig")
        if encoding and not _alike(encoding, meant):
            told = f"the document says it is {encoding}, but {self._settings.encoding} is declared"
            raise SourceError(self._file, "encoding", told, "correct `encoding`")

    def _refuse_doctype(self, *_: object) -> None:
        told = (
            f"line {self.parser.CurrentLineNumber}: a document type declaration, in which entities could hide"
        )
        raise SourceError(self._file, "unreadable", told, "ask the sender to leave it out")

    def _start(self, name: str, attributes: list[str]) -> None:
        if len(self._path) >= DEPTH:
            told = f"line {self.parser.CurrentLineNumber}: more than {DEPTH} elements inside each other"
            raise SourceError(self._file, "unreadable", told, "ask the sender for a flat file")
        if self._bare:
            self._bare[-1] = False
        self._path.append(name)
        self._seen_parent = self._seen_parent or self._path == self._where[:-1]
        data = [pair for pair in zip(attributes[::2], attributes[1::2], strict=True) if _is_data(pair[0])]
        self._bare.append(not data)
        self._said.append("")
        if self._path == self._where:
            self._begins = self.parser.CurrentByteIndex, self.parser.CurrentLineNumber
            self._cells = []
        if self._begins:
            self._cells += [(self._inside(f"@{key}"), value) for key, value in data]

    def _text(self, text: str) -> None:
        if self._begins:
            self._said[-1] += text

    def _end(self, _name: str) -> None:
        said, bare = self._said.pop(), self._bare.pop()
        row = self._path == self._where
        if self._begins and (said.strip() or (bare and not row)):
            self._cells.append((self._inside(), said))
        if row:
            self._finish()
        self._path.pop()

    def _inside(self, *more: str) -> str:
        """The path of an element below its row's, or of its attribute."""
        return "/".join([*self._path[len(self._where) :], *more])

    def _finish(self) -> None:
        """Take the row, at its line; of several that begin on one, the next ones are counted on."""
        begins, line = self._begins or (0, 0)
        self._begins, self._last = None, max(line, self._last + 1)
        end = (
            self.parser.CurrentByteIndex
        )  # where its end tag begins; of an element without one, where it ends
        if self._content.startswith(b"</", end):
            end = self._content.index(b">", end) + 1
        text = self._content[begins:end].decode()
        fault = _fault([name for name, _ in self._cells], self._names)
        if fault:
            self._faults.append({LINE: self._last, "reason": "ragged", "detail": fault, TEXT: text})
        else:
            cells = {self._names[name]: value for name, value in self._cells}
            self._fields.append({LINE: self._last, TEXT: text, **cells})


def _fault(found: list[str], names: dict[str, str]) -> str:
    """Why a row is none; "" where it is one."""
    for name in found:
        if name not in names:
            return f"undeclared {name!r}" if name else "text between its elements"
        if found.count(name) > 1:
            return f"{name!r} more than once"
    return ""


def _is_data(attribute: str) -> bool:
    return attribute != "xmlns" and not attribute.startswith(("xmlns:", "xsi:"))


def _alike(one: str, other: str) -> bool:
    try:
        return codecs.lookup(one).name == codecs.lookup(other).name
    except LookupError:
        return False
