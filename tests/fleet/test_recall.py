"""What auditors ask: what was live, what made a forecast, who used what, who stepped in, how late, how close."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import recall, recall_weeks, releases
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.ledger.audit import AuditEvent
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    WEDNESDAY,
    damage_artefact,
    kiosks,
    opened,
    run_week,
    write_workspace,
)

SELDOM = SETTINGS.replace("[execution]", "[retraining]\nevery_weeks = 30\n\n[execution]")
FIRST, SECOND = WEDNESDAY - WEEK, WEDNESDAY + timedelta(hours=2)
ROW = f"{LAST + WEEK}/east-1/00003"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two weeks, each with a release, the second run two hours after the files came."""
    folder = write_workspace(tmp_path_factory.mktemp("two") / "chain", kiosks(weeks=50))
    run_week(folder, FIRST, week=LAST - WEEK)
    run_week(folder, SECOND)
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "chain")


def two(w):
    return [release.id for release in w.registry.releases.list()]


def test_what_was_live_at_a_moment_is_what_the_pointer_showed_then(finished):
    w = opened(finished)
    first, second = two(w)
    before, between, now = (
        recall.live(w, moment) for moment in (FIRST - timedelta(days=1), FIRST + timedelta(days=3), SECOND)
    )
    assert (before.release, before.until) == (None, FIRST)
    assert (between.release, between.moved.at, between.until) == (first, FIRST, SECOND)
    assert (now.release, now.until) == (second, None)
    assert now.serving["east/large/fast"] == "dev/east/large/fast/2026w46-1"
    assert (now.moved.policy.partition(":")[0], now.moved.actor) == ("policy.toml", "test")


def test_a_forecast_names_its_model_its_data_and_who_approved_its_release(folder):
    w = opened(folder)
    live = w.ledger.pointer()
    w.ledger.append(AuditEvent("ada@example.org", "release.approve", live, "looks right"))
    w.ledger.append(AuditEvent("bob@example.org", "release.approve", "another", "no"))
    found = recall.forecast(w, ROW)
    assert (found.model, found.release) == ("dev/east/large/fast/2026w46-1", live)
    assert found.tables["demand"] == w.lake.version(w.tables["demand"])
    assert [(deed.actor, deed.reason) for deed in found.approvals] == [("ada@example.org", "looks right")]
    assert [deed.action for deed in found.promoted] == ["release.promote"]
    assert found.code == w.registry.models.get(found.model).lineage["code"]


def test_what_is_no_forecast_is_told_how_to_write_one(finished):
    with pytest.raises(UsageError, match="write WEEK/STORE/PRODUCT"):
        recall.forecast(opened(finished), "east-1/00003")


def test_the_releases_that_used_a_version_of_a_table_are_found(finished):
    w = opened(finished)
    first, second = two(w)
    demand, products = (w.lake.version(w.tables[name]) for name in ("demand", "products"))
    assert [use.release for use in recall.uses_data(w, f"demand@{demand[:10]}")] == [second]
    assert [use.release for use in recall.uses_data(w, f"products@{products}")] == [second, first]
    with pytest.raises(UsageError, match=r"is ambiguous: demand@.*, demand@"):
        recall.uses_data(w, "demand@")
    with pytest.raises(UsageError, match="is none; there are"):
        recall.uses_data(w, "demand@zz")


def test_the_releases_that_used_a_package_are_found_however_its_name_is_written(finished):
    w = opened(finished)
    (use, _) = recall.uses_package(w, "numpy")
    assert (use.answer, use.models, use.live) == ("yes", 6, True)
    assert len(recall.uses_package(w, f"NumPy=={use.versions[0]}")) == 2
    assert recall.uses_package(w, "typing_extensions") == recall.uses_package(w, "Typing-Extensions")
    assert recall.uses_package(w, "numpy==0.1") == []
    assert recall.uses_package(w, "no-such-package") == []


def test_of_releases_whose_packages_were_not_kept_nobody_can_say(folder):
    w = opened(folder)
    lock = w.registry.releases.current().manifest.lock
    (w.state / "bank" / lock[:2] / lock).unlink()
    assert [use.answer for use in recall.uses_package(w, "numpy")] == ["unknown", "unknown"]


