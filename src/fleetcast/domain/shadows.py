"""A shadow: a challenger release that is scored beside the champion for some cycles, and published nowhere."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

State = Literal["running", "decided", "stopped"]
Answer = Literal["promote", "keep", "inconclusive"]
Labels = Literal["provisional", "final"]

STEP = "shadow"  # of a cycle, in which challengers are scored beside what was published


@dataclass(frozen=True, slots=True)
class Shadow:
    """What was asked, by whom and why, and what became of it. `evidence` is the digest of what the decision rests on."""

    release: str
    first: date  # the earliest cycle it is scored in
    cycles: int  # in how many
    actor: str
    reason: str = ""
    labels: Labels = "final"  # how far the demand of the last forecast week has to be known
    promotes: bool = False  # whether it becomes live by itself, if the answer is "promote"
    state: State = "running"
    decision: Answer | None = None
    evidence: str | None = None
