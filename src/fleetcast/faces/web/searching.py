"""The page of the search box: stores, products, models and runs whose name has a text."""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.responses import Response

from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, arrange, show
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import called, say
from fleetcast.reading.search import KINDS, MOST, Hit, search

PLACES = {"store": "/stores/", "product": "/products/", "model": "/models/", "run": "/runs/"}
KEPT_APART = {
    "store": "",
    "product": "",
    "model": "/",
    "run": "",
}  # what names keep of an address: models are paths


def searching(visit: Visit) -> Response:
    """What was found, stores first; a text that nothing has says what can be looked for."""
    columns, text = _columns(visit), visit.query.get("q", "").strip()
    found = search(visit.w, visit.regions, text)
    return visit.render(
        "search.html",
        "",
        say("search.title"),
        of_now=True,
        text=text,
        most=MOST,
        shown=show(arrange(found, columns, visit.query, sort="kind"), columns, visit.query, sort="kind"),
    )


def searching_twin(visit: Visit, kind: Kind) -> Response:
    columns = _columns(visit)
    found = search(visit.w, visit.regions, visit.query.get("q", ""))
    return twin(kind, "search", columns, arrange(found, columns, visit.query, sort="kind"))


def _columns(visit: Visit) -> Sequence[Column[Hit]]:
    def at(hit: Hit) -> str:
        return visit.at(PLACES[hit.kind] + quote(hit.name, safe=KEPT_APART[hit.kind]))

    return (
        Column("name", lambda hit: hit.name, link=at),
        Column("kind", lambda hit: hit.kind, lambda hit: called(hit.kind, "kind"), order=_place),
        Column("about", lambda hit: hit.about or None, lambda hit: called(hit.about, "value")),
    )


def _place(hit: Hit) -> int:
    return KINDS.index(hit.kind)
