"""One model version: how its gate judged it, what it was made from, and the versions before and after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from fleetcast.domain.errors import NotFound
from fleetcast.domain.incidents import Incident
from fleetcast.domain.models import ModelKind, ModelState
from fleetcast.domain.reach import segment_of
from fleetcast.domain.week import of_label
from fleetcast.reading.fleet_health import standing_incidents
from fleetcast.reading.grants import Regions, sees
from fleetcast.reading.published import Then, then
from fleetcast.reading.track import partition_of
from fleetcast.registry.models import ModelVersion
from fleetcast.workspace import Workspace

AVERAGE = "historical mean"  # the baseline that a model is held against


@dataclass(frozen=True, slots=True)
class Check:
    """A question of the gate, and its answer in words."""

    name: str
    passed: bool
    value: float | None
    limit: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Improvement:
    """How much smaller MAPE is than that of a historical average: a fraction, with its 90 % interval."""

    baseline: str
    mape: float | None
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version as one line. Metrics are its gate's: fractions, errors in units; None where they have no value."""

    name: str
    segment: str
    kind: ModelKind
    state: ModelState
    live: bool
    passed: bool
    reasons: str
    trained_at: datetime
    updated_at: datetime
    mape: float | None
    limit: float
    baseline_mape: float | None
    skill: float | None
    rmse0: float | None
    rmse_all: float | None
    wape: float | None
    bias: float | None
    bias_limit: float
    n: int
    curves: tuple[tuple[float, ...], ...]  # the training loss of each member of its network, epoch by epoch

    @property
    def short(self) -> str:
        """What tells it from the other versions of its segment, like 2026w47-3."""
        return self.name.rpartition("/")[2]

    @property
    def cutoff(self) -> date:
        """The newest week that it was trained with."""
        return of_label(self.short.rpartition("-")[0])

    @property
    def against_baseline(self) -> float | None:
        """MAPE minus the baseline's: negative is better."""
        known = self.mape is not None and self.baseline_mape is not None
        return self.mape - self.baseline_mape if known else None  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Record:
    """A version with all that its manifest says, and what stands against its segment. `versions`: all of the segment."""

    version: Version
    checks: tuple[Check, ...]
    improvements: tuple[Improvement, ...]
    rows: Mapping[str, int]  # the training ledger: fitted, or excluded for a reason
    made_from: Mapping[str, str]
    warm_starts: int
    incidents: tuple[Incident, ...]
    versions: tuple[Version, ...]  # the newest first


def record(
    w: Workspace, regions: Regions, segment: str, short: str = "", *, asof: date | None = None
) -> Record:
    """A version of a segment, else the one that serves it, else its newest; NotFound where there is none to be seen.

    As of a day: of the versions that there were by then, as they stood.
    """
    pinned = then(w, asof) if asof else None
    known = pinned.cycle if pinned else asof
    found = w.registry.models.list(segment=segment) if sees(w, segment, regions) else []
    live = _live(w, pinned.release if pinned else None) if pinned or not asof else frozenset()
    every = [_line(w, one, live) for one in reversed(found)]
    lines = {one.name: one for one in every if known is None or one.cutoff <= known}
    if asof:
        lines = {one.name: one for one in _stood(list(lines.values()))}
    wanted = [name for name, line in lines.items() if line.short == short or (not short and line.live)] or (
        [] if short else list(lines)
    )
    if not wanted:
        raise NotFound(f"there is no model {segment} {short}".rstrip())
    stored = next(one for one in found if one.name == wanted[0])
    return _record(w, stored, tuple(lines.values()), standing_incidents(w, asof))


def of_week(w: Workspace, regions: Regions, cycle: str, pinned: Then | None = None) -> list[Version]:
    """The versions that were trained in a cycle, segment by segment; as they stood after a later one, where it is pinned."""
    with w.ledger.view() as view:
        found = [ModelVersion.read(one) for one in view.models(week=cycle)]
    live = _live(w, pinned.release if pinned else None)
    lines = [_line(w, one, live) for one in found if sees(w, one.segment, regions)]
    return _stood(lines) if pinned else lines


def _stood(lines: Sequence[Version]) -> list[Version]:
    """Versions of those days, in the states that the release of those days makes of them.

    One that serves, or served later, was waiting then if it is newer than the one that served; else it was retired.
    What was refused is: when somebody did it is not asked.
    """
    serving = {one.segment: one.cutoff for one in lines if one.live}

    def state(one: Version) -> ModelState:
        if one.live:
            return "promoted"
        if one.state in ("registered", "refused"):
            return one.state
        return "registered" if one.cutoff >= serving.get(one.segment, one.cutoff) else "retired"

    return [replace(one, state=state(one)) for one in lines]


def _live(w: Workspace, name: str | None = None) -> frozenset[str]:
    """The models of a release, by default of the live one."""
    release = w.registry.releases.get(name) if name else w.registry.releases.current()
    return frozenset(release.manifest.models) if release else frozenset()


def _record(
    w: Workspace, stored: ModelVersion, versions: tuple[Version, ...], stood: Sequence[Incident]
) -> Record:
    verdict, lineage = stored.verdict, stored.lineage
    about = {segment_of(stored.segment), partition_of(w, stored.segment)}
    standing = [one for one in reversed(stood) if one.subject in about]
    return Record(
        version=next(one for one in versions if one.name == stored.name),
        checks=tuple(Check(**_fields(one, Check)) for one in verdict.get("checks", ())),
        improvements=tuple(
            Improvement(**_fields(one, Improvement)) for one in verdict.get("improvements", ())
        ),
        rows=lineage.get("rows", {}),
        made_from={
            name: str(lineage[name])
            for name in (
                "recipe",
                "parent",
                "pool",
                "donor",
                "p",
                "weeks",
                "seed",
                "code",
                "lock",
                "snapshot",
            )
            if lineage.get(name) not in (None, "")
        },
        warm_starts=int(lineage.get("warm_starts", 0)),
        incidents=tuple(standing),
        versions=versions,
    )


def _fields(found: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """What a stored verdict says of each field; an older one may not say all."""
    return {name: found.get(name) for name in kind.__dataclass_fields__}  # type: ignore[attr-defined]


def _line(w: Workspace, stored: ModelVersion, live: frozenset[str]) -> Version:
    verdict = stored.verdict
    metrics = verdict.get("metrics", {})
    limits = {check["name"]: check["limit"] for check in verdict.get("checks", ())}
    averages = {one["baseline"]: one.get("mape") for one in verdict.get("improvements", ())}
    return Version(
        name=stored.name,
        segment=stored.segment,
        kind=stored.kind,
        state=stored.state,
        live=stored.name in live,
        passed=bool(verdict.get("passed", stored.state != "refused")),
        reasons="; ".join(verdict.get("reasons", ())),
        trained_at=stored.trained_at,
        updated_at=stored.updated_at,
        mape=metrics.get("mape"),
        limit=limits.get("mape", w.settings.gate.mape),
        baseline_mape=averages.get(AVERAGE),
        skill=metrics.get("skill"),
        rmse0=metrics.get("rmse0"),
        rmse_all=metrics.get("rmse_all"),
        wape=metrics.get("wape"),
        bias=metrics.get("bias"),
        bias_limit=limits.get("bias", w.settings.gate.bias),
        n=int(metrics.get("n", 0)),
        curves=tuple(tuple(curve) for curve in stored.lineage.get("curves", ())),
    )
