"""One source: what it brought file by file, what was set aside of it, and the versions of the tables it fills."""

from collections.abc import Sequence
from datetime import datetime

from starlette.responses import Response

from fleetcast.conditioning.account import Delivery
from fleetcast.faces.web import numbers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.sparkline import path
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed, twin
from fleetcast.faces.web.words import called, say
from fleetcast.fleet.report import TableChange
from fleetcast.reading.data_versions import VersionRow, difference, versions
from fleetcast.reading.quarantine import FailedCheck, Nulls, SetAside, failed_checks, nulls, sample
from fleetcast.reading.runs import incident_lines
from fleetcast.reading.sources import account_of, seen_until, source

TALL, WIDE = 48.0, 240.0  # pixels of the picture of its weeks


def one_source(visit: Visit) -> Response:
    """The page of a source; a query chooses a check whose rows are shown, and two versions to be compared."""
    row, w = source(visit.w, visit.request.path_params["source"], visit.asof), visit.w
    whole = visit.regions is None
    reason = visit.query.get("check", "")
    known = versions(w, row.tables, visit.asof)
    newest = {one.table: one.version for one in reversed(known)} if visit.asof else None
    return visit.render(
        "source.html",
        "data",
        row.source,
        row=row,
        weekly=_drawn(row.weekly),
        tall=TALL,
        wide=WIDE,
        files=_files(visit).shown(visit.query),
        checks=failed_checks(w, visit.regions, row.source, _until(visit)),
        check_columns=CHECKS,
        reason=reason,
        sample=sample(w, visit.regions, row.source, reason=reason, until=_until(visit))
        if whole and row.quarantined + row.refused
        else [],
        sample_columns=SAMPLE,
        whole=whole,
        nulls=[one for one in nulls(w, row.tables, newest) if one.empty],
        null_columns=NULLS,
        versions=known,
        version_columns=_versions(visit),
        incidents=[
            one
            for one in incident_lines(w, visit.regions, standing=False, asof=visit.asof)
            if one.source == row.source
        ],
        compared=_compared(visit, row.tables),
        asked={name: visit.query.get(name, "") for name in ("table", "from", "to")},
    )


def source_twin(visit: Visit, kind: Kind) -> Response:
    """Its files."""
    return listed(kind, f"data-{visit.request.path_params['source']}", _files(visit), visit.query)


def quarantine_twin(visit: Visit, kind: Kind) -> Response:
    """The rows that were set aside, as they came."""
    row = source(visit.w, visit.request.path_params["source"])
    reason = visit.query.get("check", "")
    rows = sample(visit.w, visit.regions, row.source, reason=reason, until=_until(visit))
    return twin(kind, f"quarantine-{row.source}", SAMPLE, rows)


def _until(visit: Visit) -> datetime | None:
    """Until when files count that somebody looks at."""
    return None if visit.asof is None else seen_until(visit.w, visit.asof)


def _files(visit: Visit) -> Listing[Delivery]:
    """Of the whole fleet, names of files as well: nobody else is told any."""
    account = account_of(visit.w, source(visit.w, visit.request.path_params["source"]).source, visit.asof)
    files = account.deliveries if account and visit.regions is None else ()
    return Listing(FILES, files, "-received")


def _compared(visit: Visit, tables: Sequence[str]) -> TableChange | None:
    table, before, after = (visit.query.get(name, "") for name in ("table", "from", "to"))
    return difference(visit.w, table, before, after) if table in tables and before and after else None


def _drawn(weekly: Sequence[int]) -> str:
    """Rows of its newest weeks as bars, on a scale that begins at none."""
    if not weekly:
        return ""
    step, top = WIDE / len(weekly), max(weekly)
    bars = []
    for place, rows in enumerate(weekly):
        x, y = place * step, TALL - TALL * rows / top
        bars.append(path([(x, TALL), (x, y), (x + step - 3, y), (x + step - 3, TALL)]) + "z")
    return "".join(bars)


FILES: Sequence[Column[Delivery]] = (
    Column("file", lambda one: one.file),
    Column("received", lambda one: one.received, lambda one: one.received[:16].replace("T", " ") + " UTC"),
    Column("rows", lambda one: one.rows, lambda one: numbers.whole(one.rows), number=True),
    Column(
        "quarantined", lambda one: one.quarantined, lambda one: numbers.whole(one.quarantined), number=True
    ),
    Column(
        "share",
        lambda one: one.quarantined / one.rows if one.rows else None,
        lambda one: numbers.percent(one.quarantined / one.rows if one.rows else None, beside=0.0),
        number=True,
    ),
    Column("refused", lambda one: one.refused or None, css=lambda one: "past" if one.refused else ""),
)
CHECKS: Sequence[Column[FailedCheck]] = (
    Column("check", lambda one: one.reason),
    Column("rows", lambda one: one.rows, lambda one: numbers.whole(one.rows), number=True),
    Column("files", lambda one: one.files, lambda one: numbers.whole(one.files), number=True),
    Column("detail", lambda one: one.detail or None),
)
SAMPLE: Sequence[Column[SetAside]] = (
    Column("file", lambda one: one.file),
    Column("line", lambda one: one.line, lambda one: numbers.whole(one.line), number=True),
    Column("check", lambda one: one.reason),
    Column("detail", lambda one: one.detail),
    Column("text", lambda one: one.text or None, css=lambda _: "raw"),
)
NULLS: Sequence[Column[Nulls]] = (
    Column("table", lambda one: one.table),
    Column("column", lambda one: one.column),
    Column("empty", lambda one: one.empty, lambda one: numbers.whole(one.empty), number=True),
    Column(
        "share",
        lambda one: one.empty / one.rows,
        lambda one: numbers.percent(one.empty / one.rows, beside=0.0),
        number=True,
    ),
)


def _versions(visit: Visit) -> Sequence[Column[VersionRow]]:
    return (
        Column("table", lambda one: one.table),
        Column(
            "version",
            lambda one: one.version,
            lambda one: one.version[:12],
            link=lambda one: visit.at(f"/lineage/table/{one.table}@{one.version}") if one.cycle else None,
        ),
        Column("cycle", lambda one: one.cycle or None, lambda one: one.cycle or say("data.not_read")),
        Column("change", lambda one: one.kind, lambda one: called(one.kind, "change")),
        Column("rows", lambda one: one.rows, lambda one: numbers.whole(one.rows), number=True),
        Column("grown", lambda one: one.change, lambda one: numbers.change(one.change), number=True),
        Column("weeks", lambda one: one.first, lambda one: f"{one.first} – {one.last}" if one.first else "–"),
    )
