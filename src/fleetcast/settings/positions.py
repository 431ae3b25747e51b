"""On which line of a TOML text each key and each list item stands."""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable

Place = tuple[str | int, ...]  # keys from the top; a number is a place in a list, from 0

_BLANK = re.compile(r"(?:[\s]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+' + r"|'''.*?'''+" + r'|"(?:[^"\\]|\\.)*"' + r"|'[^']*'", re.DOTALL
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def positions(text: str) -> dict[Place, int]:
    """Place → line from 1, of a text that `tomllib` can read.

    >>> positions('schema = 1\\n[gate]\\nmape_by = { slow = 0.5 }')
    {('schema',): 1, ('gate',): 2, ('gate', 'mape_by'): 3, ('gate', 'mape_by', 'slow'): 3}
    """
    return _Walk(text).document()


class _Walk:
    """One walk through the text, noting each key's line on the way."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._ends = [end.start() for end in re.finditer("\n", text)]
        self._found: dict[Place, int] = {}
        self._items: dict[Place, int] = {}

    def document(self) -> dict[Place, int]:
        table: Place = ()
        self._blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._blank()
        return self._found

    def _header(self) -> Place:
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        line = self._line()
        self._skip(brackets)
        table = self._keys(())
        if brackets == 2:
            self._items[table] = self._items.get(table, -1) + 1
            table = (*table, self._items[table])
        self._skip(brackets)
        self._note(table, line)
        return table

    def _pair(self, table: Place) -> None:
        line = self._line()
        place = self._keys(table)
        self._note(place, line)
        self._skip(1)  # =
        self._value(place)

    def _keys(self, table: Place) -> Place:
        """Dotted keys; a key that names a list of tables means its last one."""
        place = table
        while True:
            self._blank()
            raw = self._take(_KEY)
            place = (*place, next(iter(tomllib.loads(f"{raw} = 0"))))
            self._blank()
            if not self._text.startswith(".", self._at):
                return place
            self._skip(1)
            if place in self._items:
                place = (*place, self._items[place])

    def _value(self, place: Place) -> None:
        self._blank()
        match self._text[self._at]:
            case '"' | "'":
                self._take(_STRING)
            case "[":
                self._members("]", lambda index: self._item((*place, index)))
            case "{":
                self._members("}", lambda _: self._pair(place))
            case _:
                self._take(_PLAIN)

    def _members(self, end: str, member: Callable[[int], None]) -> None:
        self._skip(1)
        index = 0
        self._blank()
        while not self._text.startswith(end, self._at):
            member(index)
            index += 1
            self._blank()
            if self._text.startswith(",", self._at):
                self._skip(1)
                self._blank()
        self._skip(1)

    def _item(self, place: Place) -> None:
        self._note(place, self._line())
        self._value(place)

    def _note(self, place: Place, line: int) -> None:
        self._found.setdefault(place, line)

    def _line(self) -> int:
        return bisect_left(self._ends, self._at) + 1

    def _blank(self) -> None:
        self._take(_BLANK)

    def _skip(self, characters: int) -> None:
        self._at += characters

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"line {self._line()} is no TOML")
        self._at = found.end()
        return found[0]
