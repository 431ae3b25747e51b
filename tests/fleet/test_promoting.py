import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.fleet import promoting, proposals, releases
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import rehearse, run_cycle
from fleetcast.testing.kiosks import WEDNESDAY, opened, run_week
from fleetcast.testing.planted import planted

PEOPLE = ("ben", "cyd")


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Path:
    """A folder of SSH keys, a person's each."""
    folder = tmp_path_factory.mktemp("keys")
    for person in (*PEOPLE, "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / person], check=True)
    return folder


@pytest.fixture
def guarded(chain, keys) -> Path:
    """The chain, which has done its week in dev; from now on code needs two approvals there."""
    signers = "".join(
        f'[signers.{person}]\nkey = "{" ".join((keys / f"{person}.pub").read_text().split()[:2])}"\n'
        for person in PEOPLE
    )
    (chain / "policy.toml").write_text(f"schema = 1\n[promotion.dev]\napprovals = 2\n{signers}", "utf-8")
    return chain


def changed(folder: Path, more: str) -> None:
    """Change the code: a comment in a conditioner is enough to train anew."""
    path = folder / "src" / "kiosks" / "conditioners" / "stores.py"
    path.write_text(path.read_text("utf-8") + f"\n# {more}\n", "utf-8")


def waiting(folder: Path):
    """A week with changed code, and its release, which waits for approvals."""
    report = run_week(folder, WEDNESDAY + timedelta(minutes=5))
    w = opened(folder, WEDNESDAY + timedelta(minutes=10))
    return w, report, w.registry.releases.get(report.release)


def actions(w) -> list[str]:
    return [record.action for record in w.ledger.audit()]


def test_the_policy_of_the_live_release_judges_the_one_that_changes_it(guarded):
    # the live release was made without a policy: by that, dev needs nobody, and so this change may pass
    _, report, _ = waiting(guarded)
    assert (report.promoted, report.awaiting) == (True, "")
    changed(guarded, "now")
    _, report, _ = waiting(guarded)
    assert not report.promoted
    assert report.awaiting == "code changed: it needs 2 approvals, and has 0"
    assert report.series.published == report.series.active  # the live release goes on serving


@pytest.fixture
def proposed(guarded):
    """Changed code under the policy of a live release: the workspace and the release that waits."""
    run_week(guarded, WEDNESDAY + timedelta(minutes=1))
    changed(guarded, "now")
    w, _, release = waiting(guarded)
    return w, release


def test_two_people_approve_and_the_release_becomes_live(proposed, keys):
    w, release = proposed
    for person in PEOPLE:
        assert promoting.approve(w, release, key=keys / person) == person
    promoting.promote(w, release, actor="ci", reason="", attended=False, over=w.ledger.pointer())
    assert w.ledger.pointer() == release.id
    last = w.ledger.audit(action="release.promote")[-1]
    assert last.policy == "policy.toml: code changed, approved by ben, cyd"


def test_without_approvals_it_is_refused_and_the_refusal_is_recorded(proposed):
    w, release = proposed
    with pytest.raises(PolicyRefusal, match="needs 2 approvals, and has 0") as caught:
        releases.promote(w, release.id[:12], actor="ada", reason="please")
    record = w.ledger.audit()[-1]
    assert (record.seq, record.action) == (caught.value.event, "refused.missing_approvals")
    assert (record.actor, record.subject) == ("ada", release.id)


def test_approvals_of_what_was_proposed_before_do_not_count_for_what_is_now(proposed, keys, guarded):
    w, release = proposed
    for person in PEOPLE:
        promoting.approve(w, release, key=keys / person)
    changed(guarded, "again")
    w, _, newer = waiting(guarded)
    assert newer.id != release.id
    with pytest.raises(PolicyRefusal, match=f"those given name {release.id[:12]}") as caught:
        promoting.promote(w, newer, actor="ci", reason="", attended=False, over=w.ledger.pointer())
    assert caught.value.name == "stale_approval"


def test_somebody_without_a_key_in_the_policy_cannot_approve(proposed, keys):
    w, release = proposed
    with pytest.raises(UsageError, match=r"no key in the policy made this signature"):
        promoting.approve(w, release, key=keys / "eve")
    with pytest.raises(PolicyRefusal, match=r"eve cannot approve .*: has no key in the policy"):
        promoting.approve(w, release, key=keys / "eve", person="eve")


def test_nobody_can_sign_for_another(proposed, keys):
    w, release = proposed
    with pytest.raises(PolicyRefusal, match="the signature is not that of their key") as caught:
        promoting.approve(w, release, key=keys / "ben", person="cyd")
    assert caught.value.name == "bad_signature"
    assert actions(w)[-1] == "refused.bad_signature"


def test_a_signature_made_elsewhere_counts_and_one_under_another_release_does_not(proposed, keys, tmp_path):
    w, release = proposed
    (tmp_path / "said").write_text(promoting.text("dev", release.id))
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "fleetcast", "-f", keys / "ben", tmp_path / "said"]
    subprocess.run(command, check=True)
    signature = (tmp_path / "said.sig").read_text()
    other = w.registry.releases.get(w.ledger.pointer())
    with pytest.raises(UsageError, match=r"no key in the policy made this"):
        promoting.approve(w, other, signature=signature)
    assert promoting.approve(w, release, signature=signature) == "ben"
    with pytest.raises(UsageError, match=r"ben has approved release .* already"):
        promoting.approve(w, release, signature=signature)


