"""Looking at releases and moving between them, as the faces ask for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.reach import segment_of
from fleetcast.domain.segment import Segment
from fleetcast.fleet import promoting, telling
from fleetcast.fleet.agreement import disagreements
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.report import (
    Approved,
    Member,
    Move,
    Quarantined,
    ReleaseChange,
    ReleaseLine,
    ReleaseView,
)
from fleetcast.registry import manifest as kept
from fleetcast.registry.manifest import Reference, Release, inherit
from fleetcast.workspace import Workspace


def listed(w: Workspace) -> list[ReleaseLine]:
    """Every release, newest first."""
    live = w.ledger.pointer()
    return [_line(release, live) for release in reversed(w.registry.releases.list())]


def view(w: Workspace, name: str | None = None) -> ReleaseView:
    """One release, by its id or the first characters of it; else the live one."""
    release = named(w, name) if name else w.registry.releases.current()
    if release is None:
        raise UsageError(f"nothing is released in {w.environment} yet; run `fleetcast run`")
    made = release.manifest
    versions = w.registry.models.named({member.model for member in made.members.values()})
    members = tuple(
        replace(
            _member(segment, member, made.verdicts.get(segment, {})),
            donor=versions[member.model].lineage.get("donor"),
        )
        for segment, member in sorted(made.members.items())
    )
    lineage = {
        "code": made.code,
        "lock": made.lock,
        "snapshot": made.snapshot,
        "feature spec": made.feature_spec,
        "settings": made.settings,
    }
    return ReleaseView(_line(release, w.ledger.pointer()), members, lineage, disagreements(w, release))


def members(release: Release) -> list[ReleaseChange]:
    """Every segment of a release, as one that nothing served before."""
    made = release.manifest
    return [
        ReleaseChange(segment, None, _member(segment, member, made.verdicts.get(segment, {})))
        for segment, member in sorted(made.members.items())
    ]


def changes(w: Workspace, before: Release, after: Release) -> list[ReleaseChange]:
    """The segments that two releases serve with different models."""
    return [
        ReleaseChange(
            change.segment,
            _member(change.segment, change.old, change.old_verdict) if change.old else None,
            _member(change.segment, change.new, change.new_verdict) if change.new else None,
        )
        for change in w.registry.releases.diff(before.id, after.id)
    ]


def promote(w: Workspace, name: str, *, actor: str, reason: str) -> Move:
    """Make a release live, as a person asks for it."""
    from fleetcast.fleet import run  # it is the whole cycle

    w.refuse_checkout()
    before, wanted = w.ledger.pointer(), named(w, name)
    if promoting.unrehearsed(w, wanted):
        run.rehearse(w, wanted, progress=Silent(), actor=actor)
    with telling.delivered(w):
        release = promoting.promote(w, wanted, actor=actor, reason=reason, attended=True, over=before)
    return Move(w.environment, before, release.id)


def approve(
    w: Workspace, name: str, *, by: str | None, key: Path | None, signature: Path | None, reason: str
) -> Approved:
    """Approve a release with a signature."""
    release = named(w, name)
    given = signature.read_text("utf-8") if signature else None
    person = promoting.approve(w, release, person=by, key=key, signature=given, reason=reason)
    decision = promoting.decide(w, release, w.registry.releases.current())
    return Approved(w.environment, release.id, person, decision)


def rollback(w: Workspace, to: str | None, *, actor: str, reason: str, segments: Sequence[str] = ()) -> Move:
    """Go back to a release that was live before; with `segments`, only with these."""
    before = w.ledger.pointer()
    target = named(w, to).id if to else None
    with recorded(w, to or "the release before", actor=actor):
        release = w.registry.releases.rollback(target, actor=actor, reason=reason, segments=segments)
    move = Move(w.environment, before, release.id)
    with telling.delivered(w):
        telling.became_live(w, move, actor=actor, reason=reason)
    return move


def quarantine(w: Workspace, name: str, *, actor: str, reason: str) -> Quarantined:
    """Refuse a model for good, named by itself or by the segment it serves; what it served is served by something else.

    That is the last model known to be good, else the segment's baseline.
    """
    live = w.registry.releases.current()
    members = live.manifest.members if live else {}
    model = members[name].model if name in members else w.registry.models.get(name).name
    instead = {}
    for segment, member in members.items():
        if member.model == model:
            instead[segment] = _instead(w, segment, live)
        elif member.pool is not None and member.pool.model == model:
            instead[segment] = replace(member, pool=None)
    derived = w.registry.releases.quarantine([model], instead=instead, actor=actor, reason=reason)
    served = {segment: member.model for segment, member in instead.items()}
    move = Move(w.environment, live.id, derived.id) if live and derived else None
    done = Quarantined(w.environment, model, served, move)
    with telling.delivered(w):
        telling.quarantined(w, done, actor=actor, reason=reason)
    return done


def _instead(w: Workspace, segment: str, live: Release | None) -> kept.Member:
    good = w.registry.releases.last_known_good(segment)
    if good is not None:
        return good
    keys = w.settings.segments
    name = str(Segment.parse(segment_of(segment), keys.keys).only(keys.baseline_keys))
    found = live.manifest.baselines.get(name) if live else None
    if found is None:
        raise UsageError(f"{segment} has no earlier model and no baseline: nothing could serve it instead")
    return kept.Member(found.model, found.artefact, found.key, "baseline", passed=False)


def cut(w: Workspace, segments: Sequence[str], *, actor: str, reason: str) -> Release:
    """A release in which these segments are served by their newest model that passed and was not refused; all others stay."""
    live = w.registry.releases.current()
    if live is None:
        raise UsageError(
            f"nothing is live in {w.environment}: the first release is a whole one; run `fleetcast run`"
        )
    members, verdicts = {}, {}
    for segment in segments:
        found = [
            version
            for version in w.registry.models.list(segment=segment)
            if version.kind == "ensemble" and version.state != "refused"
        ]
        if not found:
            raise UsageError(
                f"{segment} has no model that passed; {some(live.manifest.members, like=segment)} have"
            )
        pool = found[-1].lineage.get("pool")
        lent = Reference.to(w.registry.models.get(pool)) if pool else None
        members[segment] = kept.Member.of(found[-1], passed=True, reason=reason, pool=lent)
        verdicts[segment] = dict(found[-1].verdict)
    made = inherit(replace(live.manifest, members=members, verdicts=verdicts, baselines={}), live)
    return w.registry.releases.cut(made, actor=actor, reason=reason)


def named(w: Workspace, name: str) -> Release:
    """The release whose id begins with `name`; UsageError when there is none, or more than one."""
    found = [release for release in w.registry.releases.list() if name and release.id.startswith(name)]
    if len(found) != 1:
        begins = "several releases of {} begin" if found else "no release of {} begins"
        raise UsageError(
            f"{begins.format(w.environment)} with {name!r}; `fleetcast release list` shows them all"
        )
    return found[0]


def _line(release: Release, live: str | None) -> ReleaseLine:
    serving = [member.serving for member in release.manifest.members.values()]
    return ReleaseLine(
        release.id,
        release.manifest.kind,
        release.manifest.cutoff,
        serving.count("ensemble"),
        serving.count("baseline"),
        release.manifest.parent,
        release.id == live,
    )


def _member(segment: str, member: kept.Member, verdict: Mapping[str, Any]) -> Member:
    mape = verdict.get("metrics", {}).get("mape")
    pool = member.pool.model if member.pool else None
    return Member(segment, member.model, member.serving, member.reason, mape, pool)
