"""Fixed-width files as they really come."""

import pytest
from tests.sources.conftest import declared, reasons

from fleetcast.domain.errors import SourceError

COLUMNS = {
    "week": {"type": "date", "format": "%Y%m%d", "start": 1, "width": 8},
    "store": {"type": "text", "start": 9, "width": 5},
    "delivered": {"type": "number", "start": 15, "width": 6},
}
GOOD = "2026110900042    3.5\n"


@pytest.fixture
def settings():
    return declared(COLUMNS, format="fixed_width")


def test_00042_stays_00042_and_padding_goes(reading, settings):
    rows = reading(GOOD + "20261109S1       7  \n", settings).rows
    assert rows.select("store", "delivered", "line").rows() == [("00042", 3.5, 1), ("S1", 7.0, 2)]


def test_widths_count_characters_not_bytes(reading):
    settings = declared(COLUMNS, format="fixed_width", encoding="latin-1")
    assert reading("20261109Süd42    3.5\n".encode("latin-1"), settings).rows["store"].to_list() == ["Süd42"]


@pytest.mark.parametrize(
    "line", [GOOD[:-2] + "\n", GOOD[:-1] + "9\n", GOOD.replace("00042 ", "000421"), "\n"]
)
def test_a_line_of_another_length_or_layout_is_set_aside(reading, settings, line):
    result = reading(GOOD + line + GOOD, settings)
    assert reasons(result) == [(2, "ragged")]
    assert result.rows["line"].to_list() == [1, 3]


def test_blanks_after_the_last_column_are_no_fault(reading, settings):
    assert reading(GOOD[:-1] + "   \r\n\n", settings).rows.height == 1


def test_a_fixed_width_file_cut_off_is_refused(reading, settings):
    with pytest.raises(SourceError, match="truncated"):
        reading(GOOD + GOOD[:-1], settings)


def test_an_empty_fixed_width_file_is_refused(reading, settings):
    with pytest.raises(SourceError, match="empty"):
        reading("", settings)
