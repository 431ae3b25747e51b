import dataclasses
from datetime import UTC, date, datetime
from pathlib import Path

from fleetcast.faces.cli import render
from fleetcast.fleet.report import Held, LongTermLines, SeriesCounts


def line_with(words, text):
    return next(line for line in text.splitlines() if words in line)


def test_a_state_is_a_shape_and_a_word(report, printed):
    text = printed(render.fleet(report.regions))
    assert "●◆" in line_with("north-texas", text)
    assert "1 passed, 1 over gate" in line_with("north-texas", text)
    assert "✕" in line_with("ohio", text)
    assert "1 failed run" in line_with("ohio", text)


def test_a_region_says_how_many_series_are_published_and_by_what(report, printed):
    line = line_with("ohio", printed(render.fleet(report.regions)))
    assert "5,000 of 5,000" in line
    assert "5,000 last known good" in line


def test_a_mape_over_its_limit_shows_over_its_limit(verdicts, printed):
    line = line_with("north-texas/small/slow", printed(render.not_passed(verdicts)))
    assert "45.04 %" in line
    assert "mape 0.4504 is over 0.45" in line


def test_a_bias_outside_its_limit_shows_outside_its_limit(verdicts, printed):
    skewed = dataclasses.replace(verdicts[1], bias=-0.1502, bias_limit=0.15)
    assert "−15.02 %" in printed(render.not_passed([skewed]))


def test_what_passed_is_not_among_what_did_not(verdicts, printed):
    assert "north-texas/large/fast" not in printed(render.not_passed(verdicts))


def test_a_week_ends_with_where_things_are_and_what_to_type_next(report, printed):
    text = printed(render.cycle(report, workspace="demo"))
    assert "Week of 16 Nov 2026 · dev" in text
    assert "4 min 12 s" in text
    assert "1 of 3 ensembles passed" in text
    assert "demo/.fleetcast/dev/lake/forecasts" in text
    assert "fleetcast status --workspace demo" in text


def test_a_source_whose_rows_do_not_add_up_says_so(report, printed):
    text = printed(render.sources(report.sources))
    assert "● adds up" in line_with("deliveries_us", text)
    assert "✕ does not add up" in line_with("returns", text)


def test_places_are_named_from_where_one_stands(printed):
    places = {"forecasts": Path("/home/ada/demo/lake"), "ledger": Path("/srv/ledger.db")}
    text = printed(render.files(places, here=Path("/home/ada")))
    assert [line.split()[1] for line in text.splitlines()] == ["demo/lake", "/srv/ledger.db"]


def test_a_missed_quorum_says_that_nothing_was_promoted(report, printed):
    missed = dataclasses.replace(report, quorum=False, promoted=False)
    assert "nothing was promoted" in printed(render.cycle(missed, workspace="."))


def test_series_lost_without_a_reason_are_shouted(report, printed):
    lost = dataclasses.replace(report, series=SeriesCounts(active=10, published=8, coded=1, missing=1))
    assert "✕ 1 series are missing without a reason" in printed(render.cycle(lost, workspace="."))


def test_a_week_done_twice_says_that_nothing_changed(report, printed):
    again = dataclasses.replace(report, unchanged=True)
    assert "nothing changed" in printed(render.cycle(again, workspace="."))


def test_the_fleet_fits_a_terminal_of_a_hundred_columns(report, printed):
    text = printed(render.fleet(report.regions), width=100)
    assert max(map(len, text.splitlines())) <= 100


def test_the_long_term_is_told_apart_from_the_week(report, printed):
    assert "The long term" not in printed(render.cycle(report, workspace="."))
    weeks = (date(2027, 2, 15), date(2027, 5, 17))
    far = LongTermLines(weeks, report.verdicts, SeriesCounts(10, 9, 1, 0), {"champion": 6, "baseline": 3})
    text = printed(render.cycle(dataclasses.replace(report, long_term=far), workspace="."))
    assert "1 of 3 long-term models passed; 9 of 10 active series published" in text
    assert "for 2 weeks from 15 Feb 2027 to 17 May 2027" in text
    assert text.count("north-texas/small/slow") == 2


def test_stores_without_a_cluster_are_counted(report, printed):
    assert "3 stores without a cluster" in printed(
        render.cycle(dataclasses.replace(report, unclustered=3), workspace=".")
    )
    assert "cluster" not in printed(render.cycle(report, workspace="."))


def test_on_a_terminal_of_80_columns_regions_and_commands_are_whole(report, printed):
    text = printed(render.cycle(report, workspace="demo"), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "north-texas/small/slow" in text
    assert "fleetcast release show --workspace demo" in text


def test_what_to_type_next_can_be_answered_by_then(report, printed):
    conditioned = dataclasses.replace(report, release=None, series=SeriesCounts(0, 0, 0, 0))
    text = printed(render.cycle(conditioned, workspace="."))
    assert "fleetcast run" in text
    assert "export orders" not in text
    trained = dataclasses.replace(report, series=SeriesCounts(0, 0, 0, 0))
    assert "fleetcast score" in printed(render.cycle(trained, workspace="."))


def test_a_release_that_awaits_promotion_says_how_it_is_promoted(report, printed):
    waits = dataclasses.replace(report, promoted=False)
    assert "fleetcast release promote abababababab" in printed(render.cycle(waits, workspace="."))
    assert "promote" not in printed(render.cycle(report, workspace=".")).partition("What to type next")[2]


def test_a_held_week_says_why_and_what_people_can_do(report, printed):
    held = Held(
        report.cycle, datetime(2026, 11, 25, 6, tzinfo=UTC), "17 of 56 champions would fail over at once"
    )
    text = printed(render.cycle(dataclasses.replace(report, held=held, promoted=False), workspace="demo"))
    assert "held: what was published last stays. 17 of 56 champions" in text
    assert "awaits people's decision" in text
    assert "fleetcast release lift --reason WHY --workspace demo" in text
