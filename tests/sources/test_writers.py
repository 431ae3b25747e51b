from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain.errors import UsageError
from fleetcast.settings import SourceSettings
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import read
from fleetcast.sources.writers import write

COLUMNS = {
    "week": {"type": "date", "name": "Semana", "format": "%d.%m.%Y", "start": 1, "width": 10},
    "store": {"type": "text", "name": "Tienda", "start": 12, "width": 10},
    "pieces": {"type": "integer", "start": 22, "width": 8, "optional": True},
    "delivered": {"type": "number", "start": 31, "width": 24},
    "promoted": {"type": "boolean", "start": 56, "width": 5},
    "booked": {"type": "datetime", "format": "%Y-%m-%d %H:%M", "start": 62, "width": 16},
}
TYPES = {
    "week": pl.Date,
    "store": pl.String,
    "pieces": pl.Int64,
    "delivered": pl.Float64,
    "promoted": pl.Boolean,
    "booked": pl.Datetime("us", "UTC"),
}
FORMATS = ["csv", "fixed_width", "jsonl", "parquet", "excel"]

days = st.dates(date(2000, 1, 1), date(2050, 1, 1))
row = st.tuples(
    days,
    st.text('abcdéñ;,"Z09', min_size=1, max_size=10),
    st.none() | st.integers(-999, 9999),
    st.floats(0, 1e6).map(lambda value: round(value, 3)),
    st.booleans(),
    days.map(lambda day: datetime(day.year, day.month, day.day, 15, 30, tzinfo=UTC)),
)


def source(form: str, **more: object) -> SourceSettings:
    told = {"path": "x", "format": form, "columns": COLUMNS, "delimiter": ";", "decimal": ","}
    return SourceSettings.model_validate(told | {"true": "yes", "false": "no"} | more)


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TYPES, orient="row")


@pytest.mark.parametrize("form", FORMATS)
@given(st.lists(row, min_size=1, max_size=8))
def test_what_is_written_is_read_as_it_was(tmp_path_factory, form, rows):
    settings = source(form, timezone="Europe/Madrid")
    path = tmp_path_factory.getbasetemp() / f"written.{form}"
    path.write_bytes(write(frame(rows), settings))
    reading = read(RawFile("", "x", datetime.now(UTC), initial=True, bytes=0), path, settings, source="s")
    assert reading.quarantined.is_empty()
    assert reading.rows.select(list(COLUMNS)).equals(frame(rows))


@pytest.mark.parametrize("form", FORMATS)
def test_equal_rows_are_equal_bytes(form):
    rows = frame([(date(2026, 11, 9), "a", 1, 2.5, True, datetime(2026, 11, 10, tzinfo=UTC))])
    assert write(rows, source(form)) == write(rows, source(form))


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-8-sig"])
def test_text_is_in_the_encoding_of_the_source(tmp_path, encoding):
    settings = source("csv", encoding=encoding)
    rows = frame([(date(2026, 11, 9), "ñandú", None, 2.5, True, datetime(2026, 11, 10, tzinfo=UTC))])
    (tmp_path / "a.csv").write_bytes(write(rows, settings))
    file = RawFile("", "x", datetime.now(UTC), initial=True, bytes=0)
    assert read(file, tmp_path / "a.csv", settings, source="s").rows["store"].to_list() == ["ñandú"]


def test_what_is_too_wide_for_its_column_is_not_cut():
    rows = frame([(date(2026, 11, 9), "a" * 11, 1, 2.5, True, datetime(2026, 11, 10, tzinfo=UTC))])
    with pytest.raises(UsageError, match="wider than the 10 characters of column store"):
        write(rows, source("fixed_width"))
