"""The page of a training: a week's steps and what they took, its challengers and their verdicts, the releases made of them."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fleetcast.faces.web import curves, numbers
from fleetcast.faces.web.addresses import act_at, compare_releases, model_at
from fleetcast.faces.web.model import versions_columns
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed, twin
from fleetcast.faces.web.words import called, say
from fleetcast.people.roles import Action
from fleetcast.reading.states import State
from fleetcast.reading.trainings import Step, Training, newest
from fleetcast.reading.trainings import training as read
from fleetcast.reading.versions import Version

SEE_OTHER, NOT_FOUND = 303, 404
STATES: Mapping[str, State] = {"done": "ok", "running": "watch", "failed": "failed"}


def trainings(visit: Visit) -> Response:
    """To the run that the form names, else to the newest; where there is none, a page that says so."""
    cycle = visit.query.get("run") or newest(visit.w, visit.asof)
    if cycle is None:
        return visit.render("training_none.html", "training", say("training.title"))
    return RedirectResponse(visit.at(f"/training/{quote(cycle, safe='')}"), SEE_OTHER)


def training(visit: Visit) -> Response:
    """A run by the name of its week; of those up to a pinned day, where it is a later one."""
    if visit.asof and visit.request.path_params["run"] > (newest(visit.w, visit.asof) or ""):
        return RedirectResponse(visit.at("/training"), SEE_OTHER)
    found = _found(visit)
    steps = [*found.conditioned, *found.steps]
    passed = sum(one.passed for one in found.challengers)
    shown = _challengers(visit, found).shown(visit.query)
    return visit.render(
        "training.html",
        "training",
        say("training.of", week=numbers.day(found.week)),
        found=found,
        state=STATES.get(found.state, "unknown"),
        passed=passed,
        steps=steps,
        step_columns=STEPS,
        releases=found.releases,
        compare=lambda cut: compare_releases(visit, found.live, cut.release),
        promote=lambda cut: (
            act_at(visit, "promote", release=cut.release)
            if visit.may(Action.judge_models) and cut.release != found.live
            else ""
        ),
        roll_back=visit.at("/roll-back") if visit.may(Action.roll_back) else "",
        shown=shown,
        curves=curves.pictures(shown.rows),
        named=lambda one: model_at(visit, one.segment, one.short),
        box=(curves.WIDTH, curves.HEIGHT),
        chosen=visit.query.get("verdict", ""),
        q=visit.query.get("q", ""),
    )


def training_twin(visit: Visit, kind: Kind) -> Response:
    """Its challengers; `list=steps` asks for its steps, `list=curves` for their loss curves."""
    found = _found(visit)
    if visit.query.get("list") == "steps":
        return twin(kind, f"{found.cycle}-steps", STEPS, [*found.conditioned, *found.steps])
    challengers = _challengers(visit, found)
    if visit.query.get("list") == "curves":
        return twin(
            kind, f"{found.cycle}-curves", curves.COLUMNS, curves.points(challengers.arranged(visit.query))
        )
    return listed(kind, f"{found.cycle}-challengers", challengers, visit.query)


def _found(visit: Visit) -> Training:
    try:
        return read(visit.w, visit.regions, visit.request.path_params["run"], visit.asof)
    except ValueError as error:
        raise HTTPException(NOT_FOUND) from error


def _chosen(visit: Visit, challengers: Sequence[Version]) -> list[Version]:
    """Those of a verdict, whose segment has a piece of text in its name."""
    verdict, name = visit.query.get("verdict", ""), visit.query.get("q", "").strip().lower()
    return [
        one
        for one in challengers
        if name in one.segment.lower()
        and (verdict not in ("passed", "refused") or one.passed == (verdict == "passed"))
    ]


def _challengers(visit: Visit, found: Training) -> Listing[Version]:
    return Listing(_columns(visit), _chosen(visit, found.challengers), "passed")


def _columns(visit: Visit) -> Sequence[Column[Version]]:
    """A challenger's segment, and what is said of every version, with those that did not pass first."""
    said = [column for column in versions_columns(visit) if column.name != "trained_at"]
    return (Column("segment", lambda one: one.segment), *said)


def _wall(step: Step) -> float | None:
    return step.cost.wall_seconds if step.cost else None


STEPS: Sequence[Column[Step]] = (
    Column("step", lambda one: one.step, lambda one: called(one.step, "step")),
    Column("part", lambda one: one.part, lambda one: called(one.part, "part")),
    Column(
        "state",
        lambda one: one.state,
        lambda one: called(one.state, "run"),
        mark=lambda one: STATES[one.state],
    ),
    Column("attempt", lambda one: one.attempt, number=True),
    Column("started", lambda one: one.started, lambda one: numbers.moment(one.started)),
    Column("seconds", _wall, lambda one: numbers.units(_wall(one)), number=True),
    Column(
        "cpu_seconds",
        lambda one: one.cost.cpu_seconds if one.cost else None,
        lambda one: numbers.units(one.cost.cpu_seconds if one.cost else None),
        number=True,
    ),
    Column(
        "peak_mb",
        lambda one: one.cost.peak_mb if one.cost else None,
        lambda one: numbers.whole(one.cost.peak_mb if one.cost else None),
        number=True,
    ),
    Column("error", lambda one: one.error, css=lambda _: "wrap"),
)
