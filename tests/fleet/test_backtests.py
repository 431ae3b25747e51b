"""Backtests of a small fleet, from its lake to the kept experiment."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast import workspace
from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK
from fleetcast.fleet import backtests, experiments, search
from fleetcast.fleet.backtests import Request
from fleetcast.fleet.progress import Silent
from fleetcast.testing.kiosks import WEDNESDAY, kiosks, opened, run_week, write_workspace

SMALL = Request(windows=3, step=1, horizons=(1, 2))


def asked(folder, request=SMALL):
    return backtests.backtest(opened(folder, WEDNESDAY), request, progress=Silent(), actor="ann")


@pytest.fixture(scope="module")
def answered(first_week):
    folder, _ = first_week
    return folder, asked(folder, replace(SMALL, without=("returns",)))


def test_the_recipe_is_held_against_both_averages_and_beats_them_where_sales_grow(answered):
    _, report = answered
    found = {row["contender"]: row for row in report.figures}
    assert list(found) == ["weekly", "weekly without returns", "historical mean", "historical median"]
    assert found["weekly"]["mape"] < 0.7 * found["historical mean"]["mape"]
    assert len({row["n"] for row in found.values()}) == 1
    to_mean = next(one for one in report.differences if one.second == "historical mean")
    assert to_mean.told_apart
    assert to_mean.value < 0


def test_a_second_recipe_is_told_with_where_its_difference_comes_from(answered):
    folder, alone = answered
    assert alone.explained == []
    report = asked(folder, replace(SMALL, contenders=("weekly", "last week")))
    assert {part["against"] for part in report.explained} == {"last week"}
    assert {part["aspect"] for part in report.explained} == {"segment", "product", "week"}
    whole = next(one for one in report.differences if one.second == "last week")
    for part in report.explained:
        assert part["contribution"] == pytest.approx(part["of_whole"] * whole.value)


def test_a_first_look_takes_everybody_that_is_installed(monkeypatch):
    assert "lightgbm" in [setup.name for setup in backtests.setups(Request(contenders=("auto",)), "weekly")]
    monkeypatch.setattr(backtests.peers, "NAME", "nobody")
    monkeypatch.setattr(backtests, "AUTO", ("weekly", "nobody"))
    monkeypatch.setattr(backtests.peers, "available", lambda: False)
    named = [setup.name for setup in backtests.setups(Request(contenders=("auto",)), "long-term")]
    assert named == ["weekly", "historical mean", "historical median"]


def test_the_same_question_is_answered_at_once_and_kept_once(answered):
    folder, report = answered
    again = asked(folder, replace(SMALL, without=("returns",)))
    assert again.again
    assert (again.id, again.figures) == (report.id, report.figures)
    kept = experiments.kept(opened(folder, WEDNESDAY), "backtest")
    assert [one.id for one in kept].count(report.id) == 1
    assert kept[0].actor == "ann"


def test_no_forecast_of_a_backtest_moves_when_everything_after_its_origin_changes(chain, tmp_path):
    calm = asked(chain)
    first = min(calm.origins)
    frames = kiosks()
    later = pl.when(pl.col("week") > first).then(2.0).otherwise(1.0)
    frames["deliveries"] = frames["deliveries"].with_columns(pl.col("delivered") * later)
    wild = write_workspace(tmp_path / "wild", frames)
    run_week(wild)
    assert asked(wild).id != calm.id

    def made_at_first(folder, report):
        w = opened(folder, WEDNESDAY)
        rows = backtests.rows(w, experiments.one(w, report.id)).filter(pl.col("origin") == first)
        key = ["contender", "origin", "week", "store", "product"]
        return rows.sort(key).select(*key, "mape", "median", "mean")

    assert made_at_first(chain, calm).equals(made_at_first(wild, asked(wild)))


def test_segments_are_chosen_by_pattern_and_a_pattern_without_any_is_named(answered):
    folder, _ = answered
    report = asked(folder, replace(SMALL, segments=("east/*",)))
    assert {row["segment"].split("/")[0] for row in report.by_segment} == {"east"}
    with pytest.raises(UsageError, match="no segment is called 'nroth"):
        asked(folder, replace(SMALL, segments=("nroth/*",)))


def test_windows_that_reach_before_the_data_or_beyond_what_is_final_are_refused(answered):
    folder, report = answered
    with pytest.raises(UsageError, match="ask for fewer windows"):
        asked(folder, replace(SMALL, windows=50, step=4))
    late = max(report.origins) + timedelta(weeks=1)
    with pytest.raises(UsageError, match=f"made in the week {late} cannot be judged yet"):
        asked(folder, replace(SMALL, last=late))


@pytest.mark.parametrize("horizons", [(0, 1), (1, 53), (-2,)])
def test_a_horizon_that_is_none_is_refused(answered, horizons):
    folder, _ = answered
    with pytest.raises(UsageError, match="weeks ahead go from 1 to 52"):
        asked(folder, replace(SMALL, horizons=horizons))


def test_a_week_that_was_never_conditioned_is_not_replayed(fresh_chain):
    with pytest.raises(Exception, match="run `fleetcast run`"):
        asked(fresh_chain)


def test_a_comparison_explains_the_whole_difference(answered):
    folder, report = answered
    w = opened(folder, WEDNESDAY)
    found = experiments.compare(w, report.id[:8], None, first="weekly", second="historical mean")
    parts = pl.DataFrame(found.explained).group_by("aspect").agg(pl.col("contribution").sum())
    assert parts["contribution"].to_list() == pytest.approx([found.difference.value] * parts.height)


def test_a_comparison_says_of_a_difference_what_the_backtest_said(answered):
    folder, report = answered
    found = experiments.compare(opened(folder, WEDNESDAY), report.id, None, first=None, second=None)
    assert found.difference == report.differences[0]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"first": "nobody"}, "'nobody' did not take part"),
        ({"second": "nobody"}, "'nobody' did not take part"),
        ({"first": "weekly", "second": "weekly"}, "weekly is held against itself"),
    ],
)
def test_a_comparison_needs_two_that_took_part(answered, named, told):
    folder, report = answered
    w = opened(folder, WEDNESDAY)
    with pytest.raises(UsageError, match=told):
        experiments.compare(w, report.id, None, **({"first": None, "second": None} | named))


def test_an_experiment_is_named_by_some_of_its_id(answered):
    folder, report = answered
    w = opened(folder, WEDNESDAY)
    assert experiments.one(w, report.id[:6]).id == report.id
    with pytest.raises(UsageError, match="no experiment has an id that begins with 'zzz'"):
        experiments.one(w, "zzz")
    with pytest.raises(UsageError, match="name an experiment by the beginning of its id"):
        experiments.one(w, "")


def test_two_backtests_are_compared_on_their_common_rows(answered):
    folder, report = answered
    fewer = asked(folder, replace(SMALL, windows=2))
    w = opened(folder, WEDNESDAY)
    found = experiments.compare(w, report.id, fewer.id, first=None, second=None)
    assert found.difference.value == pytest.approx(0.0, abs=0.05)
    assert found.difference.n < report.figures[0]["n"]


def test_forecasts_leave_as_a_file_and_another_ending_is_refused(answered, tmp_path):
    folder, report = answered
    w = opened(folder, WEDNESDAY)
    backtests.export(w, report.id, tmp_path / "rows.csv")
    assert pl.read_csv(tmp_path / "rows.csv").height == sum(row["n"] for row in report.figures)
    with pytest.raises(UsageError, match=r"ends in \.parquet or \.csv"):
        backtests.export(w, report.id, tmp_path / "rows.xlsx")


def test_a_trial_replays_its_own_settings_and_the_averages_and_nobody_else():
    trial = replace(SMALL, training={"passes": 3}, varied_alone=True)
    named = [setup.name for setup in backtests.setups(trial, "weekly")]
    assert named == ["weekly (passes=3)", "historical mean", "historical median"]
    assert backtests.setups(replace(trial, varied_alone=False), "weekly")[0].name == "weekly"


@pytest.mark.parametrize(("step", "horizons"), [(1, (1,)), (1, (1, 2, 3, 4)), (4, (1, 2)), (2, (13, 26))])
def test_no_trial_forecasts_a_week_that_confirms_the_winner(step, horizons):
    newest = date(2026, 6, 1)
    last = search.last_searched(newest, step=step, horizons=horizons)
    confirming = [newest - back * step * WEEK for back in range(search.HELD_BACK)]
    tried = [last - back * step * WEEK for back in range(8)]
    weeks = [{origin + h * WEEK for origin in origins for h in horizons} for origins in (tried, confirming)]
    assert not weeks[0] & weeks[1]


@pytest.mark.parametrize(("to", "told"), [("rows.xlsx", "ends in"), ("nowhere/rows.csv", "no folder")])
def test_a_file_that_could_not_be_written_is_refused_before_anything_is_replayed(tmp_path, to, told):
    with pytest.raises(UsageError, match=told):
        backtests.check_file(tmp_path / to)


def test_only_a_recipe_has_settings_to_search_for(answered):
    folder, _ = answered
    request = replace(SMALL, contenders=("last week",))
    with pytest.raises(UsageError, match=r"'last week' is no recipe.*weekly"):
        search.search(
            opened(folder, WEDNESDAY), request, trials=2, minutes=None, progress=Silent(), actor="ann"
        )


def test_a_search_goes_on_where_it_stopped_and_keeps_what_it_found(chain, monkeypatch):
    space = (
        search.Choice("passes", (1, 3), whole=True),
        search.Choice("features.harmonics", (0, 2), whole=True),
    )
    monkeypatch.setattr(search, "SPACE", space)

    def look(trials, minutes=None):
        w = workspace.open(chain, clock=lambda: WEDNESDAY)
        request = Request(windows=2, horizons=(1,), segments=("east/*",))
        return search.search(w, request, trials=trials, minutes=minutes, progress=Silent(), actor="ann")

    stopped = look(3, minutes=1e-9)
    assert stopped.out_of_time
    assert len(stopped.trials) == 1
    whole = look(3)
    assert whole.resumed == 1
    assert whole.trials[0] == stopped.trials[0]
    assert whole.best.mape == min(trial.mape for trial in whole.trials) <= whole.present
    again = look(3)
    assert again.trials == whole.trials
    kept = experiments.kept(opened(chain, WEDNESDAY), "search")
    assert [one.id for one in kept] == [whole.id]
