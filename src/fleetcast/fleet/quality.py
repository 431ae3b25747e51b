"""The quality of what the sources delivered lately, read from accounts, quarantine and kept histograms."""

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import QUARANTINE
from fleetcast.domain.week import of_label
from fleetcast.fleet import arrived, drifts
from fleetcast.monitoring.arrivals import Arrived
from fleetcast.monitoring.quality import Quality, quality
from fleetcast.workspace import Workspace


def qualities(w: Workspace, source: str | None = None) -> list[Quality]:
    """Of every source, or the one that is named, as of the newest cycle; nothing before the first one."""
    if source is not None and source not in w.settings.sources:
        raise UsageError(f"{source} is no source; there are {', '.join(sorted(w.settings.sources))}")
    cycles = w.ledger.cycles()
    if not cycles:
        return []
    known, week = drifts.newest(w).drifts, of_label(cycles[-1].cycle)
    return [
        quality(one, failed=_failed(w, one), drifts=known)
        for one in sorted(arrived.arrived(w, week, due=week), key=lambda one: one.source)
        if source in (None, one.source)
    ]


def _failed(w: Workspace, one: Arrived) -> dict[str, int]:
    """Rows of its new files that were set aside, by code, the most frequent first."""
    files = pl.col("file").is_in([file.file for file in one.files])
    rows = w.lake.read(QUARANTINE, partition=one.source, where=files & (pl.col("line") > 0))
    counted = rows.group_by("reason").len("rows").sort("rows", "reason", descending=[True, False])
    return dict(counted.iter_rows())
