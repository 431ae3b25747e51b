"""What needs attention: everything that stands out in an environment as one list, the gravest and largest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fleetcast.domain.incidents import FLEET, OF_A_SOURCE, Incident
from fleetcast.fleet.arrived import accounts
from fleetcast.reading.deciding import stood_before
from fleetcast.reading.fleet_health import FleetHealth, ModelRow, health, standing_incidents
from fleetcast.reading.remedies import Remedy, remedies
from fleetcast.reading.states import FAILED, STATES, State
from fleetcast.workspace import Workspace

TOGETHER = ("late", "absent")  # kinds of incidents that come in numbers, one for each source
DRIFTING = ("drift", "demand")  # kinds of incidents: inputs moved, demand moved


@dataclass(frozen=True, slots=True)
class Item:
    """Trouble with something, since a week, in the words of whoever noticed; `series` are those it touches.

    `kind` is that of an incident, or a state that a model is in without one. `segment` and `region` say where to look,
    and `incident` is its id where it is one.
    """

    kind: str
    state: State
    subject: str
    since: date | None
    evidence: str
    series: int
    segment: str | None = None
    region: str | None = None
    incident: str | None = None
    owner: str | None = None
    source: str | None = None
    set_aside: int = 0  # rows and files of its source that are in quarantine
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Attention:
    """The four questions answered by name, and the list."""

    models: int
    as_expected: tuple[str, ...]
    drifting: tuple[str, ...]
    poor: tuple[str, ...]
    failed_over: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def entries(self) -> list[tuple[Item, ...]]:
        """The list as it is read: sources that are late, or absent, are one entry, where the gravest of them stands."""
        found: dict[object, list[Item]] = {}
        for place, item in enumerate(self.items):
            found.setdefault(item.kind if item.kind in TOGETHER else place, []).append(item)
        return [tuple(of) for of in found.values()]


def attention(w: Workspace, regions: frozenset[str] | None, asof: date | None = None) -> Attention:
    """What a reader of these regions (None: all) has to know first; as of a day, what they had to know then."""
    found = health(w, regions, asof)
    standing = [one for one in standing_incidents(w, asof) if _seen_by(found, one, regions)]
    items = sorted([*_incidents(w, found, standing), *_models(found, standing)], key=_rank)
    return Attention(
        models=len(found.rows),
        as_expected=tuple(row.segment for row in found.rows if row.state == "ok"),
        drifting=tuple(dict.fromkeys(one.subject for one in standing if one.kind in DRIFTING)),
        poor=tuple(row.segment for row in found.rows if row.state == "over_gate" or "degraded" in row.signs),
        failed_over=tuple(row.segment for row in found.rows if row.champion is not None and row.champion < 1),
        items=tuple(items),
    )


def _rank(item: Item) -> tuple[int, int, str]:
    return STATES.index(item.state), -item.series, item.subject


def _seen_by(found: FleetHealth, one: Incident, regions: frozenset[str] | None) -> bool:
    """Trouble of one region is for those who may see it; that of a source or the fleet, for those who may see all."""
    return regions is None or bool(_touched(found, one.subject))


def _touched(found: FleetHealth, subject: str) -> list[ModelRow]:
    return [row for row in found.rows if subject in (row.segment, row.region)]


def _incidents(w: Workspace, found: FleetHealth, standing: list[Incident]) -> Iterator[Item]:
    everything = sum(row.series for row in found.rows)
    set_aside = _set_aside(w) if any(one.kind in OF_A_SOURCE for one in standing) else {}
    earlier = bool(stood_before(w))
    for one in standing:
        touched = _touched(found, one.subject)
        whole = one.subject == FLEET or one.kind in OF_A_SOURCE
        yield Item(
            kind=one.kind,
            state=_state(one),
            subject=one.subject,
            since=one.opened,
            evidence=one.cause,
            series=everything if whole else sum(row.series for row in touched),
            segment=one.subject if any(row.segment == one.subject for row in touched) else None,
            region=one.subject if any(row.region == one.subject for row in touched) else None,
            incident=one.id,
            owner=one.owner,
            source=one.subject if one.kind in OF_A_SOURCE and one.subject != FLEET else None,
            set_aside=set_aside.get(one.subject, 0) if one.kind in OF_A_SOURCE else 0,
            remedies=remedies(one, touched, earlier=earlier),
        )


def _set_aside(w: Workspace) -> dict[str, int]:
    """By source, how many rows and whole files of it are in quarantine."""
    return {one.source: one.quarantined + one.refused for one in accounts(w)}


def _state(one: Incident) -> State:
    if one.kind == "stale":
        return "stale"
    return "failed" if one.severity == "alarm" or one.kind in FAILED else "watch"


def _models(found: FleetHealth, standing: list[Incident]) -> Iterator[Item]:
    """Models that need work without an incident that says so already."""
    told = {one.subject for one in standing}
    for row in found.rows:
        stands_out = row.state == "over_gate" or (
            row.state in ("failed", "stale") and row.segment not in told
        )
        if stands_out:
            yield Item(
                row.state,
                row.state,
                row.segment,
                found.cycle,
                row.why,
                row.series,
                segment=row.segment,
                remedies=() if row.state == "over_gate" else ("retrain",),
            )
