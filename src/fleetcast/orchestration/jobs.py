"""Dagster's jobs beside the week: take files in, and bring an artifact to its environment; each types the fleet's verbs."""

from collections.abc import Callable, Sequence

import dagster as dg

from fleetcast.domain.errors import FleetcastError
from fleetcast.orchestration.desk import Desk, see_to
from fleetcast.orchestration.place import Place
from fleetcast.orchestration.ticking import DEPLOYING, deploying


def intake(place: Place) -> dg.JobDefinition:
    """Ask sources, take new files in, and condition them; what comes of it is looked at by the sensor of versions."""
    condition = _typed(place, "condition", lambda: ("condition",))

    @dg.job(name=f"intake_{place.environment}", executor_def=dg.in_process_executor)
    def job() -> None:
        condition()

    return job


def artifact(place: Place) -> dg.JobDefinition:
    """Validate the artifact that lies where CI puts them, promote its release if policy lets it, and score with it."""
    steps = [_typed(place, verb, _command(place, verb)) for verb in DEPLOYING]

    @dg.job(name=f"artifact_{place.environment}", executor_def=dg.in_process_executor)
    def job() -> None:
        after = None
        for step in steps:
            after = step() if after is None else step(after)

    return job


def _command(place: Place, verb: str) -> Callable[[], Sequence[str]]:
    def words() -> Sequence[str]:
        with place.opened() as w:
            return deploying(w, verb)

    return words


def _typed(place: Place, name: str, words: Callable[[], Sequence[str]]) -> dg.OpDefinition:
    first = name in ("condition", DEPLOYING[0])

    @dg.op(
        name=f"{name.replace('-', '_')}_{place.environment}",
        ins={} if first else {"after": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
    )
    def typed(context: dg.OpExecutionContext) -> None:
        with place.opened() as w:
            try:
                how = see_to(Desk(w), words(), lambda: False)
            except FleetcastError as error:
                raise dg.Failure(str(error)) from error
        context.log.info("%s: %s", name, how)

    return typed
