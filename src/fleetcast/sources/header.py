"""The header of a file: exactly the declared columns, each once, in any order."""

from collections import Counter
from collections.abc import Sequence

from fleetcast.domain.errors import SourceError
from fleetcast.settings import ColumnSettings


def declared(columns: dict[str, ColumnSettings]) -> dict[str, str]:
    """Header in the file → column name."""
    return {column.name or key: key for key, column in columns.items()}


def match(header: Sequence[str], columns: dict[str, ColumnSettings], *, file: str) -> list[str]:
    """The column name of each header, in the order of the file; SourceError where one is doubled, missing or new."""
    doubled = [name for name, times in Counter(header).items() if times > 1]
    if doubled:
        raise SourceError(
            file,
            "duplicate_header",
            f"{_listed(doubled)} more than once",
            "each column needs a name of its own",
        )
    names = declared(columns)
    missing, new = [n for n in names if n not in header], [n for n in header if n not in names]
    if missing or new:
        parts = [f"no column {_listed(missing)}"] * bool(missing) + [f"undeclared {_listed(new)}"] * bool(new)
        raise SourceError(
            file, "header", " and ".join(parts), f"the declared columns are {_listed(list(names))}"
        )
    return [names[name] for name in header]


def _listed(names: list[str], shown: int = 12) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(repr(name) for name in names[:shown]) + more
