from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

from fleetcast.faces.cli import answers
from fleetcast.fleet.clustering import Clustered
from fleetcast.fleet.report import (
    Check,
    FailedOver,
    Held,
    TableChange,
    TableVersion,
)


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
        "held": None,
        "failed_over": [],
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


def test_status_says_when_series_are_forecast_without_their_pool(printed):
    assert "12 series" in printed(answers.status(answer(without_pool=12)))
    assert "3 stores" in printed(answers.status(answer(unclustered=3)))
    assert "pool" not in printed(answers.status(answer()))


def test_status_says_what_is_held_and_which_champions_do_not_serve(printed):
    held = Held(
        date(2026, 11, 16), datetime(2026, 11, 25, 6, tzinfo=UTC), "17 of 56 champions would fail over"
    )
    waits = FailedOver(
        "ohio/large/fast", "m", "on_probation", date(2026, 11, 2), "on_probation", 1, "baseline"
    )
    text = printed(answers.status(answer(held=held, failed_over=[waits])))
    assert "since 2026-11-25 06:00: 17 of 56 champions would fail over" in text
    assert "on probation, good once" in text
    assert "Not served by its champion" not in printed(answers.status(answer()))


def test_clusters_come_with_the_entry_that_takes_them_in_unless_there_is_one(printed):
    found = Clustered("data/clusters/1.csv", date(2026, 11, 9), {"c1": 12, "c2": 7}, "[sources.clusters]\n")
    text = printed(answers.clusters(found))
    assert "data/clusters/1.csv, valid from 9 Nov 2026 on" in text
    assert "[sources.clusters]" in text
    assert 'keys = ["region", "cluster", "mover"]' in text
    assert "fleetcast.toml" not in printed(answers.clusters(replace(found, entry="")))


def test_a_plan_counts_what_it_would_retrain(printed):
    decisions = [
        SimpleNamespace(segment="a", retrain=True, reason="has no model yet"),
        SimpleNamespace(segment="b", retrain=False, reason="up to date"),
    ]
    assert "1 of 2 models would be retrained" in printed(answers.plan(decisions))


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


def test_the_doctor_gives_no_column_of_advice_where_all_is_well(printed):
    assert "What to do" not in printed(answers.checks([Check("ledger", True, "12 records")]))


def test_a_lake_without_rows_says_how_to_get_some(printed):
    assert "`fleetcast condition` takes raw files in" in printed(answers.versions([]))
