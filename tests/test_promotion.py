from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleetcast.promotion import Approval, Proposal, decide
from fleetcast.settings import PromotionPolicy

PROD = PromotionPolicy(approvals=2, look_at_segments=0.5, look_at_volume=0.2)
SIGNERS = ("ada", "ben", "cyd", "dan")
RELEASE, BEFORE = "b" * 64, "a" * 64
CODE = Proposal(
    RELEASE,
    first=False,
    changes=frozenset({"code", "data"}),
    authors=("ada",),
    quorum=True,
    quorum_text="56 of 56",
    segments=0.1,
)
DATA = replace(CODE, changes=frozenset({"data"}))


def approvals(*people: str, release: str = RELEASE) -> list[Approval]:
    return [Approval(person, release) for person in people]


def test_changed_code_needs_as_many_approvals_as_the_policy_says():
    one = decide(CODE, approvals("ben"), PROD, signers=SIGNERS)
    two = decide(CODE, approvals("ben", "cyd"), PROD, signers=SIGNERS)
    assert (one.allowed, one.refusal, one.missing) == (False, "missing_approvals", 1)
    assert one.why == "code changed: it needs 2 approvals, and has 1"
    assert (two.allowed, two.approvers) == (True, ("ben", "cyd"))


def test_changed_data_need_nobody_while_every_gate_passes():
    assert decide(DATA, [], PROD, signers=SIGNERS).allowed


def test_changed_data_need_people_where_the_quorum_was_missed():
    decision = decide(replace(DATA, quorum=False, quorum_text="40 of 56"), [], PROD, signers=SIGNERS)
    assert decision.why == "the quorum was missed (40 of 56): it needs 2 approvals, and has 0"


def test_a_large_change_of_segments_or_volume_needs_a_second_look():
    assert "80% of the segments" in decide(replace(DATA, segments=0.8), [], PROD, signers=SIGNERS).why
    assert "by -30.0%" in decide(replace(DATA, volume=-0.3), [], PROD, signers=SIGNERS).why


def test_the_first_release_needs_people_whatever_changed():
    decision = decide(replace(DATA, first=True, changes=frozenset()), [], PROD, signers=SIGNERS)
    assert decision.why.startswith("the first release of this environment")


def test_an_author_does_not_count_however_their_address_is_spelled():
    decision = decide(replace(CODE, authors=("Ada",)), approvals("ada", "ben"), PROD, signers=SIGNERS)
    assert (decision.refusal, decision.approvers) == ("self_approval", ("ben",))


def test_approvals_of_another_release_died_when_it_changed():
    decision = decide(CODE, approvals("ben", "cyd", release=BEFORE), PROD, signers=SIGNERS)
    assert decision.refusal == "stale_approval"
    assert "those given name aaaaaaaaaaaa, and died when it changed" in decision.why


def test_somebody_who_may_not_approve_does_not_count_nor_one_person_twice():
    policy = PROD.model_copy(update={"people": ("ben", "cyd")})
    assert decide(CODE, approvals("ben", "ben", "dan"), policy, signers=SIGNERS).approvers == ("ben",)


def test_a_signature_that_does_not_hold_does_not_count_and_is_named():
    flawed = [*approvals("ben"), Approval("cyd", RELEASE, "the signature is not that of their key")]
    assert "not counted: cyd: the signature is not" in decide(CODE, flawed, PROD, signers=SIGNERS).why


def test_nobody_can_approve_a_bad_model():
    ill = replace(DATA, ill={"north/large/fast": "output_gate"})
    decision = decide(ill, approvals(*SIGNERS), PROD, signers=SIGNERS)
    assert (decision.allowed, decision.refusal) == (False, "bad_model")


people = st.sampled_from(SIGNERS)
given_approvals = st.lists(
    st.builds(Approval, people, st.sampled_from([RELEASE, BEFORE]), st.sampled_from(["", "flawed"])),
    max_size=8,
)
proposals = st.builds(
    Proposal,
    st.just(RELEASE),
    first=st.booleans(),
    changes=st.frozensets(
        st.sampled_from(["code", "features", "settings", "dependencies", "policy", "data"])
    ),
    authors=st.lists(people, max_size=3).map(tuple),
    quorum=st.booleans(),
    quorum_text=st.just("some"),
    segments=st.floats(0, 1),
    volume=st.none() | st.floats(-1, 2),
    ill=st.sampled_from([{}, {"north": "output_gate"}]),
)


@given(proposals, given_approvals, st.integers(0, 3))
def test_whatever_is_allowed_has_the_approvals_it_needs_of_people_who_wrote_none_of_it(
    proposal, given_ones, needed
):
    policy = PromotionPolicy(approvals=needed, look_at_segments=0.5)
    decision = decide(proposal, given_ones, policy, signers=SIGNERS)
    if not decision.allowed:
        assert decision.refusal is not None
        return
    assert not proposal.ill
    assert len(decision.approvers) >= decision.needed
    assert not set(decision.approvers) & set(proposal.authors)
    valid = {one.person for one in given_ones if one.release == RELEASE and not one.flaw}
    assert set(decision.approvers) <= valid
    if proposal.first or not proposal.quorum or proposal.changes - {"data"}:
        assert decision.needed == needed


@given(proposals, given_approvals, people)
def test_another_approval_never_takes_permission_away(proposal, given_ones, person):
    before = decide(proposal, given_ones, PROD, signers=SIGNERS)
    after = decide(proposal, [*given_ones, Approval(person, RELEASE)], PROD, signers=SIGNERS)
    assert after.allowed >= before.allowed
