import json
from dataclasses import replace

import polars as pl
import pytest

from fleetcast.domain.tables import MEMBERSHIP, ROUNDS
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.lake.history import read_history
from fleetcast.registry.packs import unpack
from fleetcast.testing.kiosks import LAST, kiosks, opened, write_workspace
from fleetcast.training.stage import train
from fleetcast.training.task import TrainingTask

FAST, SLOW = "east/large/fast", "east/large/slow"


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory):
    folder = write_workspace(tmp_path_factory.mktemp("kiosks") / "chain", kiosks(regions=("east",)))
    w = opened(folder)
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    snapshot = w.lake.snapshot(w.tables.values())
    history = read_history(w.lake, snapshot, partition="east", cutoff=LAST, covariates=w.covariates)
    return w, snapshot, history


def trained(conditioned, *, history=None, segments=(FAST, SLOW)):
    w, snapshot, whole = conditioned
    output = train(
        TrainingTask("east", segments, LAST, "weekly-1"),
        history or whole,
        w.tables,
        demand_version=snapshot["demand"],
        settings=w.settings,
        lake=w.lake,
        bank=w.bank,
    )
    return json.loads(w.bank.get(output))


def test_the_training_ledger_of_every_segment_closes(conditioned):
    record = trained(conditioned)
    assert record["failed"] == {}
    for segment in record["segments"]:
        rows = segment["rows"]
        assert rows["conditioned"] == 4 * 60
        assert sum(rows.values()) == 2 * rows["conditioned"]
    # four rounds that are judged whole, one whose weeks are still open, and the training's own forecasts
    assert conditioned[0].lake.read(ROUNDS)["origin"].n_unique() == 4 + 1 + 1


def test_training_again_gives_the_same_models(conditioned):
    assert trained(conditioned) == trained(conditioned)


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(lambda rows: rows.filter(pl.col("store") != "east-1"), id="a store"),
        pytest.param(lambda rows: rows.filter(pl.col("week") > rows["week"].min()), id="the first week"),
        pytest.param(lambda rows: rows.sample(fraction=0.9, seed=1), id="one row in ten"),
    ],
)
def test_a_panel_that_lost_rows_on_the_way_trains_nothing(conditioned, lose):
    whole = conditioned[2]
    record = trained(conditioned, history=replace(whole, deliveries=lose(whole.deliveries)))
    assert record["segments"] == []
    assert set(record["failed"]) == {FAST, SLOW}
    assert all("does not close" in error for error in record["failed"].values())


def test_a_segment_that_cannot_be_trained_leaves_the_others(conditioned):
    record = trained(conditioned, segments=("east/huge/fast", FAST))
    assert list(record["failed"]) == ["east/huge/fast"]
    assert "too few" in record["failed"]["east/huge/fast"]
    assert [segment["segment"] for segment in record["segments"]] == [FAST]


def test_baselines_lie_in_an_artefact_of_their_own(conditioned):
    record = trained(conditioned)
    w = conditioned[0]
    models, baselines = (unpack(w.bank.get(record[name])) for name in ("pack", "baseline_pack"))
    assert sorted(baselines) == ["east/large#baseline", "east/large#baseline#intervals"]
    assert {FAST, f"{FAST}#intervals", f"{FAST}#chain"} <= set(models)


def test_a_series_that_moves_stands_in_one_segment_s_rounds_only(conditioned):
    w, _, whole = conditioned
    trained(conditioned)
    moved = whole.membership.with_columns(
        mover=pl.when(pl.col("product") == "00002").then(pl.lit("fast")).otherwise("mover")
    )
    record = trained(conditioned, history=replace(whole, membership=moved), segments=(FAST,))
    assert record["segments"][0]["rows"]["conditioned"] == 6 * 60
    stream = w.lake.read(ROUNDS)
    assert stream.filter(pl.struct(ROUNDS.key).is_duplicated()).is_empty()
    assert stream.filter(pl.col("product") == "00002")["segment"].unique().to_list() == [FAST]
    assert stream.height == (4 + 1 + 1) * 2 * 8


def test_membership_belongs_to_the_cutoff(conditioned):
    w, snapshot, _ = conditioned
    known = w.lake.read(MEMBERSHIP)
    assert known["valid_from"].unique().to_list() == [LAST]
    before = read_history(
        w.lake, snapshot, partition="east", cutoff=LAST.replace(day=2), covariates=w.covariates
    )
    assert before.membership.is_empty()
