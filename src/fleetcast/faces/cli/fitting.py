"""A quiet table that fits its paper: where it is narrow, headings break first, then columns that can be spared go."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as Drawn
from rich.text import Text

GAP = 2  # blanks between columns
LEAST = 10  # characters of a column whose words may be broken, because nothing else helped
UNBOUNDED = 10_000  # characters; wider than any cell


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and how its cells stand: `firm` ones are never broken, the most `spare` ones are left out first."""

    heading: str
    right: bool
    firm: bool
    spare: int

    @classmethod
    def of(cls, marked: str, *, first: bool) -> "Column":
        """`>` puts figures to the right, `!` keeps words whole, each `?` says that narrow paper can do without."""
        heading = marked.lstrip(">!?")
        marks = marked[: len(marked) - len(heading)]
        right = ">" in marks
        return cls(heading, right, firm=right or first or "!" in marks, spare=marks.count("?"))


@dataclass(frozen=True, slots=True)
class Size:
    """How wide a column is: at `least`, with no word broken; with its `cells` in one line; with its heading too (`whole`)."""

    least: int
    cells: int
    whole: int


class Table:
    """Rows under their headings; the first column and figures stay whole, other cells break between words."""

    def __init__(self, headings: Sequence[str | None]) -> None:
        self._headed = headings[0] is not None
        self._columns = [Column.of(name or "", first=place == 0) for place, name in enumerate(headings)]
        self._rows: list[tuple[list[Text], str]] = []

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def add_row(self, *cells: str | Text, style: str = "") -> None:
        self._rows.append(([cell if isinstance(cell, Text) else Text(cell) for cell in cells], style))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update_width(UNBOUNDED)
        sizes = [self._size(console, unbounded, place) for place in range(len(self._columns))]
        places = _kept(self._columns, sizes, options.max_width)
        yield self._drawn(places, _widths(self._columns, sizes, places, options.max_width))
        gone = [
            column.heading.replace("\n", " ")
            for place, column in enumerate(self._columns)
            if place not in places and column.heading
        ]
        if gone:
            yield Text(f"Not shown, for want of width: {', '.join(gone)}", "dim")

    def _size(self, console: Console, options: ConsoleOptions, place: int) -> Size:
        column = self._columns[place]
        heading = Measurement.get(console, options, Text(column.heading))
        found = [Measurement.get(console, options, cells[place]) for cells, _ in self._rows]
        longest = max((one.maximum for one in found), default=0)
        word = longest if column.firm else max((one.minimum for one in found), default=0)
        return Size(max(word, heading.minimum), longest, max(longest, heading.maximum))

    def _drawn(self, places: Sequence[int], widths: Sequence[int]) -> Drawn:
        drawn = Drawn(
            box=None,
            pad_edge=False,
            padding=(0, GAP, 0, 0),
            show_header=self._headed,
            header_style="dim",
        )
        for place, width in zip(places, widths, strict=True):
            column = self._columns[place]
            drawn.add_column(
                Text(column.heading),
                justify="right" if column.right else "left",
                overflow="fold",
                width=max(width, 1),
            )
        for cells, style in self._rows:
            drawn.add_row(*(cells[place] for place in places), style=style)
        return drawn


def _kept(columns: Sequence[Column], sizes: Sequence[Size], width: int) -> list[int]:
    """The columns that stay, in their order: while words would have to break, the most spare one goes."""
    places = list(range(len(columns)))
    spare = sorted((place for place in places if columns[place].spare), key=lambda p: (columns[p].spare, p))
    while spare and sum(sizes[place].least for place in places) > _room(width, places):
        places.remove(spare.pop())
    return places


def _widths(columns: Sequence[Column], sizes: Sequence[Size], places: Sequence[int], width: int) -> list[int]:
    room = _room(width, places)
    least = [sizes[place].least for place in places]
    if sum(least) > room:  # then words break …
        firm = [columns[place].firm for place in places]
        least = [one if stays else min(one, LEAST) for one, stays in zip(least, firm, strict=True)]
    if sum(least) > room:  # … and at last names and figures
        least = [min(one, max(room // len(places), 1)) for one in least]
    cells = _filled(least, [sizes[place].cells for place in places], room)
    return _filled(cells, [sizes[place].whole for place in places], room)  # headings break before cells do


def _room(width: int, places: Sequence[int]) -> int:
    return width - GAP * (len(places) - 1)


def _filled(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """Widths from `least` up to `most` that use the room; columns that lack little are served first.

    >>> _filled([5, 5, 5], [5, 8, 40], 30)
    [5, 8, 17]
    """
    widths = list(least)
    for place in sorted(range(len(widths)), key=lambda place: most[place] - least[place]):
        spare = room - sum(widths)
        widths[place] += max(min(most[place] - widths[place], spare), 0)
    return widths
