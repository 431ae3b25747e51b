"""Shadows as people ask for them: have a release scored beside the champion, see what it comes to, end it."""

import json
from dataclasses import dataclass
from datetime import date

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.domain.shadows import Labels, Shadow
from fleetcast.domain.week import WEEK, of_label
from fleetcast.fleet import releases, reporting, shadow_evidence, shadowing, telling
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.run import LEASE
from fleetcast.fleet.shadow_evidence import Evidence
from fleetcast.ledger.audit import AuditEvent
from fleetcast.registry.manifest import Release
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ShadowView:
    """A shadow: the cycles it was scored in so far, when its decision is due, and what is known of it."""

    environment: str
    shadow: Shadow
    cycles: tuple[date, ...]
    due: date | None  # None: not all cycles were scored yet, or it has ended
    evidence: Evidence | None


def start(
    w: Workspace,
    name: str,
    *,
    cycles: int,
    labels: Labels,
    promotes: bool,
    actor: str,
    reason: str,
    progress: Progress,
) -> ShadowView:
    """Have a release scored beside the live one in so many cycles, from the next one on."""
    w.refuse_checkout()
    with recorded(w, name, actor=actor):
        _may_promote(w, promotes)
    release, newest = releases.named(w, name), _published(w)
    if release.id == w.ledger.pointer():
        raise UsageError(
            f"release {release.id[:12]} is live: there is nothing to hold it against; name a challenger,"
            " `fleetcast release list` shows all"
        )
    _refuse_unfit(w, release, progress, actor, newest)
    first = max(newest + WEEK, release.manifest.cutoff)  # none that its models have seen the future of
    shadow = Shadow(release.id, first, cycles, actor, reason, labels, promotes)
    with w.ledger.transaction() as transaction:
        transaction.begin_shadow(shadow, AuditEvent(actor, "shadow.start", "", reason))
    return ShadowView(w.environment, shadow, (), None, None)


def stop(w: Workspace, name: str, *, actor: str, reason: str) -> ShadowView:
    """End a shadow before its time; what is known by now is judged and kept."""
    if not reason.strip():
        raise UsageError("a shadow that is ended early needs a reason: write it with --reason")
    view = show(w, name)
    if view.shadow.state != "running":
        raise UsageError(f"the shadow of release {view.shadow.release[:12]} has ended already")
    with telling.delivered(w):
        ended = shadowing.decided(w, view.shadow, view.evidence, actor=actor, why=reason)
    return ShadowView(w.environment, ended, view.cycles, None, view.evidence)


def listed(w: Workspace) -> list[ShadowView]:
    """All shadows, the newest first, without what each comes to."""
    with w.ledger.view() as view:
        found = view.shadows()
    return [_view(w, shadow, shadowing.taken(w, shadow), None) for shadow in reversed(found)]


def show(w: Workspace, name: str) -> ShadowView:
    """The newest shadow of a release: what its decision rests on, or while it runs, what is known by now."""
    release = releases.named(w, name).id
    with w.ledger.view() as view:
        mine = [shadow for shadow in view.shadows() if shadow.release == release]
    if not mine:
        raise UsageError(
            f"release {release[:12]} was never a shadow; `fleetcast release shadow {release[:12]} --cycles 4` makes it one"
        )
    shadow, days = mine[-1], shadowing.taken(w, mine[-1])
    return _view(w, shadow, days, _evidence(w, shadow, days))


def _view(w: Workspace, shadow: Shadow, days: list[date], evidence: Evidence | None) -> ShadowView:
    waits = shadow.state == "running" and len(days) >= shadow.cycles
    due = shadowing.known_in(w, shadow, days) if waits else None
    return ShadowView(w.environment, shadow, tuple(days), due, evidence)


def _evidence(w: Workspace, shadow: Shadow, days: list[date]) -> Evidence | None:
    if shadow.evidence is not None:
        return Evidence.of(json.loads(w.bank.get(shadow.evidence)))
    newest = _published(w)
    snapshot = reporting.snapshot(w, newest)
    if shadow.state != "running" or not days or snapshot is None:
        return None
    return shadow_evidence.gather(w, shadow, days, snapshot, week=newest)


def _published(w: Workspace) -> date:
    """The newest published cycle."""
    cycles = [publication.cycle for publication in w.publications.list()]
    if not cycles:
        raise UsageError(
            f"nothing is published in {w.environment} yet, so there is nothing to stand beside; run `fleetcast run`"
        )
    return of_label(max(cycles))


def _may_promote(w: Workspace, promotes: bool) -> None:
    if promotes and w.environment != "dev":
        raise PolicyRefusal(
            f"nothing becomes live in {w.environment} by itself: leave --promote out, and when it is decided,"
            " promote it by `fleetcast release approve` and `fleetcast release promote`",
            name="shadow_promotion",
        )


def _refuse_unfit(w: Workspace, release: Release, progress: Progress, actor: str, week: date) -> None:
    """A challenger that cannot be scored on what the environment makes of its data today is no challenger."""
    with w.ledger.lease("cycle", actor, LEASE) as lease:
        cycle = Cycle(w, week, progress, actor, lease)
        try:
            unfit = shadowing.unfit(cycle, release)
        finally:
            cycle.close()
    if unfit:
        name, why = min(unfit.items())
        more = f" and {len(unfit) - 1} more" if len(unfit) > 1 else ""
        raise UsageError(
            f"release {release.id[:12]} cannot be scored in {w.environment} any more: {why.rstrip('.')} ({name}{more})"
        )
