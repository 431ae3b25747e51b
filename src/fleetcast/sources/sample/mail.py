"""The files that the retailer's senders send: an opening load, and week by week what is new."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import label
from fleetcast.sources.sample import reports
from fleetcast.sources.sample.files import SENDERS, US
from fleetcast.sources.sample.reports import SENT, Report
from fleetcast.sources.sample.retailer import DEPOT, Retailer


@dataclass(frozen=True)
class Letter:
    """A file on its way: the source it is of, its name below the data folder, its rows, and how they are written."""

    source: str
    name: str
    rows: pl.DataFrame
    write: Callable[[pl.DataFrame], bytes]

    @property
    def content(self) -> bytes:
        return self.write(self.rows)

    def deliver(self, folder: Path) -> None:
        """Put it where its source looks for it; a file of that name gives way."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)


def opening(retailer: Retailer, week: date) -> list[Letter]:
    """What has been sent up to a week, each source's in one file."""
    letters = []
    for report in _reports(retailer):
        known = pl.col(SENT) <= week if SENT in report.rows.columns else pl.lit(value=True)
        letters.append(_letter(report, report.rows.filter(known), f"until_{label(week)}"))
    return [letter for letter in letters if letter.rows.height]


def weekly(retailer: Retailer, week: date) -> list[Letter]:
    """What is sent new in a week; of a source that has one file, the whole of it when something is new in it."""
    letters = []
    for report in _reports(retailer):
        if SENT not in report.rows.columns or report.rows.filter(pl.col(SENT) == week).is_empty():
            continue
        now = pl.col(SENT) <= week if report.whole else pl.col(SENT) == week
        letters.append(_letter(report, report.rows.filter(now), label(week)))
    return letters


def _letter(report: Report, rows: pl.DataFrame, stamp: str) -> Letter:
    return Letter(report.source, report.name.format(stamp), rows.drop(SENT, strict=False), report.write)


def _reports(retailer: Retailer) -> Iterator[Report]:
    sold = retailer.past.join(
        retailer.stores.select("store", "region", "name"), on="store", maintain_order="left"
    )
    if DEPOT in sold["region"]:
        raise UsageError(f"{DEPOT} keeps a database and sends no files; leave it out")
    yield from _deliveries(sold)
    yield reports.returns(sold, retailer)
    yield from reports.masters(retailer)
    yield from reports.plans(retailer)


def _deliveries(sold: pl.DataFrame) -> Iterator[Report]:
    """One report of each sender, and of each region of those that send them apart."""
    region = pl.col("region")
    told = sold.with_columns(pl.col("week").alias(SENT))
    for sender in dict.fromkeys([US, *SENDERS.values()]):
        mine = [
            name for name in sold["region"].unique(maintain_order=True) if SENDERS.get(name, US) == sender
        ]
        for names in [[name] for name in mine] if sender.by_region else [mine]:
            prefix = f"{names[0]}_" if sender.by_region else ""
            folder = sender.source.removeprefix("deliveries_")
            rows = told.filter(region.is_in(names))
            yield Report(
                sender.source, f"deliveries/{folder}/{prefix}{{}}.{sender.ending}", "week", rows, sender.write
            )
