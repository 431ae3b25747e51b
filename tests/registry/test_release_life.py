"""Releases: whole fleets that go live, hand over and come back."""

from dataclasses import replace

import pytest

from fleetcast.domain.errors import ConflictError, CorruptError, PolicyRefusal, UsageError
from fleetcast.registry.manifest import Manifest, Member, only

FAST, SLOW, SMALL = "north/large/fast", "north/large/slow", "north/small/fast"


def states(fleet):
    return {version.name: version.state for version in fleet.registry.models.list()}


def members(registry):
    return {segment: member.model for segment, member in registry.releases.current().manifest.members.items()}


def test_a_manifest_reads_back_as_it_was_cut(fleet, registry):
    manifest = fleet.manifest()
    release = registry.releases.cut(manifest, actor="ci", segments=fleet.segments)
    assert registry.releases.get(release.id).manifest == manifest
    assert Manifest.load(manifest.dump()).id == release.id == manifest.id


def test_cutting_the_same_manifest_again_changes_nothing(fleet, registry):
    manifest = fleet.manifest()
    first = registry.releases.cut(manifest, actor="ci", segments=fleet.segments)
    head = registry.ledger.head()
    assert registry.releases.cut(manifest, actor="ci", segments=fleet.segments) == first
    assert registry.ledger.head() == head


def test_a_full_release_serves_every_segment_and_no_other(fleet, registry):
    with pytest.raises(UsageError, match="missing north/small/fast; not asked for none"):
        registry.releases.cut(fleet.manifest(FAST, SLOW), actor="ci", segments=fleet.segments)
    with pytest.raises(UsageError, match="not asked for north/small/fast"):
        registry.releases.cut(fleet.manifest(), actor="ci", segments=(FAST, SLOW))


def test_a_partial_release_inherits_all_other_members_unchanged(fleet, registry):
    full = registry.releases.get(fleet.promote(fleet.full()))
    partial = registry.releases.get(fleet.partial(SLOW))
    assert (partial.manifest.kind, partial.manifest.parent) == ("partial", full.id)
    assert [change.segment for change in registry.releases.diff(full.id, partial.id)] == [SLOW]


def test_a_partial_release_that_lost_a_segment_is_not_cut(fleet, registry):
    parent = fleet.promote(fleet.full())
    lossy = replace(fleet.manifest(FAST), kind="partial", parent=parent)
    with pytest.raises(UsageError, match="lost"):
        registry.releases.cut(lossy, actor="ci")


def test_a_partial_release_may_leave_out_what_its_fleet_no_longer_has(fleet, registry):
    parent = fleet.promote(fleet.full())
    smaller = replace(fleet.manifest(FAST), kind="partial", parent=parent)
    kept = only(smaller, {FAST: "north/large"})
    assert (list(kept.members), list(kept.baselines), list(kept.verdicts)) == (
        [FAST],
        ["north/large"],
        [FAST],
    )
    today = {"segments": [FAST], "baselines": ["north/large"]}
    assert registry.releases.cut(kept, actor="ci", **today).manifest == kept
    with pytest.raises(UsageError, match=rf"lost: \['{SLOW}'\]"):
        registry.releases.cut(kept, actor="ci", **{**today, "segments": [FAST, SLOW]})


@pytest.mark.parametrize("field", ["artefact", "key"])
def test_a_member_must_be_the_model_it_names(fleet, registry, field):
    manifest = fleet.manifest()
    wrong = replace(manifest.members[FAST], **{field: "0" * 64})
    with pytest.raises(UsageError, match="lies elsewhere"):
        registry.releases.cut(
            replace(manifest, members={**manifest.members, FAST: wrong}), actor="ci", segments=fleet.segments
        )


def test_a_member_is_of_its_own_segment_and_kind_and_was_not_refused(fleet, registry):
    manifest = fleet.manifest()
    (refused,) = fleet.train(FAST, passed=False)
    for member, complaint in (
        (manifest.members[SLOW], "a model of north/large/slow"),
        (replace(manifest.members[FAST], serving="baseline"), "is served by ensemble"),
        (replace(manifest.members[FAST], model="dev/none/2026w47-1"), "not registered"),
        (Member.of(refused, passed=False), "was refused"),
    ):
        wrong = replace(manifest, members={**manifest.members, FAST: member})
        with pytest.raises(UsageError, match=complaint):
            registry.releases.cut(wrong, actor="ci", segments=fleet.segments)


def test_a_segment_may_be_served_by_its_baseline(fleet, registry):
    manifest = fleet.manifest()
    (baseline,) = fleet.train("north/large", kind="baseline")
    members = {**manifest.members, FAST: Member.of(baseline, passed=False, reason="mape 0.61 > 0.45")}
    release = fleet.promote(
        registry.releases.cut(replace(manifest, members=members), actor="ci", segments=fleet.segments).id
    )
    assert registry.releases.get(release).manifest.members[FAST].serving == "baseline"
    assert states(fleet)[baseline.name] == "promoted"


