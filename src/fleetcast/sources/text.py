"""From the bytes of a text file to its lines, in the declared encoding and no other."""

import codecs

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.sources.lines import LINE, TEXT

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LOOKED_AT = 4096  # bytes of a file that show whether every other one is NUL
_C1 = range(0x80, 0xA0)  # control characters in latin-1, letters and quotation marks in cp1252


def decode(content: bytes, *, file: str, encoding: str) -> str:
    """The text of a file; SourceError when its bytes are not what the source declares."""
    if not content:
        raise SourceError(file, "empty", "0 bytes", "ask the sender for the file again")
    _refuse_other_encodings(content, file=file, encoding=encoding)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(content, error, file=file, encoding=encoding) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SourceError(
            file, "encoding", f"a NUL character on line {line}", "ask the sender for an undamaged file"
        )
    if not text.strip():
        raise SourceError(file, "empty", "nothing but blanks", "ask the sender for the file again")
    return text


def numbered(text: str, *, file: str) -> pl.DataFrame:
    """Every physical line with its number from 1; a file whose last line is not ended was cut off."""
    if not text.endswith("\n"):
        tail = text[text.rfind("\n") + 1 :]
        raise SourceError(
            file,
            "truncated",
            f"the last line is not ended: {tail[:60]!r}",
            "ask the sender for the whole file",
        )
    lines = pl.Series(TEXT, [text[:-1]]).str.split("\n").explode()
    return pl.DataFrame({LINE: pl.int_range(1, lines.len() + 1, eager=True), TEXT: lines})


def _refuse_other_encodings(content: bytes, *, file: str, encoding: str) -> None:
    marked = content.startswith(_UTF16_MARKS)
    if encoding == "utf-16":
        if not marked:
            raise SourceError(
                file,
                "encoding",
                "no byte order mark, so not the UTF-16 that is declared",
                "correct `encoding`",
            )
        return
    if marked or _alternating(content):
        raise SourceError(
            file,
            "utf16",
            f"this is UTF-16, but {encoding} is declared",
            'write `encoding = "utf-16"` if it is meant',
        )
    if encoding != "utf-8-sig" and content.startswith(codecs.BOM_UTF8):
        raise SourceError(
            file,
            "encoding",
            f"a UTF-8 byte order mark, but {encoding} is declared",
            'write `encoding = "utf-8-sig"`',
        )
    if encoding in ("latin-1", "cp1252") and not content.isascii():
        _refuse_single_byte(content, file=file, encoding=encoding)


def _refuse_single_byte(content: bytes, *, file: str, encoding: str) -> None:
    """Any byte decodes as latin-1; accents that form whole UTF-8 sequences are not there by chance."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        pass  # not UTF-8, as declared
    else:
        raise SourceError(
            file, "encoding", f"this is UTF-8, but {encoding} is declared", 'write `encoding = "utf-8"`'
        )
    controls = [position for byte in _C1 if (position := content.find(byte)) >= 0]
    if encoding == "latin-1" and controls:
        line = content.count(b"\n", 0, min(controls)) + 1
        raise SourceError(
            file, "encoding", f"byte 0x{content[min(controls)]:02x} on line {line} is no latin-1 character",
            'write `encoding = "cp1252"` if it is meant',
        )  # fmt: skip


def _alternating(content: bytes) -> bool:
    head = content[:_LOOKED_AT]
    return len(head) > 3 and max(head[0::2].count(0), head[1::2].count(0)) > 0.6 * (len(head) // 2)


def _undecodable(content: bytes, error: UnicodeDecodeError, *, file: str, encoding: str) -> SourceError:
    if error.reason in ("unexpected end of data", "truncated data"):
        return SourceError(file, "truncated", "ends inside a character", "ask the sender for the whole file")
    line = content.count(b"\n", 0, error.start) + 1
    return SourceError(
        file, "encoding", f"byte 0x{content[error.start]:02x} on line {line} is not {encoding}",
        "write the `encoding` the sender uses (utf-8, utf-8-sig, utf-16, latin-1 or cp1252)",
    )  # fmt: skip