def test_whoever_has_no_key_at_hand_is_told_how_to_sign(proposed):
    w, release = proposed
    with pytest.raises(UsageError, match=rf"fleetcast release {release.id}.*ssh-keygen -Y sign -n fleetcast"):
        promoting.approve(w, release)


def test_a_rehearsal_says_what_would_be_published_and_publishes_nothing(chain):
    w = opened(chain)
    published = w.lake.version(w.tables["forecasts"])
    changed(chain, "now")
    report = run_cycle(opened(chain), only="validate", progress=Silent(), actor="test")
    assert report.rehearsed is not None
    assert report.rehearsed.passed
    assert set(report.rehearsed.volumes) == {
        f"{r}/large/{m}" for r in ("east", "west") for m in ("fast", "slow")
    }
    assert report.rehearsed.change == pytest.approx(0)
    assert opened(chain).lake.version(w.tables["forecasts"]) == published
    assert opened(chain).ledger.pointer() != report.release


@pytest.mark.parametrize("wrong", [0.001, 5.0])
def test_a_model_that_is_not_the_one_that_was_judged_is_refused_whoever_approves(chain, wrong):
    w = opened(chain)
    live, bad = w.ledger.pointer(), planted(w, wrong)
    found = rehearse(w, bad, progress=Silent(), actor="eve")
    assert found.unserved == {"east/large/fast": "not_as_judged"}
    with pytest.raises(
        PolicyRefusal, match="east/large/fast: not_as_judged; nobody can approve that"
    ) as caught:
        promoting.promote(w, bad, actor="eve", reason="trust me", attended=True, over=live)
    assert (w.ledger.pointer(), actions(w)[-1]) == (live, "refused.bad_model")
    assert caught.value.event == w.ledger.head()[0]


def test_a_planted_model_is_found_by_those_who_promote_by_hand(chain):
    w = opened(chain)
    bad = planted(w, 0.001)
    with pytest.raises(PolicyRefusal, match="not_as_judged"):
        releases.promote(w, bad.id, actor="eve", reason="trust me")


def test_a_quarantine_by_segment_falls_back_to_the_baseline_where_nothing_served_before(chain):
    w = opened(chain)
    bad = w.registry.releases.current().manifest.members["east/large/fast"].model
    done = releases.quarantine(w, "east/large/fast", actor="ana", reason="twice too high")
    assert (done.model, done.served) == (bad, {"east/large/fast": "dev/east/large/2026w46-1"})
    record = w.ledger.audit(action="release.quarantine")
    assert record[0].reason == "twice too high"
    report = run_cycle(
        opened(chain, WEDNESDAY + timedelta(minutes=1)), only="score", progress=Silent(), actor="ana"
    )
    assert report.failover["baseline"] > 0