def test_promotion_retires_exactly_the_models_it_replaces(fleet, registry):
    first = registry.releases.get(fleet.promote(fleet.full())).manifest
    second = registry.releases.get(fleet.promote(fleet.partial(SLOW))).manifest
    by_state = states(fleet)
    assert {name for name, state in by_state.items() if state == "promoted"} == second.models
    assert {name for name, state in by_state.items() if state == "retired"} == first.models - second.models


def test_promotion_and_its_audit_events_say_the_same(fleet, registry):
    first, second = fleet.promote(fleet.full()), fleet.promote(fleet.full())
    moves = registry.ledger.audit(action="release.promote")
    assert [(move.before, move.after) for move in moves] == [(None, first), (first, second)]
    assert moves[1].reason == "gate passed"
    assert registry.ledger.verify().ok


def test_promoting_what_is_live_already_does_nothing(fleet, registry):
    live = fleet.promote(fleet.full())
    head = registry.ledger.head()
    registry.releases.promote(live, actor="ci", reason="resumed", expected=None)
    assert registry.ledger.head() == head


def test_promotion_loses_when_another_release_went_live_meanwhile(fleet, registry):
    slow, quick = fleet.full(), fleet.full()
    fleet.promote(quick)
    with pytest.raises(ConflictError):
        registry.releases.promote(slow, actor="ci", reason="gate passed", expected=None)
    assert registry.releases.current().id == quick


def test_a_partial_release_cannot_undo_what_went_live_after_its_parent(fleet, registry):
    fleet.promote(fleet.full())
    old = fleet.partial(SLOW)
    fleet.promote(fleet.partial(FAST))
    with pytest.raises(ConflictError, match="builds on"):
        fleet.promote(old)


def test_a_release_with_a_model_refused_after_it_was_cut_does_not_go_live(fleet, registry):
    release = fleet.full()
    member = registry.releases.get(release).manifest.members[FAST]
    registry.models.transition([member.model], "refused", actor="ana", reason="leak found")
    with pytest.raises(PolicyRefusal):
        fleet.promote(release)
    assert registry.releases.current() is None
    assert "promoted" not in states(fleet).values()


def test_a_release_whose_artefact_is_damaged_does_not_go_live(fleet, registry, tmp_path):
    release = fleet.full()
    artefact = registry.releases.get(release).manifest.members[FAST].artefact
    path = tmp_path / "dev" / "bank" / artefact[:2] / artefact
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(CorruptError, match="damaged"):
        fleet.promote(release)
    assert registry.releases.current() is None


def test_a_changed_manifest_is_not_served(fleet, registry):
    release = fleet.promote(fleet.full())
    with registry.ledger.transaction() as transaction:
        transaction._connection.exec_driver_sql("DROP TRIGGER releases_no_update")
        transaction._connection.exec_driver_sql(
            "UPDATE releases SET manifest = replace(manifest, 'c0', 'c1')"
        )
    with pytest.raises(CorruptError, match=release):
        registry.releases.current()


def test_a_rollback_needs_a_reason(fleet, registry):
    fleet.promote(fleet.full()), fleet.promote(fleet.full())
    for reason in ("", "  "):
        with pytest.raises(UsageError, match="needs a reason"):
            registry.releases.rollback(actor="ana", reason=reason)


def test_a_rollback_brings_the_earlier_models_back_and_retires_the_others(fleet, registry):
    first, second = fleet.promote(fleet.full()), fleet.promote(fleet.full())
    assert registry.releases.rollback(actor="ana", reason="orders doubled").id == first
    old, new = registry.releases.get(first).manifest, registry.releases.get(second).manifest
    by_state = states(fleet)
    assert {by_state[name] for name in old.models} == {"promoted"}
    assert {by_state[name] for name in new.models} == {"retired"}
    assert registry.ledger.audit(action="release.rollback")[0].reason == "orders doubled"


def test_rolling_back_again_goes_further_back_and_not_forth(fleet, registry):
    a, b = fleet.promote(fleet.full()), fleet.promote(fleet.full())
    fleet.promote(fleet.full())
    gone = [registry.releases.rollback(actor="ana", reason="worse").id for _ in range(2)]
    assert gone == [b, a]
    with pytest.raises(UsageError, match="no earlier release"):
        registry.releases.rollback(actor="ana", reason="worse")


def test_a_rollback_goes_only_to_what_was_live(fleet, registry):
    live, never = fleet.promote(fleet.full()), fleet.full()
    for target, complaint in ((never, "never live"), (live, "live already"), ("0" * 64, "never live")):
        with pytest.raises(UsageError, match=complaint):
            registry.releases.rollback(target, actor="ana", reason="worse")


def test_some_segments_go_back_and_the_rest_stays(fleet, registry):
    fleet.promote(fleet.full())
    before = members(registry)
    fleet.promote(fleet.full())
    after = members(registry)
    release = registry.releases.rollback(actor="ana", reason="slow movers doubled", segments=[SLOW])
    assert release.manifest.kind == "rollback"
    assert members(registry) == {**after, SLOW: before[SLOW]}
    assert release.manifest.members[SLOW].reason == "rolled back: slow movers doubled"


