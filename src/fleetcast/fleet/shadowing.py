"""Shadows in the weekly cycle: challengers are scored beside what was published, and decided on when their time has come."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.incidents import FLEET, Signal
from fleetcast.domain.shadows import STEP, Shadow
from fleetcast.domain.versions import canonical
from fleetcast.domain.week import label, of_label
from fleetcast.fleet import (
    audience,
    incidents,
    promoting,
    shadow_evidence,
    weekly_forecasts,
    wording,
    work,
)
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.shadow_evidence import Evidence
from fleetcast.fleet.steps import Failed
from fleetcast.fleet.wording import Place
from fleetcast.ledger.audit import AuditEvent
from fleetcast.registry.manifest import Release
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

POLICY = "[shadow]"


def follow(cycle: Cycle) -> None:
    """Score the shadows of a week that is published, and decide on those whose time has come.

    Whatever fails here is an incident and nothing else: the week is out.
    """
    w = cycle.w
    try:
        with w.ledger.view() as view:
            running = view.shadows(running=True)
        if not running or all(one.cycle != cycle.name for one in w.publications.list()):
            return
        troubles = [trouble for shadow in running for trouble in _followed(cycle, shadow)]
        if troubles:
            incidents.tell(w, Signal("shadow", FLEET, cycle.week, "; ".join(troubles)), actor=cycle.actor)
    except FAILURES as error:
        log.exception("shadows_not_followed", error=told(error))


def _followed(cycle: Cycle, shadow: Shadow) -> list[str]:
    """What went wrong with one of them; the others are none the worse for it."""
    try:
        return [*_score(cycle, shadow), *_settle(cycle, shadow)]
    except FAILURES as error:
        log.exception("shadow_failed", release=shadow.release, error=told(error))
        return [f"shadow {shadow.release[:12]}: {told(error)}"]


# ---------------------------------------------------------------- scored beside what was published


def taken(w: Workspace, shadow: Shadow) -> list[date]:
    """The cycles it was scored in, or should have been: one that failed is not made up for by a later one."""
    first = label(shadow.first)
    return [
        of_label(cycle.cycle)
        for cycle in w.ledger.cycles()
        if cycle.cycle >= first and any(_is_of(shadow, s.step, s.part) for s in w.ledger.steps(cycle.cycle))
    ]


def _is_of(shadow: Shadow, step: str, part: str) -> bool:
    return step == STEP and part.startswith(f"{shadow.release} ")


def _score(cycle: Cycle, shadow: Shadow) -> Iterator[str]:
    """Score a shadow if this cycle is one of its own, on the snapshot that was published from; what could not be."""
    before = taken(cycle.w, shadow)
    if cycle.week < shadow.first or (cycle.week not in before and len(before) >= shadow.cycles):
        return
    asked = orders(cycle, shadow)
    cycle.progress.stage(STEP, len(asked))
    for part, ended in cycle.steps.each(STEP, asked, weekly_forecasts.inputs, work.shadow, cycle.scoring):
        cycle.progress.advance(STEP, part.partition(" ")[2])
        if isinstance(ended, Failed):
            yield f"shadow {shadow.release[:12]}: {part.partition(' ')[2]} was not scored: {ended.error}"
        else:
            for model, why in sorted(ended.result["unloadable"].items()):
                yield f"shadow {shadow.release[:12]}: {model} cannot be used: {why}"
    cycle.progress.done(STEP, f"{shadow.release[:12]} beside what was published")


def orders(cycle: Cycle, shadow: Shadow) -> dict[str, work.Score]:
    """What workers are asked, by release and partition."""
    asked = weekly_forecasts.orders(cycle, shadow.release)
    return {f"{shadow.release} {partition}": order for partition, order in asked.items()}


def unfit(cycle: Cycle, release: Release) -> dict[str, str]:
    """Why a release cannot be scored here and now, by model or partition: it is rehearsed, and nothing is written."""
    asked = {
        f"{release.id} {partition}": order
        for partition, order in weekly_forecasts.orders(cycle, release.id, rehearsal=True).items()
    }
    found: dict[str, str] = {}
    for part, ended in cycle.steps.each(
        "rehearse", asked, weekly_forecasts.inputs, work.score, cycle.scoring
    ):
        if isinstance(ended, Failed):
            found[part.partition(" ")[2]] = ended.error
        else:
            known = release.manifest.models
            found |= {model: why for model, why in ended.result["unloadable"].items() if model in known}
    return found


# ---------------------------------------------------------------- decided on


def _settle(cycle: Cycle, shadow: Shadow) -> Iterator[str]:
    """Decide on a shadow whose last weeks are known, or end one that became live meanwhile."""
    w, days = cycle.w, taken(cycle.w, shadow)
    if len(days) >= shadow.cycles and cycle.week >= known_in(w, shadow, days):
        evidence = shadow_evidence.gather(w, shadow, days, cycle.snapshot, week=cycle.week)
        yield from _promoted(cycle, shadow, evidence)
        decided(w, shadow, evidence, actor=cycle.actor, policy=POLICY)
    elif w.ledger.pointer() == shadow.release:
        ended = AuditEvent(cycle.actor, "shadow.stop", "", "it became live meanwhile", policy=POLICY)
        _end(w, replace(shadow, state="stopped"), ended)


def known_in(w: Workspace, shadow: Shadow, days: Sequence[date]) -> date:
    """The cycle by which demand of the last forecast week is known, as far as was asked."""
    open_weeks = w.settings.demand.returns_weeks if shadow.labels == "final" else 0
    return max(days) + timedelta(weeks=max(w.settings.training.horizons) + open_weeks)


def _promoted(cycle: Cycle, shadow: Shadow, evidence: Evidence) -> Iterator[str]:
    """Make it live where that was asked for, before its end is written down: a run killed between does it once more."""
    if not (shadow.promotes and evidence.decision.answer == "promote"):
        return
    w, why = cycle.w, f"as a shadow of {len(evidence.cycles)} cycles: {evidence.decision.text}"
    try:
        release = w.registry.releases.get(shadow.release)
        promoting.promote(w, release, actor=cycle.actor, reason=why, attended=False, over=w.ledger.pointer())
    except FleetcastError as error:
        log.warning("shadow_not_promoted", release=shadow.release, error=str(error))
        yield f"shadow {shadow.release[:12]} was to become live, and did not: {error}"


def decided(
    w: Workspace, shadow: Shadow, evidence: Evidence | None, *, actor: str, policy: str = "", why: str = ""
) -> Shadow:
    """End a shadow with the decision that its evidence leads to, and keep both; `why` somebody ends it before its time."""
    answer = evidence.decision if evidence else None
    ended = replace(
        shadow,
        state="stopped" if why else "decided",
        decision=answer.answer if answer else None,
        evidence=w.bank.put(canonical(evidence.written())) if evidence else None,
    )
    said = "; ".join(part for part in (why, answer.text if answer else "") if part)
    _end(w, ended, AuditEvent(actor, "shadow.stop" if why else "shadow.decide", "", said, policy=policy))
    return ended


def _end(w: Workspace, ended: Shadow, event: AuditEvent) -> None:
    """Write its end down, and tell people of it: both or neither."""
    message = wording.shadow(Place.of(w), ended, event.reason)
    with w.ledger.transaction() as transaction:
        transaction.end_shadow(ended, event)
        transaction.tell(audience.of(w.settings.alerts.channels, message))
