"""Whom a week is served by: the champion where it can be trusted, and everybody heard before anybody is doubted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from fleetcast.domain.reach import called
from fleetcast.scoring import failover, output_gate
from fleetcast.scoring.desk import Desk
from fleetcast.scoring.standing import (
    IN_ALARM,
    NOT_LOADABLE,
    ON_PROBATION,
    OUTPUT_GATE,
    TROUBLES,
    Look,
    judged,
)
from fleetcast.scoring.task import ScoringTask
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger

log = get_logger()


@dataclass(frozen=True)
class Doubts:
    """Segments, or sources of a segment, that are not served as they would be."""

    refused: frozenset[tuple[str, failover.Source]] = frozenset()  # by the output gate
    in_alarm: frozenset[str] = frozenset()
    on_probation: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Trusted:
    """What is served, whom it was doubted of, and what was found of each champion, by the model's name."""

    served: failover.Served
    doubts: Doubts
    found: Mapping[str, str]


def trusted(
    desk: Desk,
    active: pl.DataFrame,
    previous: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
) -> Trusted:
    """Serve every active series by whom can be trusted.

    First everybody is heard, so that it is known who is good; then those on probation stand back.
    """
    history = output_gate.sold(desk.panel)

    def gated(doubts: Doubts) -> tuple[failover.Served, Doubts]:
        """A segment whose forecasts do not pass the output gate is served again without their model."""
        while True:
            served = serve(desk, active, previous, task, settings, doubts)
            bad = frozenset(_distrusted(served, history)) - doubts.refused
            if not bad:
                return served, doubts
            log.warning("output_gate", partition=task.partition, segments=sorted(bad))
            doubts = replace(doubts, refused=doubts.refused | bad)

    alarmed = {segment for segment in desk.members if called(segment, desk.reach) in task.in_alarm}
    served, doubts = gated(Doubts(in_alarm=frozenset(alarmed)))
    found = _found(desk, active, doubts)
    waiting = _on_probation(desk, found, task, settings)
    if waiting:
        served, doubts = gated(replace(doubts, on_probation=waiting))
    return Trusted(served, doubts, {called(segment, desk.reach): code for segment, code in found.items()})


def _found(desk: Desk, active: pl.DataFrame, doubts: Doubts) -> dict[str, str]:
    """By segment with a champion: what is wrong with it, in a code, or "" where nothing is."""
    why = _why(desk, active, doubts)
    champions = {name for name, member in desk.members.items() if member.serving == "ensemble"}
    here = champions & set(active["segment"].drop_nulls())
    return {segment: why.get(segment, "") for segment in sorted(here)}


def _on_probation(
    desk: Desk, found: Mapping[str, str], task: ScoringTask, settings: Settings
) -> frozenset[str]:
    """The segments whose champion is good, and was not for long enough."""
    waiting = set()
    for segment, trouble in found.items():
        before = task.out.get(called(segment, desk.reach))
        look = Look(task.cutoff, desk.members[segment].model, trouble)
        after = judged(before, look, good_cycles=settings.failover.good_cycles)
        if after.state == "on_probation":
            waiting.add(segment)
    return frozenset(waiting)


def serve(
    desk: Desk,
    active: pl.DataFrame,
    previous: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
    doubts: Doubts,
) -> failover.Served:
    horizons = settings.training.horizons
    champion = desk.champions(doubts.in_alarm | _refused(doubts, "champion") | doubts.on_probation)
    late = desk.champions(desk.members.keys() - (doubts.on_probation - _refused(doubts, "champion")))
    why = _why(desk, active, doubts)
    needy = {segment for segment, code in why.items() if code in (*TROUBLES, ON_PROBATION)}
    needy -= _refused(doubts, "last_known_good")
    predictions: dict[failover.Source, pl.DataFrame] = {"champion": champion, "baseline": desk.baselines()}
    if needy:
        predictions["last_known_good"] = desk.last_known_good(needy)
    if previous.height:
        predictions["carried_forward"] = failover.carry_forward(
            previous, cycle=task.cutoff, horizons=horizons
        )
    return failover.serve(
        active,
        predictions,
        cycle=task.cutoff,
        horizons=horizons,
        release=task.release,
        why=why,
        noted=desk.incomplete | dict.fromkeys(doubts.on_probation, ON_PROBATION),
        on_probation=late,
    )


def _refused(doubts: Doubts, source: failover.Source) -> frozenset[str]:
    return frozenset(segment for segment, refused in doubts.refused if refused == source)


def _why(desk: Desk, active: pl.DataFrame, doubts: Doubts) -> dict[str, str]:
    """Why a segment's champion does not serve, in a code."""
    codes: dict[str, str] = {}
    refused = _refused(doubts, "champion")
    for segment in active["segment"].drop_nulls().unique():
        member = desk.members.get(segment)
        if member is None:
            codes[segment] = "no_model"
        elif member.serving == "baseline":
            codes[segment] = "not_passed"
        elif segment in refused:
            codes[segment] = OUTPUT_GATE
        elif desk.lost(member):
            codes[segment] = NOT_LOADABLE
        elif segment in doubts.in_alarm:
            codes[segment] = IN_ALARM
        elif segment in doubts.on_probation:
            codes[segment] = ON_PROBATION
    return codes


def _distrusted(served: failover.Served, history: pl.DataFrame) -> Iterator[tuple[str, failover.Source]]:
    yield from ((segment, "champion") for segment in output_gate.unusable(served.completeness))
    if output_gate.sound(served.forecasts, served.completeness, served.universe, history):
        return
    for (segment,), rows in served.forecasts.partition_by("segment", as_dict=True).items():
        mine = pl.col("segment") == segment
        found = output_gate.problems(
            rows, served.completeness.filter(mine), served.universe.filter(mine), history.filter(mine)
        )
        models: tuple[failover.Source, ...] = ("champion", "last_known_good")
        for source in models if found else ():
            if (rows["failover"] == source).any():
                log.warning("output_gate_problem", segment=segment, source=source, problems=found[:5])
                yield str(segment), source
