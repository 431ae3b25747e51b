"""Long-term models beside the short-term ones of a fleet: own horizons, own gate, own place in the release."""

import shutil
from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.reach import called
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ORDERS, ROUNDS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import explanations, plan, releases, reporting
from fleetcast.fleet.scorer import Scorer
from fleetcast.fleet.status import status
from fleetcast.fleet.what_if import Question
from fleetcast.testing.kiosks import LAST, SETTINGS, WEDNESDAY, kiosks, opened, run_week, write_workspace

LENIENT = "[gate]\nmape = 2.0\nbias = 0.9\nskill = -1.0\n\n[execution]"
NEAR = SETTINGS.replace("[execution]", LENIENT)
FAR = NEAR.replace("[gate]", "[long_term]\nhorizons = [13, 26]\nrounds = 4\n\n[gate]")
CHAIN = kiosks(stores=1, weeks=110)
FAST = "east/large/fast"
YEAR_AHEAD = FAST + "/long-term"


@pytest.fixture(scope="module")
def near(tmp_path_factory):
    """Short-term models only."""
    folder = write_workspace(tmp_path_factory.mktemp("near") / "chain", CHAIN, settings=NEAR)
    run_week(folder)
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same chain with long-term models beside them, and what its week reported."""
    folder = write_workspace(tmp_path_factory.mktemp("both") / "chain", CHAIN, settings=FAR)
    return folder, run_week(folder)


def short_term(rows):
    return rows.filter(pl.col("horizon") <= 2).drop("release", "model")


def test_every_active_series_has_one_row_for_each_week_of_both_reaches(both):
    w = opened(both[0])
    rows = w.lake.read(FORECASTS)
    wanted = reporting.active(w, LAST).join(pl.DataFrame({"horizon": [1, 2, 13, 26]}), how="cross")
    key = ["store", "product", "horizon"]
    assert sorted(rows.select(key).rows()) == sorted(wanted.select(key).rows())
    assert set(rows["failover"]) == {"champion"}
    assert set(w.lake.read(COMPLETENESS)["reason"]) == {"ok"}


def test_long_term_models_change_nothing_of_the_short_term_forecasts(near, both):
    alone, beside = (short_term(opened(folder).lake.read(FORECASTS)) for folder in (near, both[0]))
    assert alone.equals(beside)


def test_orders_are_made_from_the_short_term_forecasts_alone(both):
    w = opened(both[0])
    assert set(w.lake.read(ORDERS)["week"]) == {LAST + WEEK}


def test_each_segment_has_a_model_of_either_reach_in_one_release(both):
    w = opened(both[0])
    live = w.registry.releases.current().manifest
    assert {FAST, YEAR_AHEAD} < live.members.keys()
    assert live.reaching("long-term")[FAST].model == "dev/east/large/fast/long-term/2026w46-1"
    assert live.verdicts[YEAR_AHEAD]["metrics"]["rounds"] == 4
    recipes = {member.segment: member.model for member in releases.view(w).members}
    assert recipes[YEAR_AHEAD] == live.members[YEAR_AHEAD].model
    lineage = w.registry.models.get(live.members[YEAR_AHEAD].model).lineage
    assert lineage["recipe"] == w.recipe_of("long-term")
    assert lineage["code"] == w.code_of("long-term") != w.code


def test_the_rounds_of_either_reach_are_kept_beside_each_other(both):
    rounds = opened(both[0]).lake.read(ROUNDS)
    found = rounds.group_by("recipe").agg(pl.col("horizon").unique().sort()).sort("recipe")
    assert found["horizon"].to_list() == [[13, 26], [1, 2]]


def test_a_report_and_the_status_tell_of_the_long_term_apart(both):
    w, report = opened(both[0]), both[1]
    assert len(report.verdicts) == len(report.long_term.verdicts) == 4
    assert report.long_term.weeks == (LAST + 13 * WEEK, LAST + 26 * WEEK)
    assert report.series == report.long_term.series
    told = status(w)
    assert told["segments"]["ensembles"] == told["long_term"]["segments"]["ensembles"] == 4
    assert told["series"] == told["long_term"]["series"]


def test_without_long_term_models_nothing_is_said_of_them(near):
    assert status(opened(near))["long_term"] is None


def test_asking_for_the_long_term_trains_these_models_and_no_others(near, tmp_path):
    folder = shutil.copytree(near, tmp_path / "chain")
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace(NEAR.strip(), FAR.strip()), "utf-8")
    w = opened(folder)
    before = w.registry.releases.current().manifest.members
    chosen = [decision.segment for decision in plan.plan(w) if decision.retrain]
    assert chosen == [called(segment, "long-term") for segment in sorted(before)]
    report = run_week(folder)
    after = opened(folder).registry.releases.current().manifest
    assert {segment: after.members[segment] for segment in before} == before
    assert after.kind == "partial"
    assert report.long_term.series.published == 8


def test_a_long_term_model_over_its_gate_stops_nothing(tmp_path):
    strict = FAR.replace("mape = 2.0", "mape = 0.3").replace("skill = -1.0", "skill = 0.0")
    young = kiosks(stores=1, weeks=70)  # the rounds of 26 weeks ahead have next to nothing to learn from
    folder = write_workspace(tmp_path / "chain", young, settings=strict)
    report = run_week(folder)
    assert report.promoted
    assert report.passed == 4
    assert report.long_term.passed == 0
    assert report.series.published == report.long_term.series.published == 8
    assert report.failover["champion"] == report.long_term.failover["baseline"] == 8


def test_the_next_week_goes_on_with_both(both, tmp_path):
    folder = shutil.copytree(both[0], tmp_path / "chain")
    week = CHAIN["deliveries"].filter(pl.col("week") == LAST).with_columns(week=pl.lit(LAST + WEEK))
    week.write_csv(folder / "data" / "deliveries" / "second.csv")
    report = run_week(folder, WEDNESDAY + timedelta(weeks=1))
    assert report.cycle == LAST + WEEK
    live = opened(folder).registry.releases.current().manifest
    assert live.kind == "full"
    assert {member.model.rsplit("/", 1)[1] for member in live.members.values()} == {"2026w47-1"}


def test_a_store_that_closes_before_the_long_term_begins_has_no_row_in_it(tmp_path):
    closing = {
        **CHAIN,
        "stores": CHAIN["stores"].with_columns(
            closed=pl.when(pl.col("store") == "west-1").then(pl.lit(LAST + 4 * WEEK))
        ),
    }
    folder = write_workspace(tmp_path / "chain", closing, settings=FAR)
    report = run_week(folder)
    assert report.series.published == 8
    assert report.long_term.series.published == report.long_term.series.active == 4


def test_a_long_term_forecast_is_explained_under_its_models_name(both):
    w = opened(both[0])
    told = explanations.segment_explained(w, YEAR_AHEAD)
    assert (told.horizon, told.model) == (13, "dev/east/large/fast/long-term/2026w46-1")
    far = w.lake.read(FORECASTS).filter(pl.col("segment") == FAST, pl.col("horizon") > 2)
    assert told.forecasts == far.height
    for row in far.iter_rows(named=True):
        one = explanations.forecast_explained(w, YEAR_AHEAD, row["store"], row["product"], week=row["week"])
        assert one.forecast == pytest.approx(one.published, rel=1e-5)
        assert one.published == row["median"]


def test_under_the_segments_name_its_short_term_forecasts_are_explained(both):
    told = explanations.segment_explained(opened(both[0]), FAST)
    near = opened(both[0]).lake.read(FORECASTS).filter(pl.col("segment") == FAST, pl.col("horizon") <= 2)
    assert (told.horizon, told.forecasts) == (1, near.height)


def test_a_fleet_without_long_term_models_has_none_to_explain(near):
    with pytest.raises(UsageError, match=f"no segment '{YEAR_AHEAD}' is forecast; there are {FAST}"):
        explanations.segment_explained(opened(near), YEAR_AHEAD)


def test_a_question_about_next_year_is_answered_by_the_long_term_models_as_published(both):
    w = opened(both[0])
    rows = w.lake.read(FORECASTS).sort("store", "product", "week")
    question = Question(tuple(rows["store"].unique()), weeks=tuple(rows["week"].unique()))
    answer = Scorer(w).ask(question)
    assert [(row.model, row.forecast.median) for row in answer.rows] == rows.select("model", "median").rows()
