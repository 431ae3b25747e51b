"""Making a release live: what changes with it, who approved it, what the policy says; and recording what it refused."""

from collections.abc import Collection
from pathlib import Path

from fleetcast import promotion, signatures
from fleetcast.artifacts import installed_at, place
from fleetcast.domain.errors import GateFailed, PolicyRefusal, UsageError
from fleetcast.fleet import rehearsals, telling
from fleetcast.fleet import release as releasing
from fleetcast.fleet.agreement import disagreements
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.report import Move
from fleetcast.ledger.audit import AuditEvent
from fleetcast.promotion import Approval, Decision, Proposal
from fleetcast.registry.manifest import Manifest, Release
from fleetcast.settings import Change, Policy, read_policy
from fleetcast.workspace import Workspace


def promote(
    w: Workspace, release: Release, *, actor: str, reason: str, attended: bool, over: str | None
) -> Release:
    """Make a release live if the policy allows it, and `over` is what is live.

    `attended`: a person asks for it by hand, so that a missed quorum is theirs to bear where nobody has to approve.
    """
    live = w.registry.releases.current()
    with recorded(w, release.id, actor=actor):
        found = proposal(w, release, live)
        decision = _decided(w, found, live)
        if not decision.allowed:
            tell_why_not(w, release, decision, live)
            raise PolicyRefusal(
                f"release {release.id[:12]} cannot become live in {w.environment}: {decision.why}"
                + (_how(w, release) if decision.missing else ""),
                name=str(decision.refusal),
            )
        if not found.quorum and not decision.approvers and not attended:
            telling.refused(w, release.id, f"it misses its quorum: {found.quorum_text}")
            raise GateFailed(
                f"release {release.id[:12]} misses its quorum: {found.quorum_text}; it is not promoted"
            )
        why = reason or decision.why
        made = w.registry.releases.promote(
            release.id,
            actor=actor,
            reason=why,
            expected=over,
            policy="" if attended and not decision.approvers else _policy_text(decision),
        )
        telling.became_live(w, Move(w.environment, over, made.id), actor=actor, reason=why)
        return made


def tell_why_not(w: Workspace, release: Release, decision: Decision, live: Release | None) -> None:
    """Tell people that a release cannot become live: whom it needs, or that nobody can help it."""
    if decision.missing:
        telling.awaits_approval(w, release.id, decision, askable(w, release, decision, live))
    else:
        telling.refused(w, release.id, decision.why)


def askable(w: Workspace, release: Release, decision: Decision, live: Release | None) -> list[str]:
    """Who could still approve a release: whoever may, wrote none of it and has not done so."""
    policy = policy_of(w, live)
    may = policy.promotion.of(w.environment).people or policy.signers
    without = _lower([*authors(w, release.manifest), *decision.approvers])
    return sorted(person for person in may if person.lower() not in without)


def _how(w: Workspace, release: Release) -> str:
    return f";\napprove it with `{to_approve(w, release)}`"


def to_approve(w: Workspace, release: Release) -> str:
    """The command that approves a release; it is typed where the key is, which is nowhere near a server."""
    return f"fleetcast release approve {release.id[:12]} --env {w.environment} --key FILE"


def unrehearsed(w: Workspace, release: Release) -> bool:
    """Whether a release was neither rehearsed nor ever live."""
    with w.ledger.view() as view:
        served = any(move.release == release.id for move in view.moves())
    return not served and rehearsals.of(w, release) is None


def decide(w: Workspace, release: Release, live: Release | None) -> Decision:
    """What the policy of the live release says of another."""
    return _decided(w, proposal(w, release, live), live)


def _decided(w: Workspace, proposed: Proposal, live: Release | None) -> Decision:
    policy = policy_of(w, live)
    return promotion.decide(
        proposed,
        approvals(w, policy, live),
        policy.promotion.of(w.environment),
        signers=policy.signers,
    )


def proposal(w: Workspace, release: Release, live: Release | None) -> Proposal:
    """A release held against the live one."""
    new = release.manifest
    first = live is None or live.manifest.members.keys().isdisjoint(new.members)
    quorum = releasing.quorum(new, first=first, settings=w.settings.gate)
    old = live.manifest.members if live else {}
    rehearsed = rehearsals.of(w, release)
    other = [
        name for name, member in new.members.items() if name not in old or old[name].model != member.model
    ]
    return Proposal(
        release=release.id,
        first=live is None,
        changes=_changes(w, release, live) if live else frozenset(),
        authors=authors(w, new),
        quorum=quorum.met,
        quorum_text=quorum.text,
        segments=len(other) / len(new.members),
        volume=rehearsed.change if rehearsed else None,
        ill={**rehearsed.unserved, **rehearsed.failed} if rehearsed else {},
    )


def _changes(w: Workspace, release: Release, live: Release) -> frozenset[Change]:
    """What changes with a release; a model of other code is a change of code, whatever its manifest says."""
    other: frozenset[Change] = frozenset({"code"} if disagreements(w, release) else ())
    return changes(release.manifest, live.manifest) | other


