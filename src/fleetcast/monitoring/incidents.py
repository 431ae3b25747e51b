"""From the signals of a week to incidents: which open, which go on, which are over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from fleetcast.domain.incidents import PASSING, Incident, Kind, Signal
from fleetcast.domain.week import WEEK

QUIET = 2  # weeks after the last signal, trouble is over

What = Literal["opened", "worsened", "seen", "over"]


@dataclass(frozen=True, slots=True)
class Change:
    """An incident as it is from now on, and what happened to it."""

    incident: Incident
    what: What


def reconcile(known: Iterable[Incident], signals: Sequence[Signal], *, week: date) -> list[Change]:
    """What the signals of a week make of the incidents that are `known`; nothing that stays as it is.

    Signals of one kind and subject are one, which goes on with their newest incident, or opens a new one. Trouble is over
    when nothing was noticed of it for two weeks; what passes by itself is over the week after. What a person closed stays
    closed for as long as its signals go on without a week between. Doing a week twice changes nothing.
    """
    newest = {(one.kind, one.subject): one for one in sorted(known, key=lambda one: one.opened)}
    told = together(signals)
    changes = [_told(newest.get(key), signal) for key, signal in sorted(told.items())]
    going_on = {key for key, signal in told.items() if key in newest and _goes_on(newest[key], signal)}
    changes += [
        Change(replace(one, state="closed", closed=week), "over")
        for key, one in sorted(newest.items())
        if one.standing and key not in going_on and one.seen + _quiet(one.kind) <= week
    ]
    return [change for change in changes if change is not None]


def together(signals: Iterable[Signal]) -> dict[tuple[Kind, str], Signal]:
    """One signal of each kind and subject: as grave as the gravest, with the causes of all, that one's first."""
    found: dict[tuple[Kind, str], Signal] = {}
    for signal in sorted(signals, key=_gravity):
        key = signal.kind, signal.subject
        found[key] = _both(found[key], signal) if key in found else signal
    return found


def _both(one: Signal, graver: Signal) -> Signal:
    if one.cause == graver.cause:
        return graver
    return replace(graver, cause=f"{graver.cause}; {one.cause}", evidence={**one.evidence, **graver.evidence})


def _told(before: Incident | None, signal: Signal) -> Change | None:
    if before is None or not _goes_on(before, signal):
        return Change(Incident.of(signal), "opened")
    after = replace(
        before,
        seen=max(before.seen, signal.week),
        cause=signal.cause,
        severity=signal.severity,
        evidence=dict(signal.evidence),
    )
    if before.severity == "warning" and signal.severity == "alarm":
        return Change(replace(after, state="open", closed=None, closed_by=None), "worsened")
    return Change(after, "seen") if after != before else None


def _goes_on(before: Incident, signal: Signal) -> bool:
    """Whether a signal is of trouble that is known already."""
    if before.kind in PASSING:
        return before.seen >= signal.week  # the week is done again
    return before.standing or (before.closed_by is not None and before.seen + WEEK >= signal.week)


def _quiet(kind: Kind) -> timedelta:
    return WEEK if kind in PASSING else QUIET * WEEK


def _gravity(signal: Signal) -> tuple[bool, str]:
    return signal.severity == "alarm", signal.cause
