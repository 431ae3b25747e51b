"""What people do on a page: it asks first, with what will come of it and a reason, does it once, and says so afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from fleetcast.domain.errors import ConflictError, FleetcastError, NotFound, PolicyRefusal, UsageError
from fleetcast.faces.web import proposals
from fleetcast.faces.web.page import DONE, Visit
from fleetcast.faces.web.proposals import Change
from fleetcast.faces.web.words import say

LONGEST = 2000  # characters of a reason

Sent = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form; `choices` are values with what is said of each. A required one has to have a value."""

    name: str
    label: str
    value: str = ""
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()
    long: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is done: `facts` are what will come of it, in sentences; `back` leads away from it.

    Without a `button` it cannot be done, which its facts explain. `rows` are the segments that it changes, `hidden` what the
    form says besides its fields, `look` a choice to be made by looking again. A page of another form has its own
    `template`, which is given `more`.
    """

    section: str
    title: str
    button: str | None
    back: str
    facts: Sequence[str] = ()
    fields: Sequence[Field] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Change] = ()
    look: Field | None = None
    template: str = "deed.html"
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done: what is asked before, and the doing, whose answer is where it leads afterwards."""

    ask: Callable[[Visit], Question]
    do: Callable[[Visit, Sent], str]


def asked(visit: Visit, deed: Deed) -> Response:
    """The page that asks."""
    _now(visit)
    return _shown(visit, deed.ask(visit), {}, "", HTTPStatus.OK)


def acted(visit: Visit, deed: Deed) -> Response:
    """Done, or the page again with why not, and all that was written."""
    _now(visit)
    question = deed.ask(visit)
    sent = dict.fromkeys((one.name for one in question.fields), "") | {
        name: value.strip() for name, value in visit.form.items()
    }
    try:
        _complete(question, sent)
        return RedirectResponse(deed.do(visit, sent), HTTPStatus.SEE_OTHER)
    except NotFound:
        raise
    except FleetcastError as error:
        return _shown(visit, question, sent, str(error), _status(error))


def told(address: str, what: str) -> str:
    """An address whose page says that something was done; `what` is a name of the catalogue, and no text of anybody's."""
    return f"{address}{'&' if '?' in address else '?'}{DONE}={quote(what)}"


def reason(label: str = "") -> Field:
    """Why: it goes to the audit log."""
    return Field("reason", label or say("deed.reason"), required=True, long=True)


def _now(visit: Visit) -> None:
    """What is done is done now: nothing of it is asked or done as of an earlier day."""
    if visit.asof:
        raise UsageError(say("asof.no_deeds"))


def _complete(question: Question, sent: Sent) -> None:
    for one in question.fields:
        if one.required and not sent.get(one.name):
            raise UsageError(say("deed.lacking", field=one.label))
        if len(sent.get(one.name, "")) > LONGEST:
            raise UsageError(say("deed.too_long", field=one.label, most=LONGEST))


def _status(error: FleetcastError) -> HTTPStatus:
    if isinstance(error, ConflictError | PolicyRefusal):
        return HTTPStatus.CONFLICT
    return HTTPStatus.BAD_REQUEST if isinstance(error, UsageError) else HTTPStatus.SERVICE_UNAVAILABLE


def _shown(visit: Visit, question: Question, given: Sent, problem: str, status: HTTPStatus) -> Response:
    return visit.render(
        question.template,
        question.section,
        question.title,
        status=status,
        question=question,
        given=given,
        problem=problem,
        most=LONGEST,
        columns=proposals.COLUMNS,
        **question.more,
    )
