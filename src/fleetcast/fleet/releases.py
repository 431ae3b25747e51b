"""Looking at releases and moving between them, as the faces ask for it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import UsageError
from fleetcast.fleet import promoting, rehearsals
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.report import Approved, Member, Move, ReleaseChange, ReleaseLine, ReleaseView
from fleetcast.registry import manifest as kept
from fleetcast.registry.manifest import Release
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
    return ReleaseView(_line(release, w.ledger.pointer()), members, lineage)


def diff(w: Workspace, before: str, after: str) -> list[ReleaseChange]:
    """The segments that two releases serve with different models."""
    changes = w.registry.releases.diff(named(w, before).id, named(w, after).id)
    return [
        ReleaseChange(
            change.segment,
            _member(change.segment, change.old, change.old_verdict) if change.old else None,
            _member(change.segment, change.new, change.new_verdict) if change.new else None,
        )
        for change in changes
    ]


def promote(w: Workspace, name: str, *, actor: str, reason: str) -> Move:
    """Make a release live, as a person asks for it."""
    from fleetcast.fleet import run  # it is the whole cycle

    w.refuse_checkout()
    before, wanted = w.ledger.pointer(), named(w, name)
    if wanted.id != before and rehearsals.of(w, wanted) is None:
        run.rehearse(w, wanted, progress=Silent(), actor=actor)
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


def rollback(w: Workspace, to: str | None, *, actor: str, reason: str) -> Move:
    """Go back to a release that was live before."""
    before = w.ledger.pointer()
    target = named(w, to).id if to else None
    release = w.registry.releases.rollback(target, actor=actor, reason=reason)
    return Move(w.environment, before, release.id)


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
