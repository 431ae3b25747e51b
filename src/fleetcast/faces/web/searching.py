"""The page of the search box: stores, products, models and runs whose name has a text."""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.responses import Response

from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
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
    text = visit.query.get("q", "").strip()
    return visit.render(
        "search.html",
        "",
        say("search.title"),
        of_now=True,
        text=text,
        most=MOST,
        shown=_list(visit, text).shown(visit.query),
    )


def searching_twin(visit: Visit, kind: Kind) -> Response:
    return listed(kind, "search", _list(visit, visit.query.get("q", "")), visit.query)


def _list(visit: Visit, text: str) -> Listing[Hit]:
    return Listing(_columns(visit), search(visit.w, visit.regions, text), "kind")


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
