"""What starts a week outside of its time: new data, the timer, age, alarms, somebody's wish. All reach the same plan."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from fleetcast.domain.errors import UsageError
from fleetcast.fleet import alarms, plan, reporting, run
from fleetcast.fleet.cutoff import cutoff
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.report import Fired, Trigger
from fleetcast.ledger.audit import AuditEvent
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Call:
    """What a trigger calls for: nothing, or a week; `asked` names models that are retrained whatever the plan says, with why."""

    needed: bool
    reason: str
    asked: dict[str, str]


def fire(
    w: Workspace,
    kind: Trigger,
    *,
    progress: Progress,
    actor: str,
    segments: Collection[str] = (),
    reason: str = "",
) -> Fired:
    """Do what a trigger calls for, if there is anything to do. Whatever it leads to is in the audit log."""
    w.refuse_checkout()
    if kind == "manual":
        call = _wish(w, segments, reason)
    elif kind == "data":
        call = _data(run.take_in(w, progress=progress, actor=actor))
    elif kind == "timer":
        call = Call(True, "the time has come", {})
    else:
        call = look(w, kind)
    subject = ", ".join(sorted(call.asked)) or "fleet"
    w.ledger.append(AuditEvent(actor, f"trigger.{kind}", subject, call.reason))
    if not call.needed:
        return Fired(kind, call.reason)
    report = run.run_cycle(w, progress=progress, actor=actor, asked=call.asked, on_alarm=kind == "alarm")
    return Fired(kind, call.reason, report)


def look(w: Workspace, kind: Literal["stale", "alarm"]) -> Call:
    """What a trigger would call for now; nothing is done."""
    return _stale(w) if kind == "stale" else _alarm(w)


def _data(new: bool) -> Call:
    why = "there are data that no cycle has read" if new else "the newest cycle has read all data there are"
    return Call(new, why, {})


def _stale(w: Workspace) -> Call:
    live = w.registry.releases.current()
    ages = reporting.ages(w, live, scored_at=w.clock()) if live else []
    old = {age.segment: age.reason for age in ages if age.state != "fresh"}
    why = f"{len(old)} models are stale or soon will be" if old else "no model is stale or soon will be"
    return Call(bool(old), why, old)


def _alarm(w: Workspace) -> Call:
    """The plan reads the alarms by itself: a week is worth it if one of them is granted."""
    answers = alarms.answers(w, cutoff(w, None), fresh=True)
    granted = sum(answer.granted for answer in answers.values())
    why = (
        f"{granted} of {len(answers)} segments in alarm are to be retrained"
        if answers
        else "no segment is in alarm"
    )
    return Call(bool(granted), why, {})


def _wish(w: Workspace, segments: Collection[str], reason: str) -> Call:
    known = {decision.segment for decision in plan.plan(w)}
    strangers = sorted(set(segments) - known)
    if strangers or not segments:
        named = f"{strangers[0]} is no segment" if strangers else "name the segments that are to be retrained"
        raise UsageError(f"{named}; `fleetcast plan` lists them")
    if not reason.strip():
        raise UsageError("say why with --reason: it is kept with the models that come of it")
    return Call(True, reason, dict.fromkeys(segments, reason))
