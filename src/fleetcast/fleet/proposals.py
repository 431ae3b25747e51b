"""What a release would change if it became live, as a plan: models, errors, volume, packages, cost, and who decides."""

import json
from collections.abc import Iterator, Mapping

import polars as pl

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.week import label
from fleetcast.fleet import promoting, rehearsals, releases, reporting
from fleetcast.fleet.report import PackageChange, ReleasePlan
from fleetcast.metrics import mape
from fleetcast.registry.manifest import Manifest, Release
from fleetcast.workspace import Workspace

KEY = ["segment", "origin", "week", "store", "product"]


def plan(w: Workspace, before: str | None, after: str) -> ReleasePlan:
    """The plan from one release, by default the live one, to another."""
    new = releases.named(w, after)
    live = w.registry.releases.current()
    old = releases.named(w, before) if before else live
    rehearsed = rehearsals.of(w, new)
    errors = _errors(w, old, new)
    changes = releases.changes(w, old, new) if old else releases.members(new)
    return ReleasePlan(
        before=old.id if old else None,
        after=new.id,
        kind=new.manifest.kind,
        cutoff=new.manifest.cutoff,
        changes=tuple(sorted(promoting.changes(new.manifest, old.manifest))) if old else (),
        segments=tuple(changes),
        of=len(new.manifest.members),
        errors=errors,
        volumes=dict(rehearsed.volumes) if rehearsed else {},
        volume=rehearsed.change if rehearsed else None,
        packages=tuple(_packages(w, old.manifest, new.manifest)) if old else (),
        cpu_seconds=_cost(w, new),
        cpu_seconds_before=_cost(w, old) if old else None,
        decision=promoting.decide(w, new, live) if live is None or new.id != live.id else None,
    )


def _errors(
    w: Workspace, old: Release | None, new: Release
) -> Mapping[str, tuple[float | None, float | None]]:
    """MAPE of both, by segment, over the rows that both have forecast out of sample."""
    if old is None:
        return {}
    theirs, ours = (reporting.scored_rounds(w, release) for release in (old, new))
    both = ours.select(*KEY, "units", "mape").join(
        theirs.select(*KEY, pl.col("mape").alias("before")), on=KEY, how="inner"
    )
    found = both.group_by("segment").agg(
        mape("units", "before").alias("before"), mape("units", "mape").alias("after")
    )
    return {segment: (before, after) for segment, before, after in found.sort("segment").iter_rows()}


def _packages(w: Workspace, old: Manifest, new: Manifest) -> Iterator[PackageChange]:
    """The installed packages that differ; none where an older release did not keep its list."""
    if old.lock == new.lock:
        return
    try:
        before, after = (dict(_named(w, manifest.lock)) for manifest in (old, new))
    except CorruptError:
        return
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield PackageChange(name, before.get(name), after.get(name))


def _named(w: Workspace, lock: str) -> Iterator[tuple[str, str]]:
    for package in json.loads(w.bank.get(lock)):
        name, _, version = package.partition("==")
        yield name, version


def _cost(w: Workspace, release: Release) -> float:
    """CPU seconds that the trainings of a release's cycle took."""
    steps = w.ledger.steps(label(release.manifest.cutoff))
    costs = (step.cost for step in steps if step.step.startswith("train"))
    return sum(cost.cpu_seconds for cost in costs if cost is not None)