def changes(new: Manifest, old: Manifest) -> frozenset[Change]:
    """What a release was made from that the other was not."""
    differs: dict[Change, bool] = {
        "code": (new.code, new.artifact) != (old.code, old.artifact),
        "features": new.feature_spec != old.feature_spec,
        "settings": new.settings != old.settings,
        "dependencies": new.lock != old.lock,
        "policy": new.policy != old.policy,
        "data": (new.snapshot, new.cutoff) != (old.snapshot, old.cutoff),
    }
    return frozenset(change for change, differed in differs.items() if differed)


def authors(w: Workspace, manifest: Manifest) -> tuple[str, ...]:
    """Who wrote the artifact that a release was made by, which may be this very one; nobody is known of a checkout."""
    if manifest.artifact is None:
        return ()
    if w.artifact is not None and w.artifact.id == manifest.artifact:
        return w.artifact.authors
    found = installed_at(place(w.state, manifest.artifact))
    if found is None:
        raise UsageError(
            f"artifact {manifest.artifact[:12]} is not installed in {w.state}, so nobody knows who wrote it;"
            " run `fleetcast cd validate-model --artifact DIR` with it"
        )
    return found.artifact.authors


def policy_of(w: Workspace, live: Release | None) -> Policy:
    """The policy that judges: the live release's; before the first, the workspace's own."""
    if live is None or live.manifest.policy is None:
        return w.policy
    return read_policy(w.bank.get(live.manifest.policy))


# ---------------------------------------------------------------- approvals


def text(environment: str, release: str) -> str:
    """What a person signs."""
    return f"fleetcast release {release}\nenvironment {environment}\n"


def approvals(w: Workspace, policy: Policy, live: Release | None) -> list[Approval]:
    """The approvals of what is not live yet, each verified."""
    with w.ledger.view() as view:
        stored, cut = view.approvals(), {one.id: one.cut_at for one in view.releases()}
        moved = view.moves()
    since = moved[-1].at if live and moved else None
    return [
        Approval(
            one.person,
            one.release,
            signatures.flaw(text(w.environment, one.release), one.signature, one.person, policy.keys),
        )
        for one in stored
        if since is None or cut[one.release] > since
    ]


def approve(
    w: Workspace,
    release: Release,
    *,
    person: str | None = None,
    key: Path | None = None,
    signature: str | None = None,
    reason: str = "",
) -> str:
    """Keep a person's approval, signed here with their key or elsewhere before; returns who it was."""
    live = w.registry.releases.current()
    policy = policy_of(w, live)
    said = text(w.environment, release.id)
    if signature is None:
        if key is None:
            raise UsageError(
                "an approval is a signature: name your SSH key with --key FILE, or sign elsewhere with\n"
                f"  printf '{said.encode('unicode_escape').decode()}' | ssh-keygen -Y sign -n {signatures.NAMESPACE} -f KEY\n"
                "and give what it prints with --signature FILE"
            )
        signature = signatures.sign(said, key)
    who = person or _signer(said, signature, policy)
    with recorded(w, release.id, actor=who):
        _may_approve(w, release, who, said, signature, policy)
        event = AuditEvent(who, "release.approve", release.id, reason, policy="policy.toml")
        with w.ledger.transaction() as transaction:
            transaction.approve(release.id, who, signature, event)
    return who


def _may_approve(w: Workspace, release: Release, who: str, said: str, signature: str, policy: Policy) -> None:
    rules = policy.promotion.of(w.environment)
    flaw = signatures.flaw(said, signature, who, policy.keys)
    if flaw:
        raise PolicyRefusal(f"{who} cannot approve release {release.id[:12]}: {flaw}", name="bad_signature")
    if rules.people and who.lower() not in {person.lower() for person in rules.people}:
        raise PolicyRefusal(
            f"{who} may not approve releases of {w.environment}; {', '.join(rules.people)} may",
            name="not_an_approver",
        )
    if who.lower() in _lower(authors(w, release.manifest)):
        raise PolicyRefusal(
            f"{who} wrote some of release {release.id[:12]}, and nobody approves their own work; ask somebody else",
            name="self_approval",
        )


def _signer(said: str, signature: str, policy: Policy) -> str:
    """Whose key of the policy made a signature."""
    keys = policy.keys
    found = [person for person in keys if not signatures.flaw(said, signature, person, keys)]
    if not found:
        raise UsageError(
            "no key in the policy made this signature; add yours to [signers] in policy.toml, or name yourself with --by"
        )
    return found[0]


def _lower(names: Collection[str]) -> set[str]:
    return {name.lower() for name in names}


def _policy_text(decision: Decision) -> str:
    by = f", approved by {', '.join(decision.approvers)}" if decision.approvers else ""
    return f"policy.toml: {decision.why}{by}"
