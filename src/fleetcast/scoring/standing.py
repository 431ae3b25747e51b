"""A champion's standing: whether it serves, or has failed and waits until it was good for long enough to be trusted again.

Every cycle looks at it once: `judged` leads from how it stood and from what was found to how it stands. A champion that
comes back is not trusted at once, so that a segment does not change its model from week to week; a new one is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

State = Literal["serves", "failed", "on_probation"]

# Codes of what can be wrong with a champion as a whole; whoever is on probation was good, and waits.
OUTPUT_GATE = "output_gate"
NOT_LOADABLE = "not_loadable"
IN_ALARM = "in_alarm"
TROUBLES = frozenset({OUTPUT_GATE, NOT_LOADABLE, IN_ALARM})
ON_PROBATION = "on_probation"


@dataclass(frozen=True, slots=True)
class Look:
    """What a cycle found of a segment's champion: "" where its own output would do, a code where not, None: it did not look."""

    cycle: date
    champion: str
    trouble: str | None = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a champion stands after a cycle, and why. `since` it serves, or does not; `good` cycles in a row since it failed."""

    champion: str
    state: State
    reason: str
    since: date
    good: int = 0


def judged(before: Standing | None, look: Look, *, good_cycles: int) -> Standing:
    """How a champion stands after one more cycle; `before` may be that of another champion, which says nothing of this one.

    >>> failed = judged(None, Look(date(2026, 11, 2), "m", "output_gate"), good_cycles=2)
    >>> waits = judged(failed, Look(date(2026, 11, 9), "m"), good_cycles=2)
    >>> waits.state, judged(waits, Look(date(2026, 11, 16), "m"), good_cycles=2).state
    ('on_probation', 'serves')
    """
    known = before if before is not None and before.champion == look.champion else None
    if look.trouble is None:
        return known or Standing(look.champion, "serves", "new", look.cycle)
    if look.trouble:
        out = known is not None and known.state != "serves"
        since = known.since if known is not None and out else look.cycle
        return Standing(look.champion, "failed", look.trouble, since)
    if known is None:
        return Standing(look.champion, "serves", "new", look.cycle)
    if known.state == "serves":
        return known
    good = known.good + 1
    if good >= good_cycles:
        return Standing(look.champion, "serves", "good_again", look.cycle)
    return Standing(look.champion, "on_probation", ON_PROBATION, known.since, good)


def followed(looks: Iterable[Look], *, good_cycles: int) -> Standing | None:
    """How a champion stands after these cycles, oldest first; None before any."""
    found: Standing | None = None
    for look in looks:
        found = judged(found, look, good_cycles=good_cycles)
    return found
