"""The retailer's raw files: who sends what in which layout, and the troubles that come with it.

Late files, restated months, a file sent twice and lines that are wrong are planted on purpose; `Planted` names each.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.sources.sample import layouts, reports
from fleetcast.sources.sample.retailer import DEPOT, Retailer


@dataclass(frozen=True, slots=True)
class Sender:
    """One way deliveries arrive: source, ending, layout; a file per year, and per region where `by_region`."""

    source: str
    ending: str
    write: Callable[[pl.DataFrame], bytes]
    by_region: bool = False


US = Sender("deliveries_us", "csv", layouts.us_csv, by_region=True)
EU = Sender("deliveries_eu", "csv", layouts.eu_csv)
TSV = Sender("deliveries_tsv", "tsv", layouts.tsv)
SUNDAY = Sender("deliveries_sunday", "csv", layouts.sunday_csv)
FIXED = Sender("deliveries_fixed", "txt", layouts.fixed_width)
JSON = Sender("deliveries_json", "jsonl", layouts.json_lines)
PARQUET = Sender(
    "deliveries_parquet",
    "parquet",
    lambda rows: layouts.parquet(rows.select("week", "store", "product", "delivered")),
)

SENDERS = {
    "south-texas": EU,
    "louisiana": EU,
    "tennessee": TSV,
    "alabama": TSV,
    "north-florida": JSON,
    "carolinas": PARQUET,
    "virginia": FIXED,
    "ohio-valley": SUNDAY,
    "great-lakes": SUNDAY,
}  # every other region: US

LATE = "virginia"  # its last two weeks come in a file of their own
CORRECTED = "georgia"  # one month of it was understated, and restated weeks later
TWICE = "north-texas"  # one of its files was sent twice
RESTATED = (22, 19)  # weeks before the last one, first and last restated


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that must be quarantined, and why."""

    source: str
    file: str
    line: int
    reason: str


@dataclass
class Planted:
    """The troubles in the files: lines to be quarantined, rows that stand twice, files late or corrected."""

    bad: list[BadLine] = field(default_factory=list)
    duplicates: dict[str, int] = field(default_factory=dict)  # by source
    late: str | None = None
    corrected: str | None = None
    sound: bool = False  # no line is to be wrong


def write(retailer: Retailer, folder: Path, *, sound: bool = False) -> Planted:
    """Write all raw files below `folder` and say what was planted in them; in `sound` ones no line is wrong."""
    planted = Planted(sound=sound)
    for name, content in _files(retailer, planted):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return planted


def _files(retailer: Retailer, planted: Planted) -> Iterator[tuple[str, bytes]]:
    sold = retailer.past.join(
        retailer.stores.select("store", "region", "name"), on="store", maintain_order="left"
    )
    by_region = {
        key[0]: rows for key, rows in sold.partition_by("region", as_dict=True, maintain_order=True).items()
    }
    yield from _deliveries(by_region, retailer, planted)
    yield from _returns(sold.filter(pl.col("region") != DEPOT), retailer, planted)
    if DEPOT in by_region:
        yield (
            "south-florida/depot.db",
            layouts.database(by_region[DEPOT], pickups(by_region[DEPOT], retailer)),
        )
    for report in (*reports.masters(retailer), *reports.plans(retailer)):
        yield from ((name, content) for _, name, content in _yearly(report))


def _deliveries(
    by_region: dict[object, pl.DataFrame], retailer: Retailer, planted: Planted
) -> Iterator[tuple[str, bytes]]:
    batches: dict[tuple[Sender, str], list[pl.DataFrame]] = {}
    for region, rows in by_region.items():
        if region == DEPOT:
            continue
        sender, name = SENDERS.get(str(region), US), str(region)
        told = _understated(rows, retailer) if region == CORRECTED else rows
        told = told.filter(pl.col("week") <= retailer.last - 2 * WEEK) if region == LATE else told
        batches.setdefault((sender, f"{name}_" if sender.by_region else ""), []).append(told)

    for (sender, prefix), parts in batches.items():
        for year, rows in _by_year(pl.concat(parts), "week"):
            name = f"deliveries/{sender.source.removeprefix('deliveries_')}/{prefix}{year}.{sender.ending}"
            content = _spoiled(sender.write(rows), name, sender.source, year, retailer, planted)
            yield name, content
            if prefix == f"{TWICE}_" and year == max(retailer.first.year, retailer.last.year - 1):
                yield name.replace(".csv", " (copy).csv"), content
                planted.duplicates[US.source] = planted.duplicates.get(US.source, 0) + rows.height

    yield from _afterwards(by_region, retailer, planted)


