"""The week's release: train what is due, cut a release of it, and make it live when it may be."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fleetcast.domain.errors import CorruptError
from fleetcast.fleet import challengers, cutting, holding, promoting
from fleetcast.fleet.cycle import Cycle
from fleetcast.registry.manifest import Release
from fleetcast.settings import branch_digest
from fleetcast.telemetry import get_logger

log = get_logger()


@dataclass(frozen=True)
class Released:
    """How a week's release came out."""

    cut: Release | None = None  # the release made for this week, unless it was rolled back since
    quorum: bool = True  # whether it met its own
    awaiting: str = ""  # why it waits for people, if it does
    untrained: Mapping[str, str] = field(
        default_factory=dict
    )  # models that could not be made, with the reason


def train_and_release(cycle: Cycle, *, promote: bool) -> Released:
    """Plan, train, judge, cut a release, and make it live when the quorum is met."""
    chosen = challengers.due(cycle)
    trained = {reach: challengers.train(cycle, chosen, reach) for reach in cycle.w.settings.reaches}
    if not chosen and _pinned(cycle):
        return Released()  # the live release stays as it is
    trained = {reach: challengers.with_waiting(cycle, made, reach) for reach, made in trained.items()}
    cycle.progress.stage("release", None)
    done = cycle.steps.once(
        "release",
        {
            "trained": {reach: asdict(made) for reach, made in trained.items()},
            "gate": branch_digest(cycle.w.settings.gate),
            "week": str(cycle.week),
            "artifact": cycle.artifact,
            "policy": cycle.policy,
        },
        lambda: cutting.cut(cycle, trained),
    )
    release, quorum = done.result["release"], done.result["quorum"]
    cycle.progress.done("release", f"{release[:12]}: {quorum['text']}")
    before, awaiting = _promoted(cycle, done.result) if promote and quorum["met"] else (False, "")
    rolled_back = before and cycle.w.ledger.pointer() != release
    cut = None if rolled_back else cycle.w.registry.releases.get(release)
    return Released(cut, quorum["met"], awaiting, done.result["failed"])


def _pinned(cycle: Cycle) -> bool:
    """Whether the live release names the artifact and the policy that are here now: they change without any training."""
    live = cycle.w.registry.releases.current()
    return live is not None and (live.manifest.artifact, live.manifest.policy) == (
        cycle.artifact,
        cycle.policy,
    )


def _promoted(cycle: Cycle, released: Mapping[str, Any]) -> tuple[bool, str]:
    """Make a release live; whether it was before, and why it has to wait for people.

    One that is damaged, or that people have to look at first, leaves the live one serving.
    """
    live, made = cycle.w.registry.releases.current(), cycle.w.registry.releases.get(released["release"])
    if live is not None and live.id != made.id and holding.of(cycle.w, cycle.name):
        log.warning("held_back", release=made.id)
        return False, "the week is held, and people decide on what becomes live"
    decision = promoting.decide(cycle.w, made, live)
    if not decision.allowed and (live is None or live.id != made.id):
        log.warning("awaits_approval", release=made.id, why=decision.why)
        promoting.tell_why_not(cycle.w, made, decision, live)
        return False, decision.why

    def promote() -> dict[str, str]:
        reason = f"week {cycle.week}: {released['quorum']['text']}"
        promoting.promote(
            cycle.w, made, actor=cycle.actor, reason=reason, attended=False, over=released["expected"]
        )
        return {"live": made.id}

    try:
        done = cycle.steps.once("promote", {"release": made.id}, promote)
    except CorruptError as error:
        log.warning("not_promoted", release=made.id, error=str(error))
        return False, ""
    return done.resumed, ""
