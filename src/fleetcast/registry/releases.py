"""Releases: cutting manifests, moving the environment pointer between them, and knowing what stood before."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from fleetcast.domain.errors import ConflictError, CorruptError, UsageError
from fleetcast.domain.models import ModelState
from fleetcast.ledger.audit import AuditEvent
from fleetcast.ledger.store import Ledger
from fleetcast.ledger.transaction import Transaction
from fleetcast.ledger.view import Move, View
from fleetcast.registry.bank import Bank
from fleetcast.registry.manifest import Manifest, Member, Reference, Release, SegmentChange, diff, inherit
from fleetcast.registry.models import ModelVersion


class Releases:
    """The releases of one environment. A reader sees a whole fleet, because it reads the pointer once."""

    def __init__(self, ledger: Ledger, bank: Bank) -> None:
        self._ledger, self._bank = ledger, bank

    def cut(
        self,
        manifest: Manifest,
        *,
        actor: str,
        reason: str = "",
        segments: Collection[str] = (),
        baselines: Collection[str] = (),
    ) -> Release:
        """Keep a manifest for good; a full one must serve exactly `segments`. Cutting it again is free.

        Any other loses nothing of its parent: none of these segments and baselines, where they are named.
        """
        if manifest.kind == "full":
            _check_full(manifest, segments)
        with self._ledger.transaction() as transaction:
            if manifest.kind != "full":
                parent = _release(transaction, manifest.parent or "none")
                _check_inherited(manifest, parent, members=segments, baselines=baselines)
            _check_models(manifest, transaction)
            stored = transaction.release(manifest.id) or transaction.add_release(
                self._kept(manifest),
                kind=manifest.kind,
                parent=manifest.parent,
                event=AuditEvent(actor, "release.cut", manifest.id, reason),
            )
            return Release.verified(stored)

    def promote(
        self, release: str, *, actor: str, reason: str, expected: str | None, policy: str = ""
    ) -> Release:
        """Make a release live if `expected` is live now; of a release that is live already, nothing is done.

        Its models become promoted and those it replaces retired, in the one transaction that moves the pointer.
        """
        if self._ledger.pointer() == release:  # whatever has become of its artefacts since: failover's part
            return self.get(release)
        found = self._loadable(release)
        event = AuditEvent(actor, "release.promote", release, reason, policy=policy)
        with self._ledger.transaction() as transaction:
            if transaction.pointer() == release:
                return found
            if found.manifest.kind != "full" and found.manifest.parent != expected:
                raise ConflictError(
                    f"release {release} builds on {found.manifest.parent}, but {expected or 'nothing'} is live: "
                    "promoting it would undo what came between; cut it anew"
                )
            _move(transaction, found, expected, event)
        return found

    def rollback(
        self, to: str | None = None, *, actor: str, reason: str, segments: Collection[str] = ()
    ) -> Release:
        """Go back to a release that was live before, by default to the one that stood before the live one.

        With `segments`, only these go back: a release of kind rollback is cut in which all others stay.
        """
        if not reason.strip():
            raise UsageError("a rollback needs a reason: it is the first thing everybody will ask for")
        with self._ledger.view() as view:
            live = view.pointer()
            target = _release(view, _earlier(view.moves(), to))
        if segments and live:
            target = self.cut(_only(segments, target, self.get(live), reason), actor=actor, reason=reason)
        self._loadable(target.id)
        event = AuditEvent(actor, "release.rollback", target.id, reason)
        with self._ledger.transaction() as transaction:
            _move(transaction, target, live, event)
        return target

    def quarantine(
        self, models: Collection[str], *, instead: Mapping[str, Member], actor: str, reason: str
    ) -> Release | None:
        """Refuse models for good, and serve the segments they serve by something else; None when they serve none.

        `instead` has a member for each segment that loses its model. All of it happens at once or not at all.
        """
        if not reason.strip():
            raise UsageError("a quarantine needs a reason: it is the first thing everybody will ask for")
        live = self.current()
        hit = {
            segment
            for segment, member in (live.manifest.members.items() if live else ())
            if _named(member) & set(models)
        }
        derived = None
        if live and hit:
            left = sorted(hit - instead.keys())
            if left:
                raise UsageError(f"nothing is named that could serve {', '.join(left)} instead")
            members = {segment: replace(instead[segment], reason=f"quarantined: {reason}") for segment in hit}
            verdicts: dict[str, dict[str, Any]] = {segment: {} for segment in hit}
            derived = inherit(
                replace(live.manifest, members=members, verdicts=verdicts, baselines={}),
                live,
                kind="rollback",
            )
        event = AuditEvent(actor, "release.quarantine", f"{len(models)} models", reason)
        with self._ledger.transaction() as transaction:
            if derived and live:
                _check_models(derived, transaction)
                cut = replace(event, action="release.cut", subject=derived.id)
                if transaction.release(derived.id) is None:
                    transaction.add_release(derived.dump(), kind="rollback", parent=live.id, event=cut)
                _move(transaction, Release(derived.id, derived, live.cut_at), live.id, event)
            known = {model.name: model.state for model in transaction.models(names=list(models))}
            missing = sorted(set(models) - known.keys())
            if missing:
                raise UsageError(f"model {missing[0]} is not registered")
            changes: dict[str, ModelState] = {
                name: "refused" for name in sorted(models) if known[name] != "refused"
            }
            transaction.transition(changes, event)
        return self.get(derived.id) if derived else None

    def current(self) -> Release | None:
        """The live release."""
        return self.at(None)

    def at(self, moment: datetime | None) -> Release | None:
        """The release that was live at a moment."""
        with self._ledger.view() as view:
            live = view.pointer(at=moment)
            return _release(view, live) if live else None

    def get(self, release: str) -> Release:
        """The release of an id, its digest verified."""
        with self._ledger.view() as view:
            return _release(view, release)

    def last_known_good(self, segment: str) -> Member | None:
        """The ensemble that served a segment before its live one, its artefact verified.

        Whatever was rolled back from is not known to be good.
        """
        passed_over: set[str] = set()
        with self._ledger.view() as view:
            for age, name in enumerate(reversed(standing(view.moves()))):
                release = _release(view, name)
                member = release.manifest.members.get(segment)
                if member and age > 0 and member.model not in passed_over and self._serves(member, view):
                    return member
                passed_over |= {member.model} if member else set()
                if release.manifest.kind == "rollback" and release.manifest.parent:
                    parent = _release(view, release.manifest.parent)
                    left = parent.manifest.members.get(segment)
                    passed_over |= {left.model} if left else set()
        return None

    def diff(self, old: str, new: str) -> list[SegmentChange]:
        """The segments that two releases serve differently."""
        return diff(self.get(old).manifest, self.get(new).manifest)

    def list(self) -> list[Release]:
        """Every release, oldest first."""
        with self._ledger.view() as view:
            return [Release.verified(stored) for stored in view.releases()]

    def _kept(self, manifest: Manifest) -> str:
        """The manifest, with a copy in the bank under the release's id: one that is changed later can be held against it."""
        text = manifest.dump()
        self._bank.put(text.encode())
        return text

    def _loadable(self, release: str) -> Release:
        """The release, after reading every artefact it names."""
        found = self.get(release)
        for artefact in sorted(found.manifest.artefacts):
            self._bank.get(artefact)
        return found

    def _serves(self, member: Member, view: View) -> bool:
        if member.serving != "ensemble" or any(
            model.state == "refused" for model in view.models(names=_named(member))
        ):
            return False
        try:
            self._bank.get(member.artefact)
        except CorruptError:
            return False
        return True


