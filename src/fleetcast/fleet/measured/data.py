"""What sources brought, and how far the tables reach."""

from collections.abc import Iterator
from datetime import date

from fleetcast.domain.tables import Table
from fleetcast.domain.week import WEEK, beginning, known_by
from fleetcast.fleet import arrived, drifts
from fleetcast.fleet.quality import qualities
from fleetcast.telemetry.measures import Measure, Sample, by
from fleetcast.workspace import Workspace

OUTCOMES = ("accepted", "quarantined", "duplicates")


def measures(w: Workspace) -> Iterator[Measure]:
    """All of it, as it is now."""
    yield from _sources(w)
    yield from _lately(w)
    yield from _tables(w)


def _sources(w: Workspace) -> Iterator[Measure]:
    received = {source: w.raw.files(source) for source in w.settings.sources}
    yield by(
        "source",
        "fleetcast_source_received_timestamp_seconds",
        "When a source brought a new file last.",
        {source: files[-1].received.timestamp() for source, files in received.items() if files},
    )
    found = arrived.accounts(w)
    yield Measure(
        "fleetcast_source_rows",
        "Rows of a source by what became of them, in all its files.",
        tuple(
            Sample({"source": one.source, "outcome": outcome}, float(getattr(one, outcome)))
            for one in found
            for outcome in OUTCOMES
        ),
    )
    yield by(
        "source",
        "fleetcast_source_refused_files",
        "Files of a source that could not be read at all.",
        {one.source: float(one.refused) for one in found},
    )


def _lately(w: Workspace) -> Iterator[Measure]:
    """How sources delivered, and what has drifted, as of the newest cycle."""
    yield Measure(
        "fleetcast_source_check_passed",
        "Whether a source delivered as it should, by check; nothing where there is no decision.",
        tuple(
            Sample({"source": one.source, "check": finding.check}, float(finding.state == "ok"))
            for one in qualities(w)
            for finding in one.findings
            if finding.state != "no decision"
        ),
    )
    found = drifts.newest(w).drifts
    yield by(
        "column",
        "fleetcast_drifted_subjects",
        "Segments or regions in which a column has drifted.",
        {
            column: float(sum(one.column == column and one.state == "drift" for one in found))
            for column in sorted({one.column for one in found if one.state != "no decision"})
        },
    )


def _tables(w: Workspace) -> Iterator[Measure]:
    leaves = {name: w.lake.leaves(table) for name, table in w.base_tables.items()}
    yield by(
        "table",
        "fleetcast_table_rows",
        "Rows of a table, corrections included.",
        {name: float(sum(leaf.rows for leaf in found)) for name, found in leaves.items()},
    )
    newest = {
        name: date.fromisoformat(max(leaf.week for leaf in found))
        for name, found in leaves.items()
        if found and _weekly(w.base_tables[name])
    }
    yield by(
        "table",
        "fleetcast_table_newest_week_timestamp_seconds",
        "First moment of the newest week that a table has rows of.",
        {name: beginning(week).timestamp() for name, week in newest.items()},
    )
    ready = w.settings.calendar.ready_after_days
    yield by(
        "table",
        "fleetcast_table_due_timestamp_seconds",
        "By when rows of the week after that one are to be there.",
        {name: known_by(week + WEEK, ready).timestamp() for name, week in newest.items()},
    )


def _weekly(table: Table) -> bool:
    return table.dated == "week"
