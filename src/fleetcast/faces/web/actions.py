"""What is done about models: promote, roll back, quarantine, retrain. Each is asked once more, with a reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fleetcast.domain.errors import FleetcastError, NotFound, PolicyRefusal, UsageError
from fleetcast.faces.web import proposals
from fleetcast.faces.web.acting import Fields, back, fields_of, first
from fleetcast.faces.web.addresses import compare_releases, model_at
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.proposals import Change
from fleetcast.faces.web.table import Column
from fleetcast.faces.web.words import say
from fleetcast.fleet import releases, retraining
from fleetcast.reading import deciding
from fleetcast.reading.grants import everything, sees

REASON = 500  # characters


@dataclass(frozen=True)
class Question:
    """What is about to be done: in a sentence, with what it changes. Without a `button` it cannot be done, for a reason."""

    title: str
    text: str
    cancel: str  # address
    button: str | None
    hidden: Fields
    rows: Sequence[Change] = ()
    notes: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Doing:
    """Something that can be done: how it is asked, and how it is done for a reason; `do` says where to go on."""

    ask: Callable[[Visit, Fields], Question]
    do: Callable[[Visit, Fields, str], str]
    told: str


def asked(visit: Visit, doing: Doing) -> Response:
    """The page that asks once more."""
    query = visit.request.query_params
    return _shown(visit, doing, {name: query.getlist(name) for name in query}, HTTPStatus.OK)


def done(visit: Visit, doing: Doing, fields: Fields) -> Response:
    """Do it and go on; where it cannot be done, the same page says why, and keeps the reason that was written."""
    try:
        return back(doing.do(visit, fields, _reason(visit, fields)), doing.told)
    except NotFound:
        raise
    except PolicyRefusal as error:
        return _shown(visit, doing, fields, HTTPStatus.CONFLICT, str(error))
    except UsageError as error:
        return _shown(visit, doing, fields, HTTPStatus.BAD_REQUEST, str(error))
    except FleetcastError as error:
        return _shown(visit, doing, fields, HTTPStatus.SERVICE_UNAVAILABLE, str(error))


async def posted(request: Request, page: Callable[[Fields], Callable[[Request], Response]]) -> Response:
    """Read the form here, and do the work beside the loop that serves everybody else."""
    return await run_in_threadpool(page(await fields_of(request)), request)


def _reason(visit: Visit, fields: Fields) -> str:
    """The reason of a form that still speaks of what is live."""
    reason = first(fields, "reason")
    if not reason or len(reason) > REASON:
        raise UsageError(say("act.no_reason", most=REASON))
    if "live" in fields and first(fields, "live") != (visit.w.ledger.pointer() or ""):
        raise UsageError(say("act.moved"))
    return reason


def _shown(visit: Visit, doing: Doing, fields: Fields, status: HTTPStatus, problem: str = "") -> Response:
    question = doing.ask(visit, fields)
    response = visit.render(
        "confirm.html",
        "training",
        question.title,
        question=question,
        columns=COLUMNS,
        reason=first(fields, "reason"),
        most=REASON,
        problem=problem,
        live_now=visit.w.ledger.pointer() or "",
    )
    response.status_code = status
    return response


# ------------------------------------------------------------------------------------------------- promote


def _ask_promote(visit: Visit, fields: Fields) -> Question:
    everything(visit.regions, "release")
    plan = deciding.promotion(visit.w, first(fields, "release"))
    decision = plan.decision
    possible = decision is not None and decision.refusal != "bad_model" and not decision.missing
    notes = [say("act.live_already")] if decision is None else [decision.why]
    return Question(
        title=say("promote.title", release=plan.after[:12], environment=visit.environment),
        text=say("promote.text", part=len(plan.segments), whole=plan.of, week=f"{plan.cutoff:%d %b %Y}"),
        cancel=compare_releases(visit, plan.before, plan.after),
        button=say("promote.button") if possible else None,
        hidden={"release": [plan.after]},
        rows=proposals.changes(plan),
        notes=[note for note in notes if note],
    )


def _promote(visit: Visit, fields: Fields, reason: str) -> str:
    everything(visit.regions, "release")
    move = releases.promote(visit.w, first(fields, "release"), actor=visit.name, reason=reason)
    return compare_releases(visit, move.before, move.after)


# ------------------------------------------------------------------------------------------------- roll back


def _ask_roll_back(visit: Visit, fields: Fields) -> Question:
    segments = _segments(visit, fields)
    found = deciding.rollback(visit.w, first(fields, "to") or None, segments)
    live = found.live[:12]
    return Question(
        title=say("roll_back.one", segment=segments[0]) if segments else say("roll_back.title", release=live),
        text=say("roll_back.text", release=found.target[:12], week=f"{found.cutoff:%d %b %Y}"),
        cancel=_cancel(visit, segments),
        button=say("roll_back.button"),
        hidden={"segment": segments, "to": [found.target]},
        rows=proposals.moved(found.changes),
    )


def _roll_back(visit: Visit, fields: Fields, reason: str) -> str:
    segments = _segments(visit, fields)
    releases.rollback(
        visit.w, first(fields, "to") or None, actor=visit.name, reason=reason, segments=segments
    )
    return _cancel(visit, segments)


# ------------------------------------------------------------------------------------------------- quarantine


def _ask_quarantine(visit: Visit, fields: Fields) -> Question:
    name = first(fields, "model")
    found = deciding.quarantine(visit.w, visit.regions, name)
    return Question(
        title=say("quarantine.title", model=name),
        text=say("quarantine.text") if found.serves else say("quarantine.idle"),
        cancel=model_at(visit, found.segment, name.rpartition("/")[2]),
        button=say("quarantine.button") if found.state != "refused" else None,
        hidden={"model": [name]},
        notes=() if found.state != "refused" else (say("quarantine.refused"),),
    )


def _quarantine(visit: Visit, fields: Fields, reason: str) -> str:
    name = first(fields, "model")
    segment = deciding.quarantine(visit.w, visit.regions, name).segment
    releases.quarantine(visit.w, name, actor=visit.name, reason=reason)
    return model_at(visit, segment, name.rpartition("/")[2])


# ------------------------------------------------------------------------------------------------- retrain


def _ask_retrain(visit: Visit, fields: Fields) -> Question:
    segments = _segments(visit, fields, needed=True)
    return Question(
        title=say("retrain.title", segment=segments[0]),
        text=say("retrain.text"),
        cancel=model_at(visit, segments[0]),
        button=say("retrain.button"),
        hidden={"segment": segments},
    )


def _retrain(visit: Visit, fields: Fields, reason: str) -> str:
    segments = _segments(visit, fields, needed=True)
    retraining.start(visit.w, segments, actor=visit.name, reason=reason)
    return model_at(visit, segments[0])


def _segments(visit: Visit, fields: Fields, *, needed: bool = False) -> list[str]:
    """The segments that are named, all of them to be seen; none: the whole fleet, for those who have all of it."""
    named = [segment for segment in fields.get("segment", ()) if segment]
    if not named:
        if needed:
            raise UsageError(say("act.no_segment"))
        everything(visit.regions, "release")
    for segment in named:
        if not sees(visit.w, segment, visit.regions):
            raise NotFound(f"there is no segment {segment!r}")
    return named


def _cancel(visit: Visit, segments: Sequence[str]) -> str:
    return model_at(visit, segments[0]) if segments else visit.at("/training")


DOINGS: Mapping[str, Doing] = {
    "promote": Doing(_ask_promote, _promote, "promoted"),
    "roll-back": Doing(_ask_roll_back, _roll_back, "rolled_back"),
    "quarantine": Doing(_ask_quarantine, _quarantine, "quarantined"),
    "retrain": Doing(_ask_retrain, _retrain, "retraining"),
}

COLUMNS: Sequence[Column[Change]] = proposals.COLUMNS
