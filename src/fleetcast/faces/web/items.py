"""The pages of a store and of a product: small pictures of their series, and how far off each forecast was."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.multiple import HEIGHT, WIDTH, multiple
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.words import called
from fleetcast.reading import items
from fleetcast.reading.items import Item, Place

SORT = "-missed"  # units that forecasts were off by: error × volume


def store(visit: Visit) -> Response:
    return _page(visit, _found(visit, "store"))


def store_twin(visit: Visit, kind: Kind) -> Response:
    return _twin(visit, _found(visit, "store"), kind)


def product(visit: Visit) -> Response:
    return _page(visit, _found(visit, "product"))


def product_twin(visit: Visit, kind: Kind) -> Response:
    return _twin(visit, _found(visit, "product"), kind)


def _found(visit: Visit, kind: items.Kind) -> Place:
    name = visit.request.path_params["name"]
    found = items.place(visit.w, kind, name, visit.regions, asof=visit.asof)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return found


def _page(visit: Visit, found: Place) -> Response:
    shown = _list(visit, found).shown(visit.query)
    drawn = items.courses(visit.w, shown.rows, found.cycle)
    return visit.render(
        "items.html",
        "orders",
        found.name,
        found=found,
        facts={name: _told(value) for name, value in found.facts.items()},
        shown=shown,
        pictures=[(row, multiple(drawn[row.store, row.product])) for row in shown.rows],
        width=WIDTH,
        height=HEIGHT,
        total=sum(row.order or 0.0 for row in found.items),
        expected=sum(row.median for row in found.items),
    )


def _twin(visit: Visit, found: Place, kind: Kind) -> Response:
    return listed(kind, f"{found.kind}-{found.name}", _list(visit, found), visit.query)


def _list(visit: Visit, found: Place) -> Listing[Item]:
    return Listing(_columns(visit, found), found.items, SORT)


def _told(value: object) -> str:
    return numbers.day(value) if hasattr(value, "isoformat") else called(str(value), "value")  # type: ignore[arg-type]


def _columns(visit: Visit, found: Place) -> Sequence[Column[Item]]:
    """The other half of a series' name leads to its forecast."""
    of_store = found.kind == "store"
    return (
        Column(
            "product" if of_store else "store",
            lambda row: row.product if of_store else row.store,
            link=lambda row: visit.series(row.store, row.product),
        ),
        Column(
            "category" if of_store else "region",
            lambda row: (row.category if of_store else row.region) or None,
        ),
        Column("low", lambda row: row.low, lambda row: numbers.units(row.low), number=True),
        Column("median", lambda row: row.median, lambda row: numbers.units(row.median), number=True),
        Column("high", lambda row: row.high, lambda row: numbers.units(row.high), number=True),
        Column("order", lambda row: row.order, lambda row: numbers.whole(row.order), number=True),
        Column("mape", lambda row: row.mape, lambda row: numbers.percent(row.mape), number=True),
        Column("wape", lambda row: row.wape, lambda row: numbers.percent(row.wape), number=True),
        Column("bias", lambda row: row.bias, lambda row: numbers.percent(row.bias), number=True),
        Column("missed", lambda row: row.missed, lambda row: numbers.units(row.missed), number=True),
        Column("n", lambda row: row.n, lambda row: numbers.whole(row.n), number=True),
    )
