"""What backtests, comparisons and searches look like on paper."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

from fleetcast.backtesting.comparing import Difference
from fleetcast.faces.cli import experiments, searches
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.backtests import BacktestReport
from fleetcast.fleet.search import SearchReport, Trial


def figures(contender, mape, **more):
    return {"contender": contender, "mape": mape, "skill": 0.4, "wape": 0.17, "bias": -0.005} | more


REPORT = BacktestReport(
    id="d4" * 32,
    name="weekly",
    week=date(2026, 11, 9),
    origins=(date(2026, 9, 7), date(2026, 9, 14)),
    horizons=(1, 2),
    segments=2,
    again=False,
    figures=[figures("weekly", 0.218), figures("weekly without weather", 0.221), figures("historical mean", 0.37)],
    by_segment=[
        {"segment": f"ohio/{form}", "contender": name, "mape": mape}
        for form in ("large", "small")
        for name, mape in (("weekly", 0.2), ("weekly without weather", 0.21), ("historical mean", 0.4))
    ],
    differences=[
        Difference("weekly", "weekly without weather", -0.0029, -0.0059, 0.0006, 900),
        Difference("weekly", "historical mean", -0.1522, -0.1789, -0.1207, 900),
    ],
    drivers=[
        {"without": "weather", "segment": "ohio/large", "first": "", "second": "", "value": 0.003, "low": 0.001,
         "high": 0.006, "n": 90}
    ],
    revisions=[{"contender": "weekly", "moved": 0.031}],
    young=[],
    explained=[],
    seconds=81.0,
)  # fmt: skip


def test_the_next_command_can_be_typed_as_it_stands(printed):
    text = printed(experiments.backtest(REPORT, None, Place("demo", "prod")))
    assert "fleetcast experiment compare d4d4d4d4d4d4 --workspace demo --env prod" in text


def test_a_difference_of_mapes_is_in_points(printed):
    text = printed(experiments.backtest(REPORT, None, Place()))
    assert "less this, points" in text
    assert "MAPE rises by, points" in text
    assert "−0.29 (−0.59 … +0.06)" in text


def test_coverage_that_nobody_knows_yet_takes_no_room(printed):
    assert "in 80 %" not in printed(experiments.backtest(REPORT, None, Place()))
    known = replace(REPORT, figures=[figures("weekly", 0.2, coverage80=0.81, coverage95=None)])
    assert "in 80 %" in printed(experiments.backtest(known, None, Place()))


def test_an_experiment_with_a_long_name_takes_one_line_and_says_when_in_which_zone(printed):
    kept = SimpleNamespace(
        id="ab" * 32, at=datetime(2026, 11, 26, 22, 41, tzinfo=UTC), actor="ann", kind="backtest",
        name="weekly · weekly (" + "features.harmonics=5, " * 9 + ")", summary={"figures": [figures("weekly", 0.18)]},
    )  # fmt: skip
    text = printed(experiments.listed([kept]), width=120)
    assert len(text.splitlines()) == 2
    assert "UTC" in text
    assert "…" in text


def searched(settings, **changes):
    trials = (Trial(0, {}, 0.18), Trial(1, settings, 0.17))
    found = SearchReport("id", "weekly", trials, trials[1], 0.18, None, 0, False, 9.0)
    return replace(found, **changes)


def test_settings_to_take_over_stand_as_toml_and_all_history_is_said_in_words(printed):
    text = printed(
        searches.searched(searched({"passes": 2, "window_weeks": None, "features.lags": (0, 1)}), "weekly")
    )
    assert "None" not in text
    assert "passes = 2" in text
    assert "# window_weeks: leave it out" in text
    assert "[training.features]\nlags = [0, 1]" in text.replace(" \n", "\n")


def test_a_winner_of_another_recipe_names_it(printed):
    found = searched({"passes": 2}, recipe="weekly-pooled")
    assert 'recipe = "weekly-pooled"' in printed(searches.searched(found, "weekly"))
    assert "recipe =" not in printed(searches.searched(found, "weekly-pooled"))


def test_a_search_of_settings_without_features_writes_no_empty_table(printed):
    assert "[training.features]" not in printed(searches.searched(searched({"passes": 2}), "weekly"))