def standing(moves: Iterable[Move]) -> list[str]:
    """The releases the live one stands on, oldest first, itself last; those rolled back from are gone.

    A, B, C, back to B, then D: A, B, D.
    """
    stack: list[str] = []
    for move in moves:
        if move.release in stack:
            del stack[stack.index(move.release) + 1 :]
        else:
            stack.append(move.release)
    return stack


def _earlier(moves: list[Move], to: str | None) -> str:
    stack = standing(moves)
    if len(stack) < 2 and to is None:
        raise UsageError("there is no earlier release to go back to")
    if to is None:
        return stack[-2]
    if to not in {move.release for move in moves}:
        raise UsageError(f"release {to} was never live here: promote it instead")
    if to == stack[-1]:
        raise UsageError(f"release {to} is live already")
    return to


def _only(segments: Collection[str], target: Release, live: Release, reason: str) -> Manifest:
    """The live fleet with some segments as they were in an earlier release."""
    unknown = sorted(set(segments) - target.manifest.members.keys())
    if unknown:
        raise UsageError(f"release {target.id} does not serve {', '.join(unknown)}")
    members = {
        segment: replace(target.manifest.members[segment], reason=f"rolled back: {reason}")
        for segment in segments
    }
    verdicts = {segment: target.manifest.verdicts.get(segment, {}) for segment in segments}
    return inherit(
        replace(live.manifest, members=members, verdicts=verdicts, baselines={}), live, kind="rollback"
    )


