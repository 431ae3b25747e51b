"""The fleet page: how every model stands, and where models need work."""

from collections.abc import Mapping, Sequence
from typing import get_args
from urllib.parse import urlencode

from starlette.responses import Response

from fleetcast.faces.web import numbers, states
from fleetcast.faces.web.addresses import model_at
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.sparkline import sparkline
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.words import say
from fleetcast.reading.choosing import Choice, counts, in_state, of_segments
from fleetcast.reading.fleet_health import WEEKS, FleetHealth, ModelRow, health
from fleetcast.reading.matrix import matrix
from fleetcast.reading.states import State

FEW = 14  # regions of the matrix before it asks whether there are to be more


def fleet(visit: Visit) -> Response:
    """State tiles, the matrix and the table; its filters are those of the address."""
    found = health(visit.w, visit.regions, visit.asof)
    choice = _choice(found, visit.query)
    rows = of_segments(found, choice)
    grid = matrix(found, rows)
    everywhere = visit.query.get("regions") == "all"
    lines = grid.lines if everywhere else grid.lines[:FEW]
    address = _Address(visit.request.url.path, visit.query, found)
    return visit.render(
        "fleet.html",
        "fleet",
        say("fleet.title"),
        health=found,
        choice=choice,
        counts=counts(rows),
        total=len(rows),
        matrix=grid,
        lines=lines,
        few=FEW,
        all_regions=everywhere,
        weeks=WEEKS,
        sparks={line.region: sparkline(line.weekly, found.limit, weeks=WEEKS) for line in lines},
        shown=_list(visit, found, in_state(rows, choice.state)).shown(visit.query),
        with_state=lambda name: address.changed(state=name),
        with_regions=lambda which: address.changed(regions=which),
        of_region=lambda region: address.changed(**{found.region_key or "q": region}),
        of_cell=lambda region, column: address.cell(region, dict(zip(grid.keys, column, strict=True))),
    )


def fleet_twin(visit: Visit, kind: Kind) -> Response:
    """All the models that the page has, on all its pages."""
    found = health(visit.w, visit.regions, visit.asof)
    choice = _choice(found, visit.query)
    rows = in_state(of_segments(found, choice), choice.state)
    return listed(kind, "fleet", _list(visit, found, rows), visit.query)


def _list(visit: Visit, found: FleetHealth, rows: Sequence[ModelRow]) -> Listing[ModelRow]:
    return Listing(_columns(visit, found), rows, "state")


def _choice(found: FleetHealth, query: Mapping[str, str]) -> Choice:
    """What an address chooses; a state that does not exist is as if nobody had asked for one."""
    named: dict[str, State] = {state: state for state in get_args(State)}
    return Choice(
        {key: query[key] for key in found.keys if query.get(key)},
        named.get(query.get("state", "")),
        query.get("q", ""),
    )


class _Address:
    """Addresses of the same page with something else chosen; the page of the table is left behind."""

    def __init__(self, path: str, query: Mapping[str, str], found: FleetHealth) -> None:
        self._path, self._found = path, found
        self._kept = {name: value for name, value in query.items() if name != "page" and value}

    def changed(self, **changes: str) -> str:
        kept = {name: value for name, value in {**self._kept, **changes}.items() if value}
        return f"{self._path}?{urlencode(kept)}" if kept else self._path

    def cell(self, region: str, column: Mapping[str, str]) -> str:
        """The models of one cell of the matrix, in whatever state."""
        of_region = {self._found.region_key: region} if self._found.region_key else {}
        return self.changed(**column, **of_region, state="")


def _columns(visit: Visit, found: FleetHealth) -> Sequence[Column[ModelRow]]:
    """What is said of a model, from its name to its version."""
    stale = float(found.stale_days)
    return (
        Column("segment", lambda row: row.segment, link=lambda row: model_at(visit, row.segment)),
        Column(
            "state",
            lambda row: row.state,
            lambda row: say(states.LOOKS[row.state].word),
            order=lambda row: row.rank,
            mark=lambda row: row.state,
        ),
        Column(
            "mape",
            lambda row: row.mape,
            lambda row: numbers.percent(row.mape, beside=row.limit),
            number=True,
            css=lambda row: "past" if row.mape is not None and row.mape > row.limit else "",
        ),
        Column(
            "against_baseline",
            lambda row: row.against_baseline,
            lambda row: numbers.points(row.against_baseline),
            number=True,
        ),
        Column("rmse0", lambda row: row.rmse0, lambda row: numbers.error(row.rmse0), number=True),
        Column("rmse_all", lambda row: row.rmse_all, lambda row: numbers.error(row.rmse_all), number=True),
        Column(
            "bias",
            lambda row: row.bias,
            lambda row: numbers.bias(row.bias, row.bias_limit),
            number=True,
            css=lambda row: "past" if row.bias is not None and abs(row.bias) > row.bias_limit else "",
        ),
        Column(
            "age_days",
            lambda row: row.age_days,
            lambda row: numbers.days(row.age_days, beside=stale),
            number=True,
            css=lambda row: "past" if row.age_days is not None and row.age_days > stale else "",
        ),
        Column("champion", lambda row: row.champion, lambda row: numbers.percent(row.champion), number=True),
        Column("series", lambda row: row.series, lambda row: numbers.whole(row.series), number=True),
        Column("model", lambda row: row.model, lambda row: row.model.rpartition("/")[2]),
        Column("why", lambda row: row.why or None, css=lambda _: "wrap"),
    )
