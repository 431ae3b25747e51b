"""Which models of the fleet are looked at, and how many of them stand how."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fleetcast.reading.fleet_health import FleetHealth, ModelRow
from fleetcast.reading.states import STATES, State


@dataclass(frozen=True, slots=True)
class Choice:
    """Values of segment keys, a state, and a piece of a name; what is left out is not asked for."""

    parts: Mapping[str, str] = field(default_factory=dict)
    state: State | None = None
    name: str = ""


def of_segments(health: FleetHealth, choice: Choice) -> list[ModelRow]:
    """The rows of the chosen segments, in whatever state they are."""
    rows = list(health.rows)
    for key, value in choice.parts.items():
        place = health.keys.index(key)
        rows = [row for row in rows if row.parts[place] == value]
    name = choice.name.strip().lower()
    return [row for row in rows if name in row.segment.lower() or name in row.model.lower()] if name else rows


def in_state(rows: Iterable[ModelRow], state: State | None) -> list[ModelRow]:
    return [row for row in rows if state is None or row.state == state]


def counts(rows: Iterable[ModelRow]) -> dict[State, int]:
    """How many are in each state, the worst first."""
    found = Counter(row.state for row in rows)
    return {state: found[state] for state in STATES}
