"""`cd`: an artifact's week in an environment, in three verbs: validate the model, promote, score."""

from collections.abc import Callable, Sequence
from datetime import date

from fleetcast.delivery.report import Check, Finding, Report, State
from fleetcast.delivery.verb import Verb
from fleetcast.domain.errors import UsageError
from fleetcast.fleet import promoting, run, telling
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.report import CycleReport, Rehearsal, SourceLine
from fleetcast.registry.manifest import Release
from fleetcast.workspace import Workspace


def validate_model(w: Workspace, *, week: date | None, progress: Progress, actor: str) -> Report:
    """Take in the data, train and judge every model, cut a release, and rehearse it; nothing becomes live by it."""
    verb = _begun(w, "cd validate-model")

    def work() -> CycleReport:
        return run.run_cycle(w, week=week, only="validate", progress=progress, actor=actor)

    made = verb.check(
        "models", work, lambda report: f"{len(report.verdicts)} judged, of the week {report.cycle}"
    )
    if made is not None:
        verb.add(_data(made.sources), gate(made), _rehearsal(made))
        verb.about(release=made.release, week=made.cycle.isoformat())
    return verb.report()


def promote(w: Workspace, name: str | None, *, progress: Progress, actor: str, reason: str) -> Report:
    """Make the newest release that this code has made live, if the policy allows it."""
    verb = _begun(w, "cd promote")
    release = _newest(w) if name is None else w.registry.releases.get(name)

    def work() -> str:
        with recorded(w, release.id, actor=actor):
            w.refuse_checkout()
        live = w.ledger.pointer()
        if promoting.unrehearsed(w, release):
            run.rehearse(w, release, progress=progress, actor=actor)
        promoting.promote(w, release, actor=actor, reason=reason, attended=False, over=live)
        return (
            "live already" if live == release.id else f"live, instead of {live[:12] if live else 'nothing'}"
        )

    verb.about(release=release.id, week=release.manifest.cutoff.isoformat())
    with telling.delivered(w):
        verb.check("promotion", work, str)
    return verb.report()


def score(w: Workspace, *, week: date | None, progress: Progress, actor: str) -> Report:
    """Forecast with the live release, publish, and hold earlier forecasts against what was sold."""
    verb = _begun(w, "cd score")

    def work(only: run.Only) -> Callable[[], CycleReport]:
        return lambda: run.run_cycle(w, week=week, only=only, progress=progress, actor=actor)

    made = verb.check("score", work("score"), _published, _held)
    if made is not None:
        verb.about(release=made.release, week=made.cycle.isoformat())
        verb.check("monitor", work("monitor"), lambda _: "earlier forecasts met what was sold")
    return verb.report()


def _begun(w: Workspace, name: str) -> Verb:
    verb = Verb(name, w.clock(), environment=w.environment)
    if w.artifact:
        verb.about(artifact=w.artifact.id, commit=w.artifact.commit)
    return verb


def _published(made: CycleReport) -> str:
    return f"{made.series.published:,} of {made.series.active:,} series of {made.cycle}"


def _held(made: CycleReport) -> list[Finding]:
    return [Finding("held", made.held.reason)] if made.held else []


def _newest(w: Workspace) -> Release:
    """The newest release cut by the code that runs here."""
    own = w.artifact.id if w.artifact else None
    for release in reversed(w.registry.releases.list()):
        if (release.manifest.artifact, release.manifest.code) == (
            own,
            w.code,
        ) and release.manifest.kind != "rollback":
            return release
    what = f"artifact {own[:12]}" if own else "this checkout"
    raise UsageError(
        f"{what} has made no release in {w.environment} yet; run `fleetcast cd validate-model` first"
    )


def _data(sources: Sequence[SourceLine]) -> Check:
    """Whether every row that came in is accounted for, and what was quarantined."""
    open_ends = [line for line in sources if not line.closes]
    findings = [
        Finding("conservation", f"{line.source}: rows are missing from the account") for line in open_ends
    ]
    findings += [
        Finding("quarantine", f"{line.source}: {line.quarantined:,} of {line.rows:,} rows", level="warning")
        for line in sources
        if line.quarantined
    ]
    rows = sum(line.rows for line in sources)
    says = (
        f"{rows:,} rows of {len(sources)} sources, {sum(line.quarantined for line in sources):,} quarantined"
    )
    return Check("data", "failed" if open_ends else "passed", says, tuple(findings))


def gate(made: CycleReport) -> Check:
    """Whether enough models passed, and why others did not."""
    findings = tuple(
        Finding("gate", f"{verdict.segment}: {verdict.reason}", level="warning" if made.quorum else "error")
        for verdict in made.verdicts
        if not verdict.passed
    )
    says = f"{made.passed} of {len(made.verdicts)} segments passed" + (
        "" if made.quorum else ": the quorum is missed"
    )
    metrics = {name: value for name, value in made.metrics.items() if value is not None}
    return Check("gate", "passed" if made.quorum else "failed", says, findings, evidence={"metrics": metrics})


def _rehearsal(made: CycleReport) -> Check:
    found = made.rehearsed
    if found is None:
        return Check("rehearsal", "skipped", "nothing was trained anew, so the live release stays as it is")
    evidence = {"change": found.change, "volumes": {name: list(both) for name, both in found.volumes.items()}}
    state: State = "passed" if found.passed else "failed"
    return Check("rehearsal", state, found.text, unserved(found), evidence=evidence)


def unserved(found: Rehearsal) -> tuple[Finding, ...]:
    """The models that would not serve their segments, and why."""
    ill = {**found.unserved, **found.failed}
    return tuple(Finding("rehearsal", f"{name}: {why}") for name, why in sorted(ill.items()))
