"""What is done about models and releases: promote, roll back, quarantine, retrain."""

from collections.abc import Sequence
from dataclasses import dataclass

from fleetcast.domain.errors import NotFound, UsageError
from fleetcast.faces.web import numbers, proposals
from fleetcast.faces.web.addresses import compare_releases, model_at, region_at
from fleetcast.faces.web.deeds import Deed, Field, Question, Sent, reason, told
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.words import say
from fleetcast.fleet import releases, retraining
from fleetcast.reading import deciding, operations
from fleetcast.reading.fleet_health import health
from fleetcast.reading.grants import everything, sees

LIVE = "live"  # the hidden field that says which release was live when the page was made


def _ask_promote(visit: Visit) -> Question:
    everything(visit.regions, "release")
    plan = deciding.promotion(visit.w, visit.named("release"))
    decision = plan.decision
    possible = decision is not None and decision.refusal != "bad_model" and not decision.missing
    text = say("promote.text", part=len(plan.segments), whole=plan.of, week=numbers.day(plan.cutoff))
    return Question(
        section="training",
        title=say("promote.title", release=plan.after[:12], environment=visit.environment),
        button=say("promote.button") if possible else None,
        back=compare_releases(visit, plan.before, plan.after),
        facts=(text, say("act.live_already") if decision is None else decision.why),
        fields=(reason(),),
        hidden={"release": plan.after} | _live(visit),
        rows=proposals.changes(plan),
    )


def _promote(visit: Visit, sent: Sent) -> str:
    everything(visit.regions, "release")
    _unmoved(visit, sent)
    move = releases.promote(visit.w, sent.get("release", ""), actor=visit.name, reason=sent["reason"])
    return told(compare_releases(visit, move.before, move.after), "promoted")


def _ask_roll_back(visit: Visit) -> Question:
    chosen = _chosen(visit)
    found = deciding.rollback(visit.w, visit.named("to") or None, chosen.segments)
    choices = [
        (one.release, f"{one.release[:12]} · {numbers.day(one.cutoff)} · {one.kind}")
        for one in operations.earlier(visit.w)
    ]
    live = found.live[:12]
    return Question(
        section="ops",
        title=say("roll_back.one", segment=chosen.name)
        if chosen.name
        else say("roll_back.title", release=live),
        button=say("roll_back.button"),
        back=chosen.at,
        facts=(say("roll_back.text", release=found.target[:12], week=numbers.day(found.cutoff)),),
        fields=(reason(),),
        hidden=chosen.fields | {"to": found.target} | _live(visit),
        rows=proposals.moved(found.changes),
        look=Field("to", say("roll_back.to"), found.target, choices=choices) if len(choices) > 1 else None,
    )


def _roll_back(visit: Visit, sent: Sent) -> str:
    chosen = _chosen(visit)
    _unmoved(visit, sent)
    releases.rollback(
        visit.w,
        sent.get("to") or None,
        actor=visit.name,
        reason=sent["reason"],
        segments=chosen.segments,
    )
    return told(chosen.at, "rolled_back")


def _ask_quarantine(visit: Visit) -> Question:
    name = visit.named("model")
    found = deciding.quarantine(visit.w, visit.regions, name)
    text = say("quarantine.text") if found.serves else say("quarantine.idle")
    refused = found.state == "refused"
    return Question(
        section="fleet",
        title=say("quarantine.title", model=name),
        button=None if refused else say("quarantine.button"),
        back=model_at(visit, found.segment, name.rpartition("/")[2]),
        facts=(say("quarantine.refused") if refused else text,),
        fields=(reason(),),
        hidden={"model": name} | _live(visit),
    )


def _quarantine(visit: Visit, sent: Sent) -> str:
    name = sent.get("model", "")
    segment = deciding.quarantine(visit.w, visit.regions, name).segment
    _unmoved(visit, sent)
    releases.quarantine(visit.w, name, actor=visit.name, reason=sent["reason"])
    return told(model_at(visit, segment, name.rpartition("/")[2]), "quarantined")


def _ask_retrain(visit: Visit) -> Question:
    chosen = _chosen(visit, needed=True)
    many = len(chosen.segments) > 1
    return Question(
        section="fleet",
        title=say("retrain.title", segment=chosen.name),
        button=say("retrain.button"),
        back=chosen.at,
        facts=(say("retrain.many", count=len(chosen.segments)) if many else "", say("retrain.text")),
        fields=(reason(),),
        hidden=chosen.fields | _live(visit),
    )


def _retrain(visit: Visit, sent: Sent) -> str:
    chosen = _chosen(visit, needed=True)
    _unmoved(visit, sent)
    retraining.start(visit.w, chosen.segments, actor=visit.name, reason=sent["reason"])
    return told(chosen.at, "retraining")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The segments that something is done to, none: the whole fleet; what they are called, and where they are looked at."""

    name: str
    segments: Sequence[str]
    fields: dict[str, str]
    at: str


def _chosen(visit: Visit, *, needed: bool = False) -> _Chosen:
    """One segment or those of a region, all of them to be seen; the whole fleet, for those who have all of it."""
    if segment := visit.named("segment"):
        if not sees(visit.w, segment, visit.regions):
            raise NotFound(f"there is no segment {segment!r}")
        return _Chosen(segment, [segment], {"segment": segment}, model_at(visit, segment))
    if region := visit.named("region"):
        rows = health(visit.w, visit.regions).rows
        segments = [row.segment for row in rows if row.region == region]
        if not segments:
            raise NotFound(f"there is no region {region!r}")
        return _Chosen(region, segments, {"region": region}, region_at(visit, region))
    if needed:
        raise UsageError(say("act.no_segment"))
    everything(visit.regions, "release")
    return _Chosen("", (), {}, visit.at("/ops"))


def _live(visit: Visit) -> dict[str, str]:
    return {LIVE: visit.w.ledger.pointer() or ""}


def _unmoved(visit: Visit, sent: Sent) -> None:
    """UsageError where the form still speaks of another release than the live one."""
    if LIVE in sent and sent[LIVE] != (visit.w.ledger.pointer() or ""):
        raise UsageError(say("act.moved"))


PROMOTE = Deed(_ask_promote, _promote)
ROLL_BACK = Deed(_ask_roll_back, _roll_back)
QUARANTINE = Deed(_ask_quarantine, _quarantine)
RETRAIN = Deed(_ask_retrain, _retrain)
