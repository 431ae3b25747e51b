"""How an environment stands, in one dictionary: what `fleetcast status --json` prints."""

from typing import Any

import polars as pl

from fleetcast.domain.tables import COMPLETENESS
from fleetcast.fleet import reporting
from fleetcast.fleet.clustering import unclustered
from fleetcast.workspace import Workspace


def status(w: Workspace) -> dict[str, Any]:
    """The newest cycle and the live release; fractions, null where there is nothing yet."""
    live = w.registry.releases.current()
    rows = w.lake.read(COMPLETENESS)
    cycle = rows["cycle"].max() if rows.height else None
    newest = rows.filter(pl.col("cycle") == pl.col("cycle").max())
    due = reporting.active(w, cycle) if cycle else newest  # type: ignore[arg-type]
    series = reporting.counts(newest, due)
    members = live.manifest.members if live else {}
    passed = sum(member.passed for member in members.values())
    return {
        "environment": w.environment,
        "cycle": str(cycle) if cycle else None,
        "release": live.id if live else None,
        "segments": {
            "ensembles": len(members),
            "baselines": len(live.manifest.baselines) if live else 0,
            "passed": passed,
            "failed": len(members) - passed,
        },
        "series": {
            "active": series.active,
            "published": series.published,
            "coded": series.coded,
            "missing": series.missing,
        },
        "failover": dict(reporting.failovers(newest)),
        "without_pool": reporting.without_pool(newest),
        "unclustered": len(unclustered(w, due, cycle)) if cycle else 0,  # type: ignore[arg-type]
        "metrics": reporting.fleet_metrics(w, reporting.scored_rounds(w, live)),
        "stale": bool(live and cycle and reporting.stale(w, live, cycle)),  # type: ignore[arg-type]
    }