def _move(transaction: Transaction, release: Release, expected: str | None, event: AuditEvent) -> None:
    transaction.move_pointer(expected=expected, to=release.id, event=event)
    serving = {model.name for model in transaction.models(state="promoted")}
    changes: dict[str, ModelState] = dict.fromkeys(sorted(serving - release.manifest.models), "retired")
    changes |= dict.fromkeys(sorted(release.manifest.models - serving), "promoted")
    transaction.transition(changes, replace(event, action="model.transition", subject=release.id))


def _check_full(manifest: Manifest, segments: Collection[str]) -> None:
    missing = sorted(set(segments) - manifest.members.keys())
    surplus = sorted(manifest.members.keys() - set(segments))
    if missing or surplus:
        raise UsageError(
            "a full release serves every segment and no other: "
            f"missing {', '.join(missing) or 'none'}; not asked for {', '.join(surplus) or 'none'}"
        )


def _check_inherited(manifest: Manifest, parent: Release, **wanted: Collection[str]) -> None:
    for part, names in wanted.items():
        had = getattr(parent.manifest, part).keys()
        lost = sorted((had & set(names) if names else had) - getattr(manifest, part).keys())
        if lost:
            raise UsageError(f"release {parent.id} has {part} that its {manifest.kind} release lost: {lost}")


def _check_models(manifest: Manifest, view: View) -> None:
    versions = {model.name: ModelVersion.read(model) for model in view.models(names=manifest.models)}
    for segment, member in manifest.members.items():
        version = _usable(versions, member)
        if member.serving != version.kind:
            raise UsageError(
                f"{segment} is served by {version.kind} {member.model}, not by an {member.serving}"
            )
        if member.serving == "ensemble" and version.segment != segment:
            raise UsageError(f"{segment} cannot be served by {member.model}, a model of {version.segment}")
    for pool in manifest.pools:
        if _usable(versions, pool).kind != "pool":
            raise UsageError(f"{pool.model} is no pool, so it cannot lend to an ensemble")
    for reference in manifest.baselines.values():
        _usable(versions, reference)


def _usable(versions: dict[str, ModelVersion], named: Member | Reference) -> ModelVersion:
    version = versions.get(named.model)
    if version is None:
        raise UsageError(f"model {named.model} is not registered")
    if version.state == "refused":
        raise UsageError(f"model {named.model} was refused, so it cannot be released")
    if (version.artefact, version.key) != (named.artefact, named.key):
        raise UsageError(f"model {named.model} lies elsewhere in the bank than the manifest says")
    return version


def _release(view: View, release: str) -> Release:
    stored = view.release(release)
    if stored is None:
        raise UsageError(f"release {release} is unknown; `fleetcast release list` shows all")
    return Release.verified(stored)


def _named(member: Member | None) -> set[str]:
    """The models a member forecasts with."""
    if member is None:
        return set()
    return {member.model, *([member.pool.model] if member.pool else [])}
