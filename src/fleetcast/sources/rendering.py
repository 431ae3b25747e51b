"""Typed cells written as the source's text would have them, so that one strict parser reads every format.

Excel, JSON, Parquet and databases hold numbers and dates, not text. `1.5` becomes "1,5" where the decimal mark
is a comma, a date takes the column's format; then it goes the way of every other field.
"""

from collections.abc import Callable
from datetime import date, datetime, time

from fleetcast.settings import ColumnSettings, SourceSettings

DATE, MOMENT = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"

Renderer = Callable[[object], str | None]


def renderer(column: ColumnSettings, settings: SourceSettings) -> Renderer:
    """How a cell of this column is written; None stays None, an empty field."""

    def render(cell: object) -> str | None:
        match cell:
            case None | str():
                return cell
            case bool():
                return _truth(cell, column, settings)
            case int():
                return str(cell)
            case float():
                return _number(cell, column, settings)
            case datetime():
                return _moment(cell, column)
            case date():
                return cell.strftime(column.format or DATE)
            case _:
                return str(cell)

    return render


def _truth(cell: bool, column: ColumnSettings, settings: SourceSettings) -> str:
    if column.type == "boolean":
        return settings.true if cell else settings.false
    return "true" if cell else "false"


def _number(cell: float, column: ColumnSettings, settings: SourceSettings) -> str:
    """A whole number has no fraction where a whole number or a code is declared."""
    if column.type in ("integer", "text") and cell.is_integer():
        return str(int(cell))
    return localised(repr(cell), column, settings)


def localised(number: str, column: ColumnSettings, settings: SourceSettings) -> str:
    """A number written with a point, in the source's decimal mark; text columns keep the point."""
    return number if column.type == "text" else number.replace(".", settings.decimal)


def _moment(cell: datetime, column: ColumnSettings) -> str:
    if column.type == "datetime":
        return cell.strftime(column.format) if column.format else cell.isoformat()
    if cell.time() == time():  # Excel and pandas know dates only as midnights
        return cell.strftime(column.format or DATE)
    return cell.isoformat()
