"""How an environment stands, in one dictionary: what `fleetcast status --json` prints."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import polars as pl

from fleetcast.domain.reach import Reach
from fleetcast.domain.tables import COMPLETENESS
from fleetcast.domain.week import label
from fleetcast.fleet import holding, reporting, standings
from fleetcast.fleet.clustering import unclustered
from fleetcast.fleet.drifts import newest
from fleetcast.fleet.quality import qualities
from fleetcast.registry.manifest import Release
from fleetcast.workspace import Workspace


def status(w: Workspace) -> dict[str, Any]:
    """The newest cycle and the live release; fractions, null where there is nothing yet."""
    live = w.registry.releases.current()
    rows = w.lake.read(COMPLETENESS)
    cycle = rows["cycle"].max() if rows.height else None
    everything = rows.filter(pl.col("cycle") == pl.col("cycle").max())
    near = reporting.ahead(w, everything, "short-term")
    due = reporting.active(w, cycle) if cycle else near  # type: ignore[arg-type]
    return {
        "environment": w.environment,
        "cycle": str(cycle) if cycle else None,
        "release": live.id if live else None,
        **_stands(live, near, due, "short-term"),
        "without_pool": reporting.without_pool(near),
        "unclustered": len(unclustered(w, due, cycle)) if cycle else 0,  # type: ignore[arg-type]
        "metrics": reporting.fleet_metrics(w, reporting.scored_rounds(w, live)),
        "held": holding.of(w, label(cycle)) if cycle else None,  # type: ignore[arg-type]
        "failed_over": standings.failed_over(w, live, cycle) if live and cycle else [],  # type: ignore[arg-type]
        "stale": bool(live and cycle and reporting.stale(w, live, cycle)),  # type: ignore[arg-type]
        "long_term": _long_term(w, live, everything),
        "drift": _drift(w),
        "sources": {
            one.source: {finding.check: finding.state for finding in one.findings} for one in qualities(w)
        },
    }


def _drift(w: Workspace) -> dict[str, Any]:
    """How many columns drifted, and which; `fleetcast data drift --json` has them all, with their histograms."""
    found = newest(w)
    states = Counter(one.state for one in found.drifts)
    return {
        "columns": len(found.drifts),
        "undecided": states["no decision"],
        "drifted": [
            {"subject": one.subject, "column": one.column, "psi": one.psi, "limit": one.limit, "p": one.p}
            for one in found.worst
            if one.state == "drift"
        ],
        "jumped": [asdict(one) for one in found.jumps],
    }


def _stands(
    live: Release | None, completeness: pl.DataFrame, due: pl.DataFrame, reach: Reach
) -> dict[str, Any]:
    """The models of a reach, and what became of the series that were `due` from them."""
    members = live.manifest.reaching(reach) if live else {}
    passed = sum(member.passed for member in members.values())
    return {
        "segments": {
            "ensembles": len(members),
            "baselines": len(live.manifest.baselines) if live else 0,
            "passed": passed,
            "failed": len(members) - passed,
        },
        "series": asdict(reporting.counts(completeness, due)),
        "failover": dict(reporting.failovers(completeness)),
    }


def _long_term(w: Workspace, live: Release | None, completeness: pl.DataFrame) -> dict[str, Any] | None:
    """The same of the long-term models; null where the fleet has none."""
    if "long-term" not in w.settings.reaches:
        return None
    rows = reporting.ahead(w, completeness, "long-term")
    cycle = completeness["cycle"].max()
    due = reporting.active(w, cycle, "long-term") if cycle else rows  # type: ignore[arg-type]
    return _stands(live, rows, due, "long-term")
