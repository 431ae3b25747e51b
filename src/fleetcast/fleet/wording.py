"""What people are told, in words: incidents, releases, approvals and verdicts as messages."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

from fleetcast.domain.incidents import PASSING, Incident
from fleetcast.domain.notices import Message, Step, Topic
from fleetcast.domain.shadows import Shadow
from fleetcast.domain.versions import digest_of
from fleetcast.domain.week import label
from fleetcast.fleet.report import CycleReport, Move, Quarantined, SegmentVerdict
from fleetcast.monitoring.incidents import Change
from fleetcast.promotion import Decision
from fleetcast.workspace import Workspace

FEW = 4  # incidents that are told one by one; more are one message
MOST = 20  # lines of a kind in a message; the commands below it show all


@dataclass(frozen=True, slots=True)
class Place:
    """Whose news it is, and where its pages are."""

    workspace: str
    environment: str
    link: str = ""

    @classmethod
    def of(cls, w: Workspace) -> Self:
        return cls(w.settings.workspace.name, w.environment, w.settings.alerts.link)

    def message(self, event: str, topic: Topic, title: str, lines: Sequence[str], *steps: Step) -> Message:
        return Message(event, topic, f"{self.workspace}/{self.environment}", title, tuple(lines), steps)

    def step(self, words: str, command: str, page: str = "") -> Step:
        """What to do next: a command, and the page that shows the same, where it has one."""
        typed = f"fleetcast {command} --env {self.environment}"
        url = f"{self.link.rstrip('/')}/{self.environment}/{page}" if self.link and page else ""
        return Step(words, typed, url)


# ---------------------------------------------------------------- incidents


def incidents(place: Place, changes: Sequence[Change]) -> list[Message]:
    """Incidents that opened, worsened or are over; many at once are one message."""
    told = [change for change in changes if _worth_telling(change)]
    return [_incident(place, change) for change in told] if len(told) <= FEW else [_incidents(place, told)]


def _worth_telling(change: Change) -> bool:
    """That trouble goes on is no news, nor that it is over where it passes by itself."""
    return change.what in ("opened", "worsened") or (
        change.what == "over" and change.incident.kind not in PASSING
    )


def _incident(place: Place, change: Change) -> Message:
    one = change.incident
    alarm = " (alarm)" if one.severity == "alarm" and one.standing else ""
    steps = [place.step("look at it", f"incident show {one.id}", f"ops?incident={one.id}")]
    if one.standing:
        steps.append(place.step("say that you look after it", f"incident acknowledge {one.id}"))
    return place.message(
        _event(change),
        "incident",
        f"Incident {change.what}: {_named(one)}{alarm}",
        [one.cause, f"Opened in the week of {one.opened}, last seen in that of {one.seen}."],
        *steps,
    )


def _incidents(place: Place, changes: Sequence[Change]) -> Message:
    found = Counter(change.what for change in changes)
    lines = [f"{change.what}: {_named(change.incident)}: {change.incident.cause}" for change in changes]
    return place.message(
        f"incidents {digest_of(sorted(map(_event, changes)))}",
        "incident",
        f"Incidents: {', '.join(f'{number} {what}' for what, number in found.items())}",
        _few(lines),
        place.step("see all that stand", "status --incidents", "ops"),
    )


def _event(change: Change) -> str:
    return f"incident {change.incident.id} {change.what} {change.incident.closed or change.incident.seen}"


def _named(one: Incident) -> str:
    return f"{one.kind.replace('_', ' ')} {one.subject}"


# ---------------------------------------------------------------- releases


def awaiting(place: Place, release: str, decision: Decision, people: Collection[str]) -> Message:
    """A release that needs people; told again when one of them has approved."""
    may = (
        f"Who may approve it: {', '.join(people)}."
        if people
        else "policy.toml names nobody who may approve it."
    )
    return place.message(
        f"approval {release} {len(decision.approvers)}",
        "approval",
        f"Release {release[:12]} awaits approval",
        [decision.why, may],
        place.step("see what it would change", f"release diff {release[:12]}", _page(release)),
        place.step("approve it", f"release approve {release[:12]} --key FILE"),
    )


def live(place: Place, move: Move, seq: int, *, actor: str, reason: str) -> Message:
    """A release became live, by promotion or by going back."""
    return place.message(
        f"move {seq}",
        "release",
        f"Release {move.after[:12]} is live",
        [f"Instead of {(move.before or 'nothing')[:12]}, by {actor}: {reason}"],
        place.step("see what it serves", "release show", _page(move.after)),
        place.step("go back", "release rollback"),
    )


def refused(place: Place, release: str, why: str) -> Message:
    """A release may not become live, whoever approves it."""
    return place.message(
        f"refused {release} {why}",
        "release",
        f"Release {release[:12]} is refused",
        [why],
        place.step("see what it would change", f"release diff {release[:12]}", _page(release)),
    )


def quarantined(place: Place, done: Quarantined, *, actor: str, reason: str) -> Message:
    """A model is refused for good, and something else serves."""
    served = [f"{segment} is served by {model}" for segment, model in sorted(done.served.items())]
    return place.message(
        f"quarantine {done.model}",
        "release",
        f"Model {done.model} is quarantined",
        [f"By {actor}: {reason}", *_few(served)],
        place.step("forecast without it", "score"),
        place.step("train its segments anew", "train"),
    )


def shadow(place: Place, ended: Shadow, said: str) -> Message:
    """A challenger is not scored beside the champion any more, and what that came to."""
    name = ended.release[:12]
    return place.message(
        f"shadow {ended.release} {ended.first} {ended.evidence or 'nothing'}",
        "release",
        f"Shadow {name}: {ended.decision or 'stopped'}",
        [said],
        place.step("see both beside each other", f"release shadow {name}", _page(ended.release)),
    )


def _page(release: str) -> str:
    return f"lineage/release/{release}"


# ---------------------------------------------------------------- verdicts


def verdicts(place: Place, report: CycleReport) -> Message:
    """What the gate says of a release: how many pass, and who does not, and why."""
    release = report.release or ""
    far = report.long_term.verdicts if report.long_term else ()
    ill = [verdict for verdict in chain(report.verdicts, far) if not verdict.passed]
    judged = len(report.verdicts) + len(far)
    return place.message(
        f"verdicts {release}",
        "release",
        f"{judged - len(ill)} of {judged} models of {label(report.cycle)} passed the gate",
        [_stands(report), *_few([_why(verdict) for verdict in ill])],
        place.step("see why each serves", f"release show {release[:12]}", "fleet"),
    )


def _stands(report: CycleReport) -> str:
    release = f"Release {(report.release or '')[:12]}"
    if report.promoted:
        return f"{release} is live."
    if not report.quorum:
        return f"{release} misses its quorum: nothing is promoted, and the live release goes on serving."
    return f"{release} awaits {f'approval: {report.awaiting}' if report.awaiting else 'promotion'}."


def _why(verdict: SegmentVerdict) -> str:
    return f"{verdict.segment}: {verdict.reason}; served by {verdict.served_by.replace('_', ' ')}"


def _few(lines: Sequence[str]) -> list[str]:
    more = [f"… and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return [*lines[:MOST], *more]
