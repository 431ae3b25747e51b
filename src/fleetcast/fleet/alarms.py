"""What an alarm may ask of the plan: a cool-down, a budget and the whole fleet's state stand against each wish."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

from fleetcast.domain.incidents import FLEET, Incident
from fleetcast.domain.week import WEEK, label
from fleetcast.fleet.steps import Steps
from fleetcast.settings import MonitoringSettings, RetrainingSettings
from fleetcast.workspace import Workspace

STEP = "alarms"  # of a cycle: what alarms asked of its plan, and were answered


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a segment is retrained because of its alarm, and why or why not."""

    granted: bool
    reason: str


def answer(
    alarms: Sequence[Incident],
    *,
    week: date,
    retrained: Mapping[str, date],
    models: int,
    shocked: bool,
    flapping: Collection[str],
    settings: RetrainingSettings,
) -> dict[str, Answer]:
    """The policy's answer to each segment in alarm, the longest standing first.

    `retrained` is the week in which each was retrained by an alarm last, `models` how many there are: only so large a
    share of them is retrained by alarms in a week. While many are in alarm at once (`shocked`) nothing is: what hits them
    all is not mended by training.
    """
    budget = ceil(settings.alarm_share * models)
    found: dict[str, Answer] = {}
    granted = 0
    for alarm in sorted(alarms, key=lambda one: (one.opened, one.subject)):
        told = f"in alarm since {alarm.opened}: {alarm.cause}"
        last = retrained.get(alarm.subject)
        ready = last + settings.alarm_cooldown_weeks * WEEK if last else week
        if shocked:
            why = "not retrained for it: the whole fleet is, and training does not mend that"
        elif alarm.subject in flapping:
            why = (
                "not retrained for it: it comes and goes, and automatic actions are off until somebody looks"
            )
        elif week < ready:
            why = f"not retrained for it again before {ready}"
        elif granted >= budget:
            why = f"not retrained for it this week: {budget} of {models} models are already, the most there may be"
        else:
            granted += 1
            found[alarm.subject] = Answer(True, told)
            continue
        found[alarm.subject] = Answer(False, f"{told}; {why}")
    return found


def answers(w: Workspace, week: date, *, fresh: bool = False) -> dict[str, Answer]:
    """The answers of this week, by what stands in the ledger.

    An alarm that was opened in this very week is there at its end, when it has been planned: it counts when somebody asks
    for what is `fresh`, so that doing a week twice changes nothing.
    """
    with w.ledger.view() as view:
        known = [one for one in view.incidents() if one.kind in ("degraded", "shock")]
    standing = [
        one for one in known if one.standing and (one.opened < week or (fresh and one.opened == week))
    ]
    alarms = [one for one in standing if one.kind == "degraded" and one.severity == "alarm"]
    if not alarms:
        return {}
    live = w.registry.releases.current()
    return answer(
        alarms,
        week=week,
        retrained=_retrained(w, week),
        models=len(live.manifest.members) if live else 0,
        shocked=any(one.kind == "shock" and one.subject == FLEET for one in standing),
        flapping=flapping(known, week, w.settings.monitoring),
        settings=w.settings.retraining,
    )


def _retrained(w: Workspace, week: date) -> dict[str, date]:
    """The last week in which each model was retrained by an alarm, as far back as the cool-down looks."""
    found: dict[str, date] = {}
    for back in range(w.settings.retraining.alarm_cooldown_weeks, 0, -1):
        earlier = week - back * WEEK
        for decision in decisions(w, earlier):
            if decision["retrain"] and decision.get("cause") == "alarm":
                found[decision["segment"]] = earlier
    return found


def kept(w: Workspace, week: date) -> dict[str, Answer] | None:
    """The answers that a week was last planned with; None where it was not planned yet."""
    found = _steps(w, week).last(STEP)
    return None if found is None else {segment: Answer(*answer) for segment, answer in found.items()}


def told(answers: Mapping[str, Answer]) -> dict[str, list[Any]]:
    """Answers as they are kept."""
    return {segment: [answer.granted, answer.reason] for segment, answer in answers.items()}


def decisions(w: Workspace, week: date) -> list[dict[str, Any]]:
    """What was decided in the plan of a week, as it was kept; nothing of a week without one."""
    return _steps(w, week).last("plan") or []


def _steps(w: Workspace, week: date) -> Steps:
    return Steps(label(week), w.ledger, w.bank)


def flapping(known: Sequence[Incident], week: date, settings: MonitoringSettings) -> set[str]:
    """Segments whose alarm opened so often lately that nobody should follow it blindly."""
    since = week - settings.flapping_weeks * WEEK
    opened = Counter(one.subject for one in known if one.kind == "degraded" and since < one.opened <= week)
    return {segment for segment, times in opened.items() if times >= settings.flaps}
