from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

from fleetcast.faces.cli import released
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.report import (
    Member,
    Move,
    PackageChange,
    ReleaseChange,
    ReleaseLine,
    ReleasePlan,
    ReleaseView,
)
from fleetcast.promotion import Decision

RELEASE = ReleaseLine("ab" * 32, "full", date(2026, 11, 16), 55, 1, None, live=True)
MEMBER = Member("ohio/large/fast", "dev/ohio/large/fast/2026w47-1", "ensemble", "", 0.31)


def test_the_live_release_is_marked(printed):
    text = printed(released.releases([RELEASE, replace(RELEASE, release="cd" * 32, live=False)]))
    assert text.count("● live") == 1


def test_no_release_at_all_is_a_sentence(printed):
    assert "Nothing released yet." in printed(released.releases([]))


def test_a_release_shows_its_members_and_where_they_come_from(printed):
    text = printed(released.release(ReleaseView(RELEASE, (MEMBER,), {"code": "ef" * 32})))
    assert "dev/ohio/large/fast/2026w47-1" in text
    assert "efefefefefef" in text


def test_a_release_with_pools_shows_whose_they_are(printed):
    pool = "dev/ohio/pool/2026w47-1"
    members = (replace(MEMBER, pool=pool), replace(MEMBER, segment="ohio/large/slow"))
    assert pool in printed(released.release(ReleaseView(RELEASE, members, {})))
    assert "Pool" not in printed(released.release(ReleaseView(RELEASE, (MEMBER,), {})))


PLAN = ReleasePlan(
    before="aa" * 32,
    after="bb" * 32,
    kind="full",
    cutoff=date(2026, 11, 16),
    changes=("code", "data"),
    segments=(ReleaseChange("ohio/large/fast", None, MEMBER),),
    of=4,
    errors={"ohio/large/fast": (0.3, 0.25)},
    volumes={"ohio/large/fast": (1200.0, 1000.0)},
    volume=0.2,
    packages=(PackageChange("polars", "1.35.0", "1.36.0"),),
    cpu_seconds=12.0,
    cpu_seconds_before=10.0,
    decision=Decision(False, "code changed: it needs 2 approvals, and has 0", 2, refusal="missing_approvals"),
)


def test_a_plan_says_what_changes_on_the_same_rows_and_who_has_to_agree(printed):
    text = printed(released.plan(PLAN, Place("shop", "prod")), 160)
    for words in (
        "code, data",
        "1 of 4 are served by another model",
        "+20.0 %",
        "polars 1.35.0 → 1.36.0",
        "12 CPU s, 10 before",
        "30.0 %",
        "25.0 %",
        "1,200",
        "it needs 2 approvals",
        "fleetcast cd promote bbbbbbbbbbbb --workspace shop --env prod",
    ):
        assert words in text


def test_a_segment_only_one_release_knows_has_a_dash_on_the_other_side(printed):
    assert "–" in printed(released.plan(PLAN, Place()), 160)


def test_a_plan_of_what_is_live_already_asks_nobody(printed):
    text = printed(released.plan(replace(PLAN, decision=None, segments=()), Place()))
    assert "approve" not in text
    assert "Both serve every segment with the same model." in text


def test_a_move_says_from_where_to_where(printed):
    assert "dev: – → abababababab is live." in printed(released.moved(Move("dev", None, "ab" * 32), Place()))


def test_an_audit_record_says_who_what_when_and_why(printed):
    record = SimpleNamespace(
        seq=7,
        at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
        actor="ada",
        action="rollback",
        subject="ab" * 32,
        reason="bias",
        after=None,
        hash="0" * 64,
    )
    assert "7  2026-11-22 09:30:00  ada  rollback  abababababab  bias" in printed(released.audit([record]))


def test_a_broken_chain_says_where_it_breaks(printed):
    broken = SimpleNamespace(ok=False, records=3, reason="record 4 was changed after it was written")
    assert "broken after 3 good records: record 4 was changed" in printed(released.verification(broken))


def test_a_release_that_was_live_already_is_said_to_be(printed):
    text = printed(released.moved(Move("dev", "ab" * 32, "ab" * 32), Place()))
    assert text.strip() == "dev: abababababab is live already; nothing changed."


def test_after_a_rollback_the_week_can_be_scored_anew_and_the_two_compared(printed):
    text = printed(released.moved(Move("dev", "cd" * 32, "ab" * 32), Place("demo")))
    assert "fleetcast score --workspace demo" in text
    assert "fleetcast release diff cdcdcdcdcdcd abababababab --workspace demo" in text


def test_the_audit_log_says_where_the_pointer_went(printed):
    record = SimpleNamespace(
        seq=7, at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC), actor="ada", action="release.rollback",
        subject="release pointer", reason="bias", after="ab" * 32, hash="0" * 64,
    )  # fmt: skip
    assert "release pointer → abababababab" in printed(released.audit([record]))
