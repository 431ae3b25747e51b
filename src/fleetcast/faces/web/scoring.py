"""The scoring page: what a week's run scored of each region, and how old its models were."""

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed, twin
from fleetcast.faces.web.words import called, say
from fleetcast.fleet.report import SERVED, Served
from fleetcast.monitoring.staleness import Age
from fleetcast.reading.scoring import RegionScored, ScoringRun, scoring, weeks

AGES: Mapping[str, str] = {"stale": "stale", "warning": "watch", "fresh": "ok"}  # as states are shown
RANKS = ("failed", "watch", "ok", "unknown")
SORT = "state"
OLDEST = 20  # models that the page names; its twin has them all


def newest(visit: Visit) -> Response:
    """The newest week's page; a page of its own where there is none, and where the form chose a week."""
    known = weeks(visit.w, visit.asof)
    asked = visit.query.get("week", "")
    if asked or known:
        return RedirectResponse(visit.at(f"/scoring/{asked or known[0]}"), HTTPStatus.SEE_OTHER)
    return visit.render("scoring.html", "scoring", say("scoring.title"), run=None)


def scored(visit: Visit) -> Response:
    """One week; of those up to a pinned day, where it is a later one."""
    if visit.asof and visit.request.path_params["week"] > visit.asof.isoformat():
        return RedirectResponse(visit.at("/scoring"), HTTPStatus.SEE_OTHER)
    run = _found(visit)
    whole = run.whole
    columns = REGIONS if whole.error else REGIONS[:-1]
    most = max((one.models for one in run.histogram), default=0)
    return visit.render(
        "scoring.html",
        "scoring",
        say("scoring.title"),
        run=run,
        weeks=weeks(visit.w, visit.asof),
        whole=whole,
        served=SERVED,
        shown=Listing(columns, run.regions, SORT).shown(visit.query),
        old=[age for age in run.ages if age.state != "fresh"],
        oldest=OLDEST,
        age_states=AGES,
        bars=[(one, 100 * one.models / most if most else 0) for one in run.histogram],
    )


def scored_twin(visit: Visit, kind: Kind) -> Response:
    run = _found(visit)
    return listed(kind, f"scoring-{run.week}", Listing(REGIONS, run.regions, SORT), visit.query)


def ages_twin(visit: Visit, kind: Kind) -> Response:
    """All models of the run, not only the old ones."""
    run = _found(visit)
    return twin(kind, f"model-ages-{run.week}", MODELS, run.ages)


def _found(visit: Visit) -> ScoringRun:
    try:
        week = date.fromisoformat(visit.request.path_params["week"])
    except ValueError:
        raise HTTPException(HTTPStatus.NOT_FOUND) from None
    run = scoring(visit.w, visit.regions, week)
    if run is None or (visit.asof and week > visit.asof):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return run


def _by(state: Served) -> Column[RegionScored]:
    """Series of a failover state."""
    return Column(
        state,
        lambda line: line.states.get(state, 0),
        lambda line: numbers.whole(line.states.get(state, 0)),
        number=True,
    )


REGIONS: Sequence[Column[RegionScored]] = (
    Column("region", lambda line: line.region, lambda line: called(line.region, "value")),
    Column(
        "state",
        lambda line: line.state,
        lambda line: called(line.state, "scored"),
        mark=lambda line: line.state,
        order=lambda line: (RANKS.index(line.state), -line.missing, line.region),
    ),
    Column("active", lambda line: line.active, lambda line: numbers.whole(line.active), number=True),
    Column("scored", lambda line: line.scored, lambda line: numbers.whole(line.scored), number=True),
    Column(
        "missing",
        lambda line: line.missing,
        lambda line: numbers.whole(line.missing),
        number=True,
        css=lambda line: "past" if line.missing else "",
    ),
    *(_by(state) for state in SERVED),
    Column("rows", lambda line: line.rows, lambda line: numbers.whole(line.rows), number=True),
    Column("scored_at", lambda line: line.scored_at, lambda line: numbers.moment(line.scored_at)),
    Column("why", lambda line: line.error, css=lambda line: "past" if line.error else ""),
)

MODELS: Sequence[Column[Age]] = (
    Column("segment", lambda age: age.segment),
    Column("age_days", lambda age: age.days),
    Column("state", lambda age: age.state),
    Column("why", lambda age: age.reason),
)