def test_a_quarantine_by_model_falls_back_to_the_one_before(chain):
    w = opened(chain)
    good = w.registry.releases.current().manifest.members["east/large/fast"].model
    changed(chain, "now")
    run_week(chain, WEDNESDAY + timedelta(minutes=1))
    w = opened(chain, WEDNESDAY + timedelta(minutes=2))
    bad = w.registry.releases.current().manifest.members["east/large/fast"].model
    done = releases.quarantine(w, bad, actor="ana", reason="wrong")
    assert done.served == {"east/large/fast": good}
    with pytest.raises(PolicyRefusal, match="is refused"):
        releases.rollback(w, done.move.before, actor="ana", reason="no")
    assert actions(w)[-1] == "refused.model_state"


def test_a_partial_release_is_cut_of_the_newest_models_that_passed(chain):
    changed(chain, "now")
    report = run_cycle(opened(chain), only="train", progress=Silent(), actor="test")
    w = opened(chain, WEDNESDAY + timedelta(minutes=1))
    new, live = w.registry.releases.get(report.release).manifest, w.registry.releases.current()
    made = releases.cut(w, ["east/large/fast"], actor="ana", reason="first here").manifest
    assert made.members["east/large/fast"].model == new.members["east/large/fast"].model
    assert made.members["west/large/fast"] == live.manifest.members["west/large/fast"]
    with pytest.raises(UsageError, match="nowhere has no model that passed"):
        releases.cut(w, ["nowhere"], actor="ana", reason="")


def test_a_plan_holds_a_release_against_the_live_one_on_the_rows_both_forecast(proposed):
    w, release = proposed
    plan = proposals.plan(w, None, release.id[:12])
    assert (plan.before, plan.after) == (w.ledger.pointer(), release.id)
    assert plan.changes == ("code",)
    assert len(plan.segments) == plan.of == 4
    before, after = plan.errors["east/large/fast"]
    assert before == pytest.approx(after)  # a comment is no other model
    assert plan.cpu_seconds > 0
    assert plan.decision is not None
    assert plan.decision.needed == 2
    assert proposals.plan(w, release.id, w.ledger.pointer()).decision is None


def test_a_model_of_other_code_does_not_pass_as_a_change_of_data(proposed):
    w, release = proposed
    segment = "east/large/fast"
    made = releases.cut(w, [segment], actor="eve", reason="just the one")
    live = w.registry.releases.current()
    assert made.manifest.code == live.manifest.code != release.manifest.code
    assert list(releases.view(w, made.id).disagreements) == [segment]
    assert releases.view(w, release.id).disagreements == releases.view(w).disagreements == {}
    with pytest.raises(PolicyRefusal, match="code changed: it needs 2 approvals"):
        releases.promote(w, made.id, actor="eve", reason="it is only data")


def test_models_that_wait_are_in_the_next_release_of_their_week_too(fresh_chain):
    def validated(minutes: int):
        w = opened(fresh_chain, WEDNESDAY + timedelta(minutes=minutes))
        return run_cycle(w, only="validate", progress=Silent(), actor="test")

    first = opened(fresh_chain).registry.releases
    whole = first.get(validated(0).release).manifest
    late = fresh_chain / "data" / "deliveries" / "late.csv"
    header, row = (fresh_chain / "data" / "deliveries" / "first.csv").read_text("utf-8").splitlines()[:2]
    late.write_text(f"{header}\n{row.rpartition(',')[0]},999.0\n", "utf-8")
    report = validated(5)
    again = first.get(report.release).manifest
    assert again.members.keys() == whole.members.keys()
    assert again.members["west/large/fast"] == whole.members["west/large/fast"]
    assert again.members["east/large/fast"] != whole.members["east/large/fast"]
    assert report.rehearsed.passed
    assert validated(10).release == report.release
