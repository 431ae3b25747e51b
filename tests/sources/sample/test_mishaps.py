"""What becomes of files on their way: late, missing, spoiled, restated."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from fleetcast.domain.errors import SourceError
from fleetcast.domain.week import WEEK, weeks
from fleetcast.settings import load
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import read
from fleetcast.sources.sample import Retailer, demo, simulate
from fleetcast.sources.sample.mail import Letter, weekly
from fleetcast.sources.sample.mishaps import letters
from fleetcast.sources.sample.troubles import SPECS, WEATHER, Trouble

REGIONS = ("oklahoma", "south-texas", "tennessee", "ohio-valley")
SOURCES = ("deliveries_us", "deliveries_eu", "deliveries_tsv", "deliveries_sunday")


@pytest.fixture(scope="module")
def chain() -> Retailer:
    return simulate(stores=4, products=6, weeks=60, erratic=None).only(REGIONS)


@pytest.fixture(scope="module")
def week(chain) -> date:
    return chain.last - 10 * WEEK


def trouble(kind: str, week: date, subject: str, way: str = "", *, lasts: int | None = None) -> Trouble:
    spec = SPECS[kind]
    return Trouble(kind, week, subject, lasts or spec.weeks, spec.by, way or spec.ways[0])


def sent(chain: Retailer, week: date, *troubles: Trouble) -> list[tuple[str, bytes]]:
    return contents(letters(chain, week, troubles))


def contents(found: Sequence[Letter]) -> list[tuple[str, bytes]]:
    return [(letter.name, letter.content) for letter in found]


def of(source: str, found: Sequence[Letter]) -> list[Letter]:
    return [letter for letter in found if letter.source == source]


def test_without_troubles_all_comes_in_as_it_was_sent(chain, week):
    assert sent(chain, week) == contents(weekly(chain, week))


def test_a_late_file_comes_its_weeks_later_as_it_was(chain, week):
    late = trouble("late", week, "deliveries_eu", lasts=2)
    (usual,) = contents(of("deliveries_eu", weekly(chain, week)))
    came = {number: sent(chain, week + number * WEEK, late) for number in range(4)}
    assert [usual in came[number] for number in range(4)] == [False, False, True, False]


def test_a_missing_file_never_comes_and_all_others_do(chain, week):
    gone = trouble("missing", week, "deliveries_tsv")
    everything = [name for one in weeks(week, chain.last) for name, _ in sent(chain, one, gone)]
    usual = [letter.name for one in weeks(week, chain.last) for letter in weekly(chain, one)]
    (name,) = [letter.name for letter in of("deliveries_tsv", weekly(chain, week))]
    assert sorted([*everything, name]) == sorted(usual)


def test_without_weather_neither_what_came_nor_what_is_forecast_comes_in(chain, week):
    came = {letter.source for letter in letters(chain, week, [trouble("no_weather", week, "weather")])}
    assert came == {letter.source for letter in weekly(chain, week)} - {*WEATHER}


def test_a_corrected_month_was_told_too_low_and_comes_again(chain, week):
    corrected = trouble("corrected", week, "deliveries_sunday", lasts=4)
    span = weeks(week - 8 * WEEK, week - 5 * WEEK)
    (restated,) = of("deliveries_sunday", letters(chain, week, [corrected]))[1:]
    assert restated.name.endswith("_corrected.csv")
    assert restated.rows["week"].unique().sort().to_list() == span
    told = pl.concat([of("deliveries_sunday", letters(chain, one, [corrected]))[0].rows for one in span])
    key = ["week", "store", "product"]
    both = told.join(restated.rows, on=key, suffix="_right")
    lower = both.filter(pl.col("delivered") < pl.col("delivered_right"))
    assert 0 < lower.height < both.height / 4
    assert both.filter(pl.col("delivered") > pl.col("delivered_right")).is_empty()


def used(folder: Path, letter: Letter) -> bool:
    """Whether the reader of its source takes every row of a file."""
    path = folder / "file"
    path.write_bytes(letter.content)
    demo.template(folder / "workspace")
    source = load(folder / "workspace" / demo.SETTINGS).sources[letter.source]
    file = RawFile("", letter.name, datetime(2026, 1, 1, tzinfo=UTC), False, 0)
    try:
        reading = read(file, path, source, source=letter.source)
    except SourceError:
        return False
    return reading.quarantined.is_empty() and reading.rows.height == letter.rows.height


SPOILS = [("corrupted", way) for way in SPECS["corrupted"].ways] + [
    ("schema", way) for way in SPECS["schema"].ways
]


@pytest.mark.parametrize(("kind", "way"), SPOILS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_spoiled_file_cannot_be_used_and_comes_again_when_it_is_mended(
    chain, week, tmp_path, kind, way, source
):
    spoiled = trouble(kind, week, source, way, lasts=1)
    (bad,) = of(source, letters(chain, week, [spoiled]))
    assert not used(tmp_path, bad)
    (usual,) = of(source, weekly(chain, week))
    after = of(source, letters(chain, week + WEEK, [spoiled]))
    assert usual.name in [letter.name for letter in after]
    assert all(used(tmp_path, letter) for letter in after)
