from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.protection import Facts, Rules, Update, judge

OLD, NEW, TIP = "a" * 40, "b" * 40, "c" * 40
NONE = "0" * 40
RULES = Rules()
PASSED = dict.fromkeys(RULES.checks, "passed")
MERGE = Facts(
    tree="d" * 40, parents=(OLD, TIP), fast_forward=True, tips={TIP: "better-lags"}, verdicts=PASSED
)


def refused(update: Update, facts: Facts = MERGE) -> str | None:
    refusal = judge(update, facts, RULES)
    return refusal.name if refusal else None


def changed(**facts) -> Facts:
    return replace(MERGE, **facts)


TO_MAIN = Update(OLD, NEW, "refs/heads/main")


def test_a_merge_of_a_pushed_branch_whose_checks_passed_is_taken():
    assert judge(TO_MAIN, MERGE, RULES) is None


def test_a_commit_put_onto_main_is_a_direct_push():
    assert refused(TO_MAIN, changed(parents=(OLD,))) == "direct_push"


def test_main_moved_to_the_tip_of_a_branch_without_a_merge_is_a_direct_push():
    assert refused(TO_MAIN, changed(parents=(TIP,), tips={NEW: "better-lags"})) == "direct_push"


def test_a_merge_of_something_nobody_pushed_before_is_a_direct_push():
    assert refused(TO_MAIN, changed(tips={})) == "direct_push"


def test_a_merge_the_wrong_way_round_is_a_direct_push():
    assert refused(TO_MAIN, changed(parents=(TIP, OLD))) == "direct_push"


def test_a_check_that_failed_or_never_ran_is_missing_and_is_named():
    verdicts = {RULES.checks[0]: "failed"}
    refusal = judge(TO_MAIN, changed(verdicts=verdicts), RULES)
    assert refusal is not None
    assert refusal.name == "missing_checks"
    assert "`ci code-validation` failed, `ci model-validation` was not recorded" in refusal.says


def test_other_data_get_onto_main_only_once_models_were_validated_on_them():
    pinned = changed(pins=True, verdicts=PASSED | dict.fromkeys(RULES.data_checks, "passed"))
    refusal = judge(TO_MAIN, changed(pins=True), RULES)
    assert refusal is not None
    assert "`ci model-validation --pinned` was not recorded" in refusal.says
    assert judge(TO_MAIN, pinned, RULES) is None


def test_a_release_branch_starts_from_the_data_that_main_pins_and_asks_for_no_more():
    assert refused(Update(OLD, NEW, "refs/heads/release/2026w47"), changed(pins=True)) is None


def test_commits_that_a_protected_branch_has_are_not_taken_from_it():
    assert refused(TO_MAIN, changed(fast_forward=False)) == "force_push"


def test_a_protected_branch_is_not_deleted():
    assert refused(Update(OLD, NONE, "refs/heads/release/2026w47"), Facts()) == "force_push"


def test_a_release_branch_begins_on_main_or_at_what_was_checked():
    begins = Update(NONE, NEW, "refs/heads/release/2026w47")
    assert refused(begins, changed(on_trunk=True, verdicts={})) is None
    assert refused(begins, changed(on_trunk=False)) is None
    assert refused(begins, changed(on_trunk=False, verdicts={})) == "missing_checks"


def test_main_begins_anywhere_but_once():
    begins = Update(NONE, NEW, "refs/heads/main")
    assert refused(begins, Facts(trunk_exists=False)) is None
    assert refused(begins, Facts(trunk_exists=True)) == "missing_checks"


def test_a_tag_of_a_fleet_is_given_once_and_stays():
    tag = "refs/tags/fleet-12"
    assert refused(Update(NONE, NEW, tag)) is None
    assert refused(Update(OLD, NEW, tag)) == "moved_tag"
    assert refused(Update(OLD, NONE, tag)) == "moved_tag"
    assert refused(Update(OLD, NONE, "refs/tags/draft")) is None


objects = st.sampled_from([NONE, OLD, NEW, TIP])
facts = st.builds(
    Facts,
    tree=objects,
    parents=st.lists(objects, max_size=3).map(tuple),
    fast_forward=st.booleans(),
    on_trunk=st.booleans(),
    trunk_exists=st.booleans(),
    tips=st.dictionaries(objects, st.just("branch")),
    verdicts=st.dictionaries(st.sampled_from(RULES.checks), st.sampled_from(["passed", "failed", "skipped"])),
)


@given(old=st.sampled_from([OLD, NEW, TIP]), new=objects, facts=facts)
def test_whatever_main_is_moved_to_is_a_merge_onto_it_of_a_pushed_branch_with_all_checks_passed(
    old, new, facts
):
    if judge(Update(old, new, "refs/heads/main"), facts, RULES) is None:
        assert new != NONE
        assert facts.fast_forward
        assert facts.parents[0] == old
        assert facts.parents[1] in facts.tips
        assert all(facts.verdicts.get(verb) == "passed" for verb in RULES.checks)


@given(old=objects, new=objects, facts=facts, name=st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True))
def test_a_branch_that_is_not_protected_goes_wherever_its_people_want(old, new, facts, name):
    if not RULES.protects(ref := f"refs/heads/{name}"):
        assert judge(Update(old, new, ref), facts, RULES) is None


@given(
    old=objects,
    new=objects,
    facts=facts,
    ref=st.sampled_from(["heads/main", "heads/release/1", "tags/fleet-1"]),
)
def test_a_refusal_says_what_to_do_in_one_line(old, new, facts, ref):
    refusal = judge(Update(old, new, f"refs/{ref}"), facts, RULES)
    assert refusal is None or (refusal.says.endswith(".") and "\n" not in refusal.says)
