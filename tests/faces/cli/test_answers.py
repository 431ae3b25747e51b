from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

from fleetcast.faces.cli import answers
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.clustering import Clustered
from fleetcast.fleet.report import (
    Check,
    Member,
    Move,
    ReleaseChange,
    ReleaseLine,
    ReleaseView,
    TableChange,
    TableVersion,
)

RELEASE = ReleaseLine("ab" * 32, "full", date(2026, 11, 16), 55, 1, None, live=True)
MEMBER = Member("ohio/large/fast", "dev/ohio/large/fast/2026w47-1", "ensemble", "", 0.31)


def answer(**changes):
    return {
        "environment": "dev",
        "cycle": "2026-11-16",
        "release": "ab" * 32,
        "segments": {"ensembles": 56, "baselines": 28, "passed": 55, "failed": 1},
        "series": {"active": 6720, "published": 6715, "coded": 5, "missing": 0},
        "without_pool": 0,
        "unclustered": 0,
        "failover": {
            "champion": 6600,
            "last_known_good": 0,
            "baseline": 115,
            "carried_forward": 0,
            "blocked": 5,
        },
        "metrics": {
            "mape": 0.3304,
            "rmse0": 2.0,
            "rmse_all": 5.0,
            "wape": 0.29,
            "bias": -0.01,
            "skill": 0.31,
        },
        "stale": False,
        "long_term": None,
    } | changes


def test_an_environment_without_a_release_says_so(printed):
    assert "prod · nothing released yet" in printed(answers.status(answer(environment="prod", release=None)))


def test_status_shows_what_passed_and_what_serves(printed):
    text = printed(answers.status(answer()))
    assert "55 passed, 1 did not, of 56" in text
    assert "6,600 champion, 115 baseline, 5 blocked" in text
    assert "33.0 %" in text


def test_status_tells_of_long_term_models_where_there_are_some(printed):
    far = {
        "segments": {"ensembles": 56, "baselines": 28, "passed": 50, "failed": 6},
        "series": {"active": 6720, "published": 6720, "coded": 0, "missing": 0},
        "failover": {"champion": 6000, "baseline": 720},
    }
    line = "50 of 56 models passed; 6,720 of 6,720 series published by 6,000 champion, 720 baseline"
    assert line in printed(answers.status(answer(long_term=far)), width=140)
    assert "long term" not in printed(answers.status(answer()))


def test_a_stale_fleet_is_marked_with_shape_and_word(printed):
    assert "◷ stale" in printed(answers.status(answer(stale=True)))


def test_the_live_release_is_marked(printed):
    text = printed(answers.releases([RELEASE, replace(RELEASE, release="cd" * 32, live=False)]))
    assert text.count("● live") == 1


def test_no_release_at_all_is_a_sentence(printed):
    assert "Nothing released yet." in printed(answers.releases([]))


def test_a_release_shows_its_members_and_where_they_come_from(printed):
    text = printed(answers.release(ReleaseView(RELEASE, (MEMBER,), {"code": "ef" * 32})))
    assert "dev/ohio/large/fast/2026w47-1" in text
    assert "efefefefefef" in text


def test_a_release_with_pools_shows_whose_they_are(printed):
    pool = "dev/ohio/pool/2026w47-1"
    members = (replace(MEMBER, pool=pool), replace(MEMBER, segment="ohio/large/slow"))
    assert pool in printed(answers.release(ReleaseView(RELEASE, members, {})))
    assert "Pool" not in printed(answers.release(ReleaseView(RELEASE, (MEMBER,), {})))


def test_status_says_when_series_are_forecast_without_their_pool(printed):
    assert "12 series" in printed(answers.status(answer(without_pool=12)))
    assert "3 stores" in printed(answers.status(answer(unclustered=3)))
    assert "pool" not in printed(answers.status(answer()))


def test_clusters_come_with_the_entry_that_takes_them_in_unless_there_is_one(printed):
    found = Clustered("data/clusters/1.csv", date(2026, 11, 9), {"c1": 12, "c2": 7}, "[sources.clusters]\n")
    text = printed(answers.clusters(found))
    assert "data/clusters/1.csv, valid from 9 Nov 2026 on" in text
    assert "[sources.clusters]" in text
    assert 'keys = ["region", "cluster", "mover"]' in text
    assert "fleetcast.toml" not in printed(answers.clusters(replace(found, entry="")))


def test_a_segment_only_one_release_knows_has_a_dash_on_the_other_side(printed):
    assert "–" in printed(answers.release_changes([ReleaseChange("ohio/large/fast", None, MEMBER)]))


def test_a_move_says_from_where_to_where(printed):
    assert "dev: – → abababababab is live." in printed(answers.moved(Move("dev", None, "ab" * 32), Place()))


def test_a_plan_counts_what_it_would_retrain(printed):
    decisions = [
        SimpleNamespace(segment="a", retrain=True, reason="has no model yet"),
        SimpleNamespace(segment="b", retrain=False, reason="up to date"),
    ]
    assert "1 of 2 models would be retrained" in printed(answers.plan(decisions))


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
    assert "7  2026-11-22 09:30:00  ada  rollback  abababababab  bias" in printed(answers.audit([record]))


def test_a_broken_chain_says_where_it_breaks(printed):
    broken = SimpleNamespace(ok=False, records=3, reason="record 4 was changed after it was written")
    assert "broken after 3 good records: record 4 was changed" in printed(answers.verification(broken))


def test_tables_show_their_version_and_what_changed(printed):
    assert "deliveries" in printed(
        answers.versions([TableVersion("deliveries", "ab" * 32, 9, "2026-11-02", "2026-11-16")])
    )
    many = tuple(f"2026-11-{day:02d}" for day in (2, 9, 16, 23))
    text = printed(answers.data_changes([TableChange("deliveries", "correction", many, 90, 90)]))
    assert "4, from 2026-11-02 to 2026-11-23" in text


def test_the_doctor_says_what_to_do_about_what_is_not_well(printed):
    text = printed(answers.checks([Check("ledger", False, "cannot be opened", "restore it from a backup")]))
    assert "✕ not well" in text
    assert "restore it from a backup" in text


def test_tables_that_are_the_same_are_a_sentence(printed):
    assert printed(answers.data_changes([])).strip() == "Nothing changed in any table."


def test_a_release_that_was_live_already_is_said_to_be(printed):
    text = printed(answers.moved(Move("dev", "ab" * 32, "ab" * 32), Place()))
    assert text.strip() == "dev: abababababab is live already; nothing changed."


def test_the_doctor_gives_no_column_of_advice_where_all_is_well(printed):
    assert "What to do" not in printed(answers.checks([Check("ledger", True, "12 records")]))


def test_a_lake_without_rows_says_how_to_get_some(printed):
    assert "`fleetcast condition` takes raw files in" in printed(answers.versions([]))


def test_after_a_rollback_the_week_can_be_scored_anew_and_the_two_compared(printed):
    text = printed(answers.moved(Move("dev", "cd" * 32, "ab" * 32), Place("demo")))
    assert "fleetcast score --workspace demo" in text
    assert "fleetcast release diff cdcdcdcdcdcd abababababab --workspace demo" in text


def test_the_audit_log_says_where_the_pointer_went(printed):
    record = SimpleNamespace(
        seq=7, at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC), actor="ada", action="release.rollback",
        subject="release pointer", reason="bias", after="ab" * 32, hash="0" * 64,
    )  # fmt: skip
    assert "release pointer → abababababab" in printed(answers.audit([record]))
