"""The promotion policy: may this release become the live one, and who has to have approved it?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fleetcast.settings import Change, PromotionPolicy

Refusal = Literal["bad_model", "missing_approvals", "self_approval", "stale_approval"]


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's signature under the id of a release; `flaw` says why it does not hold, where it does not."""

    person: str
    release: str
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A release that is to become live, held against the one that is.

    `segments` is the share of the fleet served by another model, `volume` the relative change of what is forecast,
    `ill` says of models why they cannot be trusted, by segment.
    """

    release: str
    first: bool  # nothing is live yet
    changes: frozenset[Change]
    authors: tuple[str, ...]
    quorum: bool
    quorum_text: str
    segments: float
    volume: float | None = None
    ill: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a release may become live; `why` in words, `refusal` by which rule not, `approvers` on whose word."""

    allowed: bool
    why: str
    needed: int  # approvals
    approvers: tuple[str, ...] = ()
    refusal: Refusal | None = None
    missing: int = field(default=0)


def decide(
    proposal: Proposal, approvals: Sequence[Approval], policy: PromotionPolicy, *, signers: Collection[str]
) -> Decision:
    """The decision by the policy of the environment as the live release has it.

    An approval counts once for a person, for this very release, from somebody who may approve and wrote none of it.
    """
    if proposal.ill:
        segment, why = min(proposal.ill.items())
        more = f" and {len(proposal.ill) - 1} more" if len(proposal.ill) > 1 else ""
        return Decision(False, f"{segment}: {why}{more}; nobody can approve that", 0, refusal="bad_model")
    reasons = looked_at(proposal, policy)
    needed = policy.approvals if reasons else 0
    people = {person.lower() for person in (policy.people or signers)}
    authors = {author.lower() for author in proposal.authors}
    here = [approval for approval in approvals if approval.release == proposal.release]
    counted = sorted(
        {
            a.person
            for a in here
            if not a.flaw and a.person.lower() in people and a.person.lower() not in authors
        }
    )
    if len(counted) >= needed:
        why = "; ".join(reasons) or f"only data changed: {proposal.quorum_text}"
        return Decision(True, why, needed, tuple(counted))
    missing = needed - len(counted)
    said = f"{'; '.join(reasons)}: it needs {needed} approvals, and has {len(counted)}"
    refusal: Refusal = "missing_approvals"
    own = sorted({a.person for a in here if a.person.lower() in authors})
    stale = sorted({a.release[:12] for a in approvals if a.release != proposal.release})
    if own:
        refusal, said = "self_approval", f"{said}; {', '.join(own)} wrote some of it, and cannot approve that"
    elif stale and not here:
        refusal = "stale_approval"
        said = f"{said}; those given name {', '.join(stale)}, and died when it changed"
    flawed = sorted(f"{a.person}: {a.flaw}" for a in here if a.flaw)
    said += f"; not counted: {', '.join(flawed)}" if flawed else ""
    return Decision(False, said, needed, tuple(counted), refusal, missing)


def looked_at(proposal: Proposal, policy: PromotionPolicy) -> list[str]:
    """Why people have to look at a release; empty when nobody has to."""
    reasons = ["the first release of this environment"] if proposal.first else []
    changed = sorted(proposal.changes - set(policy.unattended))
    if changed and not proposal.first:
        reasons.append(f"{', '.join(changed)} changed")
    if not proposal.quorum:
        reasons.append(f"the quorum was missed ({proposal.quorum_text})")
    if proposal.segments > policy.look_at_segments:
        reasons.append(
            f"{proposal.segments:.0%} of the segments are served by another model, over {policy.look_at_segments:.0%}"
        )
    if proposal.volume is not None and abs(proposal.volume) > policy.look_at_volume:
        reasons.append(
            f"the forecast volume changes by {proposal.volume:+.1%}, over ±{policy.look_at_volume:.0%}"
        )
    return reasons