def test_what_people_did_by_hand_is_told_and_what_the_cycle_did_is_not(folder):
    w = opened(folder)
    first, _ = two(w)
    assert recall.overrides(w) == []
    releases.rollback(w, None, actor="ada", reason="bias in the east")
    releases.promote(w, two(w)[1], actor="bob", reason="it was the weather")
    done = recall.overrides(w)
    assert [(deed.actor, deed.action, deed.reason) for deed in done] == [
        ("bob", "release.promote", "it was the weather"),
        ("ada", "release.rollback", "bias in the east"),
    ]
    assert [deed.after for deed in recall.overrides(w, by="ada")] == [first]
    with pytest.raises(UsageError, match="eve did nothing by hand; there are ada, bob"):
        recall.overrides(w, by="eve")


def test_questions_to_the_audit_chain_are_answered_by_an_index(folder):
    w = opened(folder)
    w.ledger.append(AuditEvent("ada", "data.acknowledge", "deliveries", "known"))
    asked = []
    engine = w.ledger._engine
    event.listen(
        engine, "before_cursor_execute", lambda c, cur, text, values, *_: asked.append((text, values))
    )
    recall.overrides(w, by="ada")
    recall.forecast(w, ROW)
    plans = []
    with engine.connect() as connection:
        for text, values in [one for one in asked if "FROM audit" in one[0]]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
            plans.append(" ".join(row[-1] for row in plan))
    assert plans
    assert [plan for plan in plans if "INDEX" not in plan and "PRIMARY KEY" not in plan] == []


def test_a_cycle_s_latency_is_from_its_newest_file_to_its_forecasts(finished):
    newest, before = recall_weeks.latency(opened(finished))
    assert (newest.cycle, before.cycle) == ("2026w46", "2026w45")
    assert (newest.received, newest.published) == (FIRST, SECOND)  # the files did not change
    assert newest.seconds == (SECOND - FIRST).total_seconds()
    assert (before.seconds, before.in_time) == (0.0, None)


def test_what_failover_served_is_told_with_its_reason_and_models(tmp_path):
    folder = write_workspace(tmp_path / "chain", kiosks(weeks=50), settings=SELDOM)
    run_week(folder, week=LAST - WEEK)
    w = opened(folder)
    assert recall_weeks.failover(w, "2026w45") == []
    live = w.registry.releases.current().manifest
    east = {m.artefact for segment, m in live.members.items() if segment.startswith("east")}
    for artefact in east:
        damage_artefact(w, artefact)
    for only in ("condition", "score"):
        run_cycle(w, only=only, progress=Silent(), actor="test")
    found = recall_weeks.failover(w, str(LAST))
    assert {(one.segment, one.state, one.reason) for one in found} == {
        (segment, "baseline", "not_loadable") for segment in ("east/large/fast", "east/large/slow")
    }
    assert {model for one in found for model in one.models} == {live.baselines["east/large"].model}
    published = w.lake.read(FORECASTS).filter(cycle=LAST, failover="baseline")
    assert sum(one.rows for one in found) == published.height
    with pytest.raises(UsageError, match="there was no cycle 2026w44; there are 2026w45, 2026w46"):
        recall_weeks.failover(w, "2026w44")


def test_decisions_of_the_gate_that_were_close_are_told_closest_first(finished):
    w = opened(finished)
    found = recall_weeks.close_calls(w, within=0.5)
    assert [call.distance for call in found] == sorted(call.distance for call in found)
    assert {call.check for call in found} <= {"mape", "skill", "bias", "champion"}
    assert all(call.distance <= 0.5 for call in found)
    closest = found[0].distance
    assert recall_weeks.close_calls(w, within=closest)[0] == found[0]
    assert recall_weeks.close_calls(w, within=closest / 2) == []
    assert {call.model[-3:-2] for call in recall_weeks.close_calls(w, 0.5, "2026w46")} == {"6"}


def test_a_moment_without_a_zone_is_utc():
    from fleetcast.faces.cli.auditing import moment

    assert moment("2026-11-18T09:00") == datetime(2026, 11, 18, 9, tzinfo=UTC)
    assert moment("2026-11-18T09:00+01:00").utcoffset() == timedelta(hours=1)
