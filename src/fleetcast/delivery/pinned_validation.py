"""Model validation on the data that `data.lock` pins: what dev will make of them, tried in a copy of dev."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl

from fleetcast import workspace
from fleetcast.delivery import git
from fleetcast.delivery.copying import copy_state
from fleetcast.delivery.deployment import gate, unserved
from fleetcast.delivery.notebooks.fleet_diff import SCHEMA, FleetDiff
from fleetcast.delivery.notebooks.local import STATE, workspace_for_trying
from fleetcast.delivery.report import Check, Finding, Report
from fleetcast.delivery.verb import Verb
from fleetcast.domain.errors import DataError, InfrastructureError, UsageError
from fleetcast.domain.versions import Snapshot
from fleetcast.fleet import pins, proposals, run
from fleetcast.fleet.cutoff import cutoff
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.report import CycleReport, ReleasePlan
from fleetcast.ledger.store import Ledger
from fleetcast.registry.store import Registry
from fleetcast.workspace import Workspace

NAME = "ci model-validation --pinned"
ENVIRONMENT = "dev"  # the one that reads what the lock of a checkout pins


def verb(
    folder: Path, place: Path, *, clock: Callable[[], datetime], progress: Progress, actor: str
) -> Report:
    """Train and judge beside the champions that are live in dev; all of it happens in `place`, and dev stays as it is."""
    folder = folder.resolve()
    done = Verb(NAME, clock(), workspace=folder.name, environment=ENVIRONMENT, **git.subject(folder))
    dev = workspace.open(folder, environment=ENVIRONMENT, clock=clock)
    pinned = pins.locked(dev)
    if pinned is None:
        done.add(_nothing(f"there is no {pins.LOCK_FILE}: {ENVIRONMENT} reads the newest data"))
        return done.report()
    done.about(snapshot=pinned.digest)
    live = done.check("data", lambda: _live(dev, pinned), lambda live: _told(pinned, live))
    if live:
        done.add(_nothing(f"{ENVIRONMENT} has models of these data"))
    elif live is False:  # and not None, where nobody could look
        w = done.check(
            "copy", lambda: _copy(dev, place, actor), lambda _: f"the state of {ENVIRONMENT}, apart"
        )
        if w is not None:
            _tried(done, w, progress, actor)
    return done.report()


def _tried(done: Verb, w: Workspace, progress: Progress, actor: str) -> None:
    made = done.check(
        "models",
        lambda: run.run_cycle(w, only="train", progress=progress, actor=actor),
        lambda report: f"{len(report.verdicts)} judged, of the week {report.cycle}",
    )
    if made is None or made.release is None:
        return
    release = w.registry.releases.get(made.release)
    done.about(week=made.cycle.isoformat())
    done.add(gate(made))
    done.check(
        "rehearsal",
        lambda: run.rehearse(w, release, progress=progress, actor=actor),
        lambda found: found.text,
        unserved,
    )
    done.add(_fleet(made, proposals.plan(w, None, release.id)))


def _nothing(why: str) -> Check:
    return Check("models", "skipped", f"nothing to validate: {why}")


def _live(dev: Workspace, pinned: Snapshot) -> bool:
    """Whether the live release was made of these base tables; whoever wrote dev's ledger, it is read as it stands."""
    if isinstance(dev.ledger_at, Path) and not dev.ledger_at.is_file():
        raise InfrastructureError(
            f"{pins.LOCK_FILE} pins data of {ENVIRONMENT}, and its state is not in {dev.state}: this has to run where it is"
        )
    with Ledger.open(dev.ledger_at, dev.clock, older="keep") as ledger:
        live = Registry(ledger, dev.bank, ENVIRONMENT).releases.current()
    made_of = json.loads(dev.bank.get(live.manifest.snapshot)) if live else {}
    return all(made_of.get(name) == version for name, version in pinned.tables)


def _told(pinned: Snapshot, live: bool) -> str:
    return (
        f"{pinned.digest[:12]}, of which what is live in {ENVIRONMENT} was {'made' if live else 'not made'}"
    )


def _copy(dev: Workspace, place: Path, actor: str) -> Workspace:
    """The checkout's code with a copy of dev's state, which has the data that are pinned."""
    folder = workspace_for_trying(dev.folder, place / "workspace", home=dev.home)
    copy_state(dev, folder / STATE)
    w = workspace.open(folder, environment=ENVIRONMENT, data=dev.address.data, clock=dev.clock, apart=True)
    try:
        cutoff(w, None, pins.admit(w, actor=actor))
    except UsageError as error:
        # Dev never had these data, or is past them: what is wrong is the lock, and not this command.
        raise DataError(str(error)) from error
    return w


def _fleet(made: CycleReport, plan: ReleasePlan) -> Check:
    """What becomes of the fleet, segment by segment on the same rows; told, for the gate is what decides."""
    found = _fleet_diff(made, plan)
    findings = tuple(
        Finding("worse", f"{row['segment']}: MAPE {row['before']:.1%} → {row['after']:.1%}", level="note")
        for row in found.worst.iter_rows(named=True)
    )
    return Check("fleet", "passed", str(found).splitlines()[0], findings, evidence=found.as_dict())


def _fleet_diff(made: CycleReport, plan: ReleasePlan) -> FleetDiff:
    rows = []
    for verdict in made.verdicts:
        before, after = plan.errors.get(verdict.segment, (None, verdict.mape))
        change = None if before is None or after is None else after - before
        told = {"segment": verdict.segment, "passed": verdict.passed, "reason": verdict.reason}
        rows.append({**told, "before": before, "after": after, "change": change})
    frame = pl.DataFrame(rows, schema=SCHEMA).sort(
        "change", "segment", descending=[True, False], nulls_last=True
    )
    return FleetDiff(frame, plan.cpu_seconds_before or 0.0, plan.cpu_seconds, plan.volume, made.quorum)
