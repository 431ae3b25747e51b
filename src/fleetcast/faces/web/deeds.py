"""What people do on a page: it asks first, with what will happen and a reason, does it once, and says so afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from fleetcast.domain.errors import NotFound, PolicyRefusal, UsageError
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.words import catalogue, say

DONE = "done"  # the part of the text catalogue that says what was done, and the name it has in an address
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
    """What is asked before something is done: `facts` are what will come of it, in sentences; `back` leads away from it."""

    section: str
    title: str
    button: str
    back: str
    facts: Sequence[str] = ()
    fields: Sequence[Field] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done: what is asked before, and the doing, whose answer is where it leads afterwards."""

    ask: Callable[[Visit], Question]
    do: Callable[[Visit, Sent], str]


def asked(visit: Visit, deed: Deed) -> Response:
    """The page that asks."""
    return _shown(visit, deed.ask(visit), {}, "", HTTPStatus.OK)


def acted(visit: Visit, deed: Deed, sent: Sent) -> Response:
    """Done, or the page again with what is missing, and all that was written."""
    question = deed.ask(visit)
    given = {one.name: sent.get(one.name, "").strip()[:LONGEST] for one in question.fields}
    lacking = next((one for one in question.fields if one.required and not given[one.name]), None)
    if lacking is not None:
        return _shown(
            visit, question, given, say("deed.lacking", field=lacking.label), HTTPStatus.BAD_REQUEST
        )
    try:
        return RedirectResponse(deed.do(visit, given), HTTPStatus.SEE_OTHER)
    except NotFound:
        raise
    except UsageError as error:
        return _shown(visit, question, given, str(error), HTTPStatus.BAD_REQUEST)
    except PolicyRefusal as error:
        return _shown(visit, question, given, str(error), HTTPStatus.FORBIDDEN)


def told(address: str, what: str) -> str:
    """An address whose page says that something was done; `what` is a name of the catalogue, and no text of anybody's."""
    return f"{address}{'&' if '?' in address else '?'}{DONE}={quote(what)}"


def news(visit: Visit) -> str:
    """What the page says was just done; nothing where nobody named it."""
    return catalogue().get(f"{DONE}.{visit.query.get(DONE, '')}", "")


def reason(label: str = "") -> Field:
    """Why: it goes to the audit log."""
    return Field("reason", label or say("deed.reason"), required=True, long=True)


def _shown(visit: Visit, question: Question, given: Sent, problem: str, status: HTTPStatus) -> Response:
    return visit.render(
        "deed.html",
        question.section,
        question.title,
        status=status,
        question=question,
        given=given,
        problem=problem,
    )
