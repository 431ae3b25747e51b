"""The page of an incident, and what people do about it: look after it, note something, close it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from fleetcast.faces.web.deeds import Deed, Field, Question, Sent, reason, told
from fleetcast.faces.web.ops import graveness
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.ways import ways
from fleetcast.faces.web.words import called, say
from fleetcast.fleet import incidents
from fleetcast.fleet.report import IncidentLine
from fleetcast.reading import runs
from fleetcast.reading.attention import attention


def incident(visit: Visit) -> Response:
    """What is known of it, what may be done about it, and what was noted."""
    line = _found(visit)
    name = called(line.kind, "trouble")
    return visit.render(
        "incident.html",
        "ops",
        say("incident.title", trouble=name, subject=line.subject),
        of_now=True,
        line=line,
        trouble=name,
        state=graveness(line),
        evidence=list(_flat(line.evidence)),
        models_at=visit.at("/fleet?" + urlencode({"q": line.segment})) if line.segment else "",
        here=_at(visit, line),
        ways=_ways(visit, line),
    )


def _ways(visit: Visit, line: IncidentLine) -> dict[str, str]:
    """What is done about it elsewhere, while it stands."""
    items = attention(visit.w, visit.regions, visit.asof).items if line.state != "closed" else ()
    found = next((item for item in items if item.incident == line.id), None)
    return {word: at for word, at in ways(visit, found).items() if word != "home.look"} if found else {}


def _acknowledged(visit: Visit, sent: Sent) -> str:
    line = _found(visit)
    owner = sent["owner"] or visit.name
    incidents.acknowledge(visit.w, line.id, actor=visit.name, owner=owner, note=sent["reason"])
    return told(_at(visit, line), "acknowledged")


def _noted(visit: Visit, sent: Sent) -> str:
    line = _found(visit)
    incidents.note(visit.w, line.id, actor=visit.name, text=sent["reason"])
    return told(_at(visit, line), "noted")


def _closed(visit: Visit, sent: Sent) -> str:
    line = _found(visit)
    incidents.close(visit.w, line.id, actor=visit.name, reason=sent["reason"])
    return told(_at(visit, line), "closed")


def _ask(what: str) -> Any:
    """What is asked before one of the three."""

    def ask(visit: Visit) -> Question:
        line = _found(visit)
        name = say("incident.title", trouble=called(line.kind, "trouble"), subject=line.subject)
        owner = [Field("owner", say("incident.owner"), visit.name)] if what == "acknowledge" else []
        return Question(
            section="ops",
            title=say(f"incident.{what}_title"),
            button=say(f"incident.{what}"),
            back=_at(visit, line),
            facts=(f"{name}: {line.cause}", say(f"incident.{what}_what")),
            fields=(*owner, reason(say("incident.text") if what == "note" else "")),
        )

    return ask


ACKNOWLEDGE = Deed(_ask("acknowledge"), _acknowledged)
NOTE = Deed(_ask("note"), _noted)
CLOSE = Deed(_ask("close"), _closed)


def _found(visit: Visit) -> IncidentLine:
    return runs.incident(visit.w, visit.regions, visit.request.path_params["incident"])


def _at(visit: Visit, line: IncidentLine) -> str:
    return visit.at(f"/ops/incidents/{line.id}")


def _flat(evidence: Mapping[str, Any], above: str = "") -> Any:
    """Evidence as names and values, however deep it lies.

    >>> list(_flat({"errors": {"now": 0.4}, "weeks": [1, 2]}))
    [('errors now', '0.4'), ('weeks', '1, 2')]
    """
    for name, value in evidence.items():
        called_so = f"{above}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{called_so} ")
        elif isinstance(value, list | tuple):
            yield called_so, ", ".join(map(str, value))
        else:
            yield called_so, f"{value:,.4g}" if isinstance(value, float) else str(value)
