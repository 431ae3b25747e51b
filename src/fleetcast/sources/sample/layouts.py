"""How each source writes its files: one function per layout, rows in, the bytes of a file out.

Nothing here knows of Fleetcast's own columns on purpose: headers, dates, marks and encodings are those of the senders.
"""

import io
import sqlite3
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl
from polars import selectors

from fleetcast.sources.writers import frozen

PIECES = 24  # per unit, in the reports that count single pieces
FROZEN = (
    2026,
    1,
    1,
    0,
    0,
    0,
)  # the time stamped on the parts of a workbook, so that equal rows are equal bytes


def us_csv(deliveries: pl.DataFrame) -> bytes:
    """Comma, month first."""
    return _csv(
        deliveries.select(
            pl.col("week").dt.strftime("%m/%d/%Y").alias("Week"),
            pl.col("store").alias("Store"),
            pl.col("product").alias("Item"),
            pl.col("delivered").alias("Units"),
        )
    )


def eu_csv(deliveries: pl.DataFrame) -> bytes:
    """Semicolons, decimal commas, day first, Windows-1252, the store's name beside its number."""
    text = deliveries.select(
        pl.col("week").dt.strftime("%d.%m.%Y").alias("Semana"),
        pl.col("store").alias("Tienda"),
        pl.col("name").alias("Nombre"),
        pl.col("product").alias("Artículo"),
        pl.col("delivered").cast(pl.Float64).alias("Entregado"),
    ).write_csv(separator=";", decimal_comma=True, float_precision=1)
    return text.encode("cp1252")


def tsv(deliveries: pl.DataFrame) -> bytes:
    """Tabs, single pieces instead of units, thousands marks."""
    pieces = pl.col("delivered") * PIECES
    return _csv(
        deliveries.select("week", "store", "product", pieces=_thousands(pieces)),
        separator="\t",
    )


def sunday_csv(deliveries: pl.DataFrame) -> bytes:
    """A byte order mark, Windows line ends, weeks that begin on Sunday."""
    text = deliveries.select(
        pl.col("week").dt.offset_by("-1d").alias("Week of"),
        pl.col("store").alias("Location"),
        pl.col("product").alias("SKU"),
        pl.col("delivered").alias("Qty Delivered"),
    ).write_csv(line_terminator="\r\n")
    return text.encode("utf-8-sig")


def fixed_width(deliveries: pl.DataFrame) -> bytes:
    """Week in 8 characters, store in 8, product in 5, units in 6, to the right."""
    line = pl.concat_str(
        pl.col("week").dt.strftime("%Y%m%d"),
        pl.col("store").str.pad_end(8),
        pl.col("product").str.pad_end(5),
        pl.col("delivered").cast(pl.String).str.pad_start(6),
    )
    return deliveries.select(line).write_csv(include_header=False, quote_style="never").encode("latin-1")


def json_lines(deliveries: pl.DataFrame) -> bytes:
    """One object a line, with the local time it was booked."""
    return (
        deliveries.select(
            pl.col("week").cast(pl.String),
            "store",
            "product",
            units="delivered",
            booked=_booked("week", hour=5).dt.strftime("%Y-%m-%d %H:%M"),
        )
        .write_ndjson()
        .encode()
    )


def parquet(frame: pl.DataFrame) -> bytes:
    """Typed columns, as they are."""
    sink = io.BytesIO()
    frame.write_parquet(sink, compression="zstd")
    return sink.getvalue()


def statements(returns: pl.DataFrame) -> bytes:
    """Credit statements: what has come back of a week's delivery up to the day of the statement."""
    return _csv(
        returns.select(
            _booked("visit_week", hour=4).dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("statement"),
            pl.col("week").alias("delivered_week"),
            "store",
            "product",
            pl.col("to_date").alias("returned_to_date"),
        )
    )


def database(deliveries: pl.DataFrame, pickups: pl.DataFrame) -> bytes:
    """A depot's SQLite database, booked in local time; its pick-ups know their own week, not that of the delivery."""
    booked = _booked("week", hour=3).dt.strftime("%Y-%m-%d %H:%M:%S").alias("booked_at")
    week = pl.col("week").cast(pl.String)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "depot.db"
        connection = sqlite3.connect(path)
        try:
            _table(connection, "deliveries", deliveries.select(week, "store", "product", "delivered", booked))
            _table(connection, "pickups", pickups.select(week, "store", "product", "units", booked))
            connection.execute("create index delivered on deliveries (store, product, week)")
            connection.commit()
        finally:
            connection.close()
        return path.read_bytes()


def master_csv(frame: pl.DataFrame) -> bytes:
    """Comma, ISO dates, and instants in UTC."""
    instants = selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return _csv(frame.with_columns(instants))


def workbook(frame: pl.DataFrame, sheet: str) -> bytes:
    """An Excel workbook of one sheet, with the same bytes for the same rows."""
    from openpyxl import Workbook  # slow to import, and only needed here

    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.append(frame.columns)
    for row in frame.iter_rows():
        page.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return frozen(sink.getvalue(), FROZEN)


def promotions(plan: pl.DataFrame) -> bytes:
    """The price plan: advertising weeks begin on Thursday."""
    return master_csv(
        plan.select(
            pl.col("week").dt.offset_by("3d").alias("ad_week"),
            pl.col("region").alias("market"),
            pl.col("product").alias("item"),
            "price",
            pl.when(pl.col("promotion") == 1).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("promoted"),
            "announced",
        )
    )


def observed(weather: pl.DataFrame) -> bytes:
    """What the weather stations measured, in the units of the country: °F and inches."""
    return _csv(
        weather.select(
            "postal_code",
            "date",
            temperature_f=(pl.col("temperature") * 1.8 + 32).round(1),
            rain_in=(pl.col("precipitation") / 25.4).round(2),
        )
    )


def events(calendar: pl.DataFrame) -> bytes:
    """The marketing calendar, one object a line."""
    return (
        calendar.select(
            "event",
            pl.col("first", "last").cast(pl.String),
            "scope",
            pl.col("announced").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        .write_ndjson()
        .encode()
    )


def with_lines(content: bytes, lines: Iterable[tuple[int, bytes]]) -> bytes:
    """A file into which these lines were put, each so that it stands at its number (from 1)."""
    rows = content.split(b"\n")
    for number, line in sorted(lines):
        rows.insert(number - 1, line)
    return b"\n".join(rows)


def _csv(frame: pl.DataFrame, separator: str = ",") -> bytes:
    return frame.write_csv(separator=separator).encode()


def _thousands(number: pl.Expr) -> pl.Expr:
    small = number.cast(pl.String)
    large = pl.concat_str(
        (number // 1000).cast(pl.String), pl.lit(","), (number % 1000).cast(pl.String).str.zfill(3)
    )
    return pl.when(number < 1000).then(small).otherwise(large)


def _booked(week: str, *, hour: int) -> pl.Expr:
    """The Tuesday after a week's end, at that hour."""
    return pl.col(week).cast(pl.Datetime("us")) + pl.duration(days=8, hours=hour)


def _table(connection: sqlite3.Connection, name: str, frame: pl.DataFrame) -> None:
    connection.execute(f"create table {name} ({', '.join(frame.columns)})")
    marks = ", ".join("?" * frame.width)
    connection.executemany(f"insert into {name} values ({marks})", frame.iter_rows())  # noqa: S608 — names are ours


def day_stamp(day: date) -> str:
    """A date as file names carry it.

    >>> day_stamp(date(2026, 8, 5))
    '20260805'
    """
    return f"{day:%Y%m%d}"