def _afterwards(
    by_region: dict[object, pl.DataFrame], retailer: Retailer, planted: Planted
) -> Iterator[tuple[str, bytes]]:
    """The restated month and the late weeks, with the day they were issued in the file's name."""
    if CORRECTED in by_region:
        first, last = (retailer.last - weeks * WEEK for weeks in RESTATED)
        issued = layouts.day_stamp(last + timedelta(days=37))
        planted.corrected = f"deliveries/us_corrections/{CORRECTED}_{first:%Y-%m}_issued_{issued}.csv"
        restated = by_region[CORRECTED].filter(pl.col("week").is_between(first, last))
        yield planted.corrected, layouts.us_csv(restated)
    if LATE in by_region:
        issued = layouts.day_stamp(retailer.last + timedelta(days=8))
        planted.late = f"deliveries/fixed_late/{LATE}_issued_{issued}.txt"
        late = by_region[LATE].filter(pl.col("week") > retailer.last - 2 * WEEK)
        yield planted.late, layouts.fixed_width(late)


def _understated(rows: pl.DataFrame, retailer: Retailer) -> pl.DataFrame:
    """The corrected month as it was first told: every second drop is missing a quarter."""
    first, last = (retailer.last - weeks * WEEK for weeks in RESTATED)
    wrong = pl.col("week").is_between(first, last) & (pl.int_range(pl.len()) % 2 == 0)
    short = (pl.col("delivered") * 3 // 4).clip(lower_bound=1)
    return rows.with_columns(pl.when(wrong).then(short).otherwise("delivered").alias("delivered"))


def _returns(sold: pl.DataFrame, retailer: Retailer, planted: Planted) -> Iterator[tuple[str, bytes]]:
    report = reports.returns(sold, retailer)
    for year, name, content in _yearly(report):
        yield name, _spoiled(content, name, report.source, year, retailer, planted)


def pickups(sold: pl.DataFrame, retailer: Retailer) -> pl.DataFrame:
    """What was picked up each week, whatever delivery it was from; columns week, store, product, units."""
    return (
        reports.visited(sold, retailer)
        .group_by("visit_week", "store", "product")
        .agg(pl.col("units").sum())
        .rename({"visit_week": "week"})
        .sort("week", "store", "product")
    )


def _yearly(report: reports.Report) -> Iterator[tuple[int, str, bytes]]:
    """Year, name and content of each file of a report."""
    if report.whole:
        yield 0, report.name, report.write(_told(report.rows))
        return
    for year, rows in _by_year(report.rows, report.dated):
        yield year, report.name.format(year), report.write(_told(rows))


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop(reports.SENT, strict=False)


def _by_year(frame: pl.DataFrame, column: str) -> Iterator[tuple[int, pl.DataFrame]]:
    year = frame[column].dt.year()
    for number in year.unique().sort():
        yield number, frame.filter(year == number)


def _spoiled(
    content: bytes, name: str, source: str, year: int, retailer: Retailer, planted: Planted
) -> bytes:
    """The last year's file of some sources, with wrong lines in it."""
    if planted.sound or year != retailer.last.year or (source == US.source and f"/{TWICE}_" not in name):
        return content
    store, product = retailer.stores["store"][0], retailer.products["product"][0]
    lines = list(_wrong_lines(source, content, week=retailer.last - WEEK, store=store, product=product))
    planted.bad += [BadLine(source, name, line, reason) for line, _, reason in lines if reason]
    doubled = sum(not reason for _, _, reason in lines)
    if doubled:
        planted.duplicates[source] = planted.duplicates.get(source, 0) + doubled
    return layouts.with_lines(content, [(line, text) for line, text, _ in lines])


def _wrong_lines(
    source: str, content: bytes, *, week: date, store: str, product: str
) -> Iterator[tuple[int, bytes, str]]:
    """Line number, text and reason of what to put into a file of this source; no reason: a line that stands twice."""
    match source:
        case "deliveries_us":
            day = f"{week:%m/%d/%Y}"
            yield 8, content.split(b"\n", 7)[6], ""
            yield 11, f"{day},{store},{product},12o".encode(), "not_a_number"
            yield 17, f"{day},{store},{product},-6".encode(), "negative_delivery"
            yield 23, f"{day},XX-99,{product},6".encode(), "unknown_store"
            yield 24, f"{day},XX-98,{product},6".encode(), "unknown_store"
            yield 29, f"{day},{store},{product}".encode(), "ragged"
        case "deliveries_eu":
            yield 11, f"{week:%d.%m.%Y};{store};Café;{product};1.23".encode("cp1252"), "wrong_locale"
            yield 19, f"31.02.{week:%Y};{store};Café;{product};12,0".encode("cp1252"), "not_a_date"
        case "deliveries_tsv":
            yield 11, f"{week}\t{store}\t{product}\tn/a".encode(), "not_a_number"
        case "deliveries_fixed":
            yield 11, f"{week:%Y%m%d}{store:<8}{product}   1x2".encode(), "not_a_number"
        case "deliveries_json":
            told = {
                "week": str(week),
                "store": store,
                "product": product,
                "units": None,
                "booked": f"{week} 05:00",
            }
            yield 13, json.dumps(told, separators=(",", ":")).encode(), "empty_field"
        case "returns_statements":
            statement = f"{week + WEEK}T04:00:00Z,{week},{store}"
            yield 11, f"{statement},99999,3".encode(), "unknown_product"
            yield 19, f"{statement},{product},-3".encode(), "negative_return"
        case _:
            pass
