"""Runs: every cycle with what started it, and one cycle step by step, live while it runs."""

from collections.abc import Sequence

from starlette.responses import Response

from fleetcast.faces.web import numbers, states
from fleetcast.faces.web.gantt import LEFT, RIGHT, WIDTH, gantt
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.words import called, say
from fleetcast.reading.cycles import CycleRow, cycle, cycles, made_by
from fleetcast.reading.logged import tail
from fleetcast.reading.timeline import Part, Step, timeline

LOOK_AGAIN = 3  # seconds, while a cycle runs


def runs(visit: Visit) -> Response:
    """Every cycle, the newest first."""
    listing = _list(visit)
    return visit.render(
        "runs.html",
        "runs",
        say("runs.title"),
        shown=listing.shown(visit.query),
        running=[row for row in listing.rows if row.state == "running"],
    )


def runs_twin(visit: Visit, kind: Kind) -> Response:
    return listed(kind, "runs", _list(visit), visit.query)


def _list(visit: Visit) -> Listing[CycleRow]:
    return Listing(_columns(visit), cycles(visit.w, visit.asof), "-cycle")


def run(visit: Visit) -> Response:
    """One cycle: where its time went, what failed, what it published, and what it logged."""
    row, steps = _found(visit)
    parts = Listing(PARTS, _parts(steps), "began")
    return visit.render(
        "run.html",
        "runs",
        say("runs.one", cycle=row.cycle),
        row=row,
        steps=steps,
        failed=[part for part in parts.rows if part.error],
        picture=gantt(steps),
        width=WIDTH,
        left=LEFT,
        right=RIGHT,
        made=made_by(visit.w, row.release) if row.release else None,
        shown=parts.shown(visit.query),
        lines=tail(visit.w, visit.regions, row.cycle),
        every=LOOK_AGAIN,
        now=visit.w.clock(),
    )


def run_twin(visit: Visit, kind: Kind) -> Response:
    row, steps = _found(visit)
    return listed(kind, f"run-{row.cycle}", Listing(PARTS, _parts(steps), "began"), visit.query)


def _found(visit: Visit) -> tuple[CycleRow, list[Step]]:
    row = cycle(visit.w, visit.request.path_params["cycle"], visit.asof)
    return row, timeline(visit.w, visit.regions, row)


def _parts(steps: Sequence[Step]) -> list[Part]:
    return [part for step in steps for part in step.parts]


def _word(state: str) -> str:
    return say(states.ALL[state].word)


def _columns(visit: Visit) -> Sequence[Column[CycleRow]]:
    return (
        Column("cycle", lambda row: row.cycle, link=lambda row: visit.at(f"/runs/{row.cycle}")),
        Column("week", lambda row: row.week, lambda row: numbers.day(row.week)),
        Column("state", lambda row: row.state, lambda row: _word(row.state), mark=lambda row: row.state),
        Column("trigger", lambda row: row.trigger, lambda row: called(row.trigger or "asked", "trigger")),
        Column("actor", lambda row: row.actor or None),
        Column("attempt", lambda row: row.attempt, number=True),
        Column("started", lambda row: row.started, lambda row: numbers.moment(row.started)),
        Column("seconds", lambda row: row.seconds, lambda row: numbers.duration(row.seconds), number=True),
        Column(
            "release",
            lambda row: row.release,
            lambda row: row.release[:12] if row.release else numbers.MISSING,
            link=lambda row: visit.at(f"/lineage/release/{row.release}") if row.release else None,
        ),
    )


PARTS: Sequence[Column[Part]] = (
    Column("step", lambda part: part.step, lambda part: called(part.step, "step")),
    Column("part", lambda part: part.part, lambda part: called(part.part, "value")),
    Column("state", lambda part: part.state, lambda part: _word(part.state), mark=lambda part: part.state),
    Column("attempt", lambda part: part.attempt, number=True),
    Column("began", lambda part: part.began, lambda part: f"{part.began:%H:%M:%S}"),
    Column("seconds", lambda part: part.seconds, lambda part: numbers.duration(part.seconds), number=True),
    Column(
        "cpu_seconds",
        lambda part: part.cpu_seconds,
        lambda part: numbers.duration(part.cpu_seconds),
        number=True,
    ),
    Column("peak_mb", lambda part: part.peak_mb, lambda part: numbers.whole(part.peak_mb), number=True),
    Column("error", lambda part: part.error, css=lambda _: "wrap"),
)