def test_what_was_live_at_a_moment_is_known(fleet, registry):
    before = fleet.now
    first = fleet.promote(fleet.full())
    between = fleet.now
    second = fleet.promote(fleet.full())
    registry.releases.rollback(actor="ana", reason="worse")
    moves = [record.at for record in registry.ledger.audit() if record.subject == "release pointer"]
    assert registry.releases.at(before) is None
    assert [registry.releases.at(at).id for at in (between, *moves)] == [first, first, second, first]


def test_the_last_known_good_model_is_the_one_that_served_before(fleet, registry):
    assert registry.releases.last_known_good(FAST) is None
    fleet.promote(fleet.full())
    good = members(registry)
    assert registry.releases.last_known_good(FAST) is None
    fleet.promote(fleet.partial(FAST))
    fleet.promote(fleet.partial(SLOW))
    assert registry.releases.last_known_good(FAST).model == good[FAST]
    assert registry.releases.last_known_good(SMALL) is None


def test_a_release_that_was_rolled_back_from_is_not_known_to_be_good(fleet, registry):
    fleet.promote(fleet.full())
    good = members(registry)
    fleet.promote(fleet.full())
    registry.releases.rollback(actor="ana", reason="worse")
    fleet.promote(fleet.full())
    assert registry.releases.last_known_good(FAST).model == good[FAST]


def test_a_segment_that_was_rolled_back_from_is_not_known_to_be_good(fleet, registry):
    fleet.promote(fleet.full())
    good = members(registry)
    fleet.promote(fleet.partial(FAST))
    fleet.promote(fleet.partial(FAST))
    registry.releases.rollback(actor="ana", reason="worse", segments=[FAST])
    assert registry.releases.last_known_good(FAST).model == good[FAST]


def test_a_damaged_model_is_passed_over_for_the_one_before_it(fleet, registry, tmp_path):
    fleet.promote(fleet.full())
    oldest = members(registry)[FAST]
    fleet.promote(fleet.partial(FAST))
    artefact = registry.releases.current().manifest.members[FAST].artefact
    fleet.promote(fleet.partial(FAST))
    (tmp_path / "dev" / "bank" / artefact[:2] / artefact).unlink()
    assert registry.releases.last_known_good(FAST).model == oldest


def test_a_diff_shows_old_and_new_model_with_their_verdicts(fleet, registry):
    first = fleet.promote(fleet.full())
    second = fleet.promote(fleet.partial(SLOW))
    (change,) = registry.releases.diff(first, second)
    assert (change.segment, change.old_verdict, change.new_verdict) == (SLOW, {"mape": 0.3}, {"mape": 0.3})
    assert change.old.model.endswith("2026w47-1")
    assert change.new.model.endswith("2026w47-2")


def test_a_damaged_artefact_fails_its_own_models_only(fleet, registry, tmp_path):
    fleet.promote(fleet.full())
    fleet.promote(fleet.partial(SLOW))
    manifest = registry.releases.current().manifest
    damaged = manifest.members[SLOW]
    (tmp_path / "dev" / "bank" / damaged.artefact[:2] / damaged.artefact).unlink()
    loaded = registry.load(manifest.references)
    assert loaded.failed.keys() == {damaged.model}
    assert loaded.models.keys() == manifest.models - {damaged.model}
    assert loaded.models[manifest.members[FAST].model].kind == "lasso"


def test_a_quarantined_model_serves_nothing_again(fleet, registry):
    fleet.promote(fleet.full())
    before = registry.releases.current().manifest.members[FAST]
    fleet.promote(fleet.partial(FAST))
    bad = registry.releases.current().manifest.members[FAST].model
    derived = registry.releases.quarantine([bad], instead={FAST: before}, actor="ana", reason="wrong")
    assert registry.ledger.pointer() == derived.id
    assert derived.manifest.members[FAST].model == before.model
    assert registry.models.get(bad).state == "refused"
    with pytest.raises(PolicyRefusal, match="is refused and cannot become promoted"):
        registry.releases.rollback(derived.manifest.parent, actor="ana", reason="no")
    assert registry.ledger.pointer() == derived.id
    fleet.must_hold()


def test_a_model_that_serves_nothing_is_quarantined_where_it_lies(fleet, registry):
    fleet.promote(fleet.full())
    live = registry.ledger.pointer()
    (waiting,) = fleet.train(FAST)
    assert registry.releases.quarantine([waiting.name], instead={}, actor="ana", reason="wrong") is None
    assert registry.models.get(waiting.name).state == "refused"
    assert registry.ledger.pointer() == live


def test_a_quarantine_needs_a_reason_and_something_that_serves_instead(fleet, registry):
    fleet.promote(fleet.full())
    bad = registry.releases.current().manifest.members[FAST].model
    with pytest.raises(UsageError, match="needs a reason"):
        registry.releases.quarantine([bad], instead={}, actor="ana", reason=" ")
    with pytest.raises(UsageError, match=f"nothing is named that could serve {FAST} instead"):
        registry.releases.quarantine([bad], instead={}, actor="ana", reason="wrong")
    with pytest.raises(UsageError, match="nobody is not registered"):
        registry.releases.quarantine(["nobody"], instead={}, actor="ana", reason="wrong")
    fleet.must_hold()
