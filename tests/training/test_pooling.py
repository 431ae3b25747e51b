"""Training with a pool: who lends what to whom, and what becomes of the segments when there is none."""

import json
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from fleetcast.domain.tables import ROUNDS
from fleetcast.domain.week import WEEK
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.lake.history import read_history
from fleetcast.testing.kiosks import LAST, SETTINGS, kiosks, opened, write_workspace
from fleetcast.training.pooling import Pools
from fleetcast.training.stage import train
from fleetcast.training.task import Pooling, PoolVersion, TrainingTask

FAST, SLOW = "east/large/fast", "east/large/slow"
POOLED = SETTINGS.replace(
    "net_members = 0", 'net_members = 0\npool_net_members = 0\nrecipe = "weekly-pooled"'
)
FITS = Pooling(True, None)


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory):
    folder = write_workspace(
        tmp_path_factory.mktemp("kiosks") / "chain", kiosks(regions=("east",), weeks=50), settings=POOLED
    )
    w = opened(folder)
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    snapshot = w.lake.snapshot(w.tables.values())
    history = read_history(w.lake, snapshot, partition="east", cutoff=LAST, covariates=w.covariates)
    return w, snapshot, history


def trained(conditioned, pooling, *, segments=(FAST, SLOW), history=None, settings=None):
    w, snapshot, whole = conditioned
    output = train(
        TrainingTask("east", segments, LAST, "weekly-pooled-1", pooling=pooling),
        history or whole,
        w.tables,
        demand_version=snapshot["demand"],
        settings=settings or w.settings,
        lake=w.lake,
        bank=w.bank,
    )
    rounds = w.lake.read(ROUNDS).filter(pl.col("segment").is_in(segments))
    return json.loads(w.bank.get(output)), rounds


@pytest.fixture(scope="module")
def whole(conditioned):
    return trained(conditioned, FITS)


def version(record, **changes):
    """The pool of a record, as it would be registered."""
    fitted = record["pool"]["fitted"]
    made = PoolVersion(
        "dev/east/pool/2026w46-1",
        LAST,
        record["pool"]["pack"],
        fitted["key"],
        fitted["chain"],
        fitted["rounds"],
    )
    return replace(made, **changes)


def test_a_pool_lends_to_a_round_only_what_was_trained_by_then():
    pools = Pools({LAST - 3 * WEEK: "old", LAST - WEEK: "new"})
    assert [pools.at(LAST - back * WEEK) for back in (4, 3, 2, 1, 0)] == [None, "old", "old", "new", "new"]


def test_every_round_is_lent_the_pool_of_its_own_origin(whole):
    record, rounds = whole
    origins = sorted(map(str, rounds["origin"].unique()))
    assert list(record["pool"]["fitted"]["rounds"]) == origins
    for segment in record["segments"]:
        assert segment["pools"] == {origin: origin for origin in [*origins, str(LAST)]}


def test_every_round_is_forecast_with_the_pool_and_alone(whole):
    record, rounds = whole
    forms = {"pooled": "weekly-pooled-1", "alone": "weekly-pooled-1 alone"}
    assert [made["forms"] for made in record["segments"]] == [forms] * 2
    assert rounds.group_by("recipe").len().sort("recipe").rows() == [
        (recipe, rounds.height // 2) for recipe in forms.values()
    ]


def test_a_segment_trained_alone_with_the_stored_pool_is_the_one_of_the_whole_training(conditioned, whole):
    record, rounds = trained(conditioned, Pooling(False, version(whole[0])), segments=(FAST,))
    assert record["pool"] == {"lent": "dev/east/pool/2026w46-1"}
    assert record["segments"] == [made for made in whole[0]["segments"] if made["segment"] == FAST]
    assert rounds.equals(whole[1].filter(segment=FAST))


def test_the_order_of_segments_changes_nothing(conditioned, whole):
    record, rounds = trained(conditioned, FITS, segments=(SLOW, FAST))
    assert rounds.equals(whole[1])
    assert record["pool"] == whole[0]["pool"]
    assert sorted(record["segments"], key=lambda made: made["segment"]) == whole[0]["segments"]


def test_rounds_whose_pool_is_lost_are_lent_an_older_one_and_the_oldest_none(conditioned, whole):
    first, second, third, fourth, fifth, _ = sorted(version(whole[0]).rounds)
    left = {origin: version(whole[0]).rounds[origin] for origin in (second, fourth)}
    lent = Pooling(False, version(whole[0], rounds=left | {third: "0" * 64}))
    record, _ = trained(conditioned, lent, segments=(FAST,))
    (made,) = record["segments"]
    expected = {second: second, third: second, fourth: fourth, fifth: fourth, str(LAST): str(LAST)}
    assert made["pools"] == expected
    assert first not in made["pools"]


def test_a_pool_of_an_earlier_week_lends_to_rounds_after_it_and_to_none_before(conditioned, whole):
    origins = [date.fromisoformat(origin) for origin in sorted(version(whole[0]).rounds)]
    old = version(whole[0], cutoff=origins[2], rounds={})
    record, _ = trained(conditioned, Pooling(False, old), segments=(FAST,))
    (made,) = record["segments"]
    assert made["pools"] == {str(origin): str(origins[2]) for origin in (*origins[2:], LAST)}


@pytest.mark.parametrize(
    ("pooling", "why"),
    [
        pytest.param(Pooling(False, None), "no pool of this recipe yet", id="none yet"),
        pytest.param("damaged", "is missing", id="damaged"),
    ],
)
def test_without_a_pool_segments_are_trained_alone_and_the_record_says_why(conditioned, whole, pooling, why):
    if pooling == "damaged":
        pooling = Pooling(False, version(whole[0], artefact="0" * 64))
    record, rounds = trained(conditioned, pooling)
    assert why in record["pool"]["failed"]
    assert [made["pools"] for made in record["segments"]] == [{}, {}]
    assert [made["forms"] for made in record["segments"]] == [{"alone": "weekly-pooled-1 alone"}] * 2
    assert rounds.drop("mape", "median", "mean").equals(whole[1].drop("mape", "median", "mean"))
    assert not rounds["mape"].equals(whole[1]["mape"])


def test_a_pool_that_did_not_see_every_row_is_not_fitted(conditioned):
    """The rows of one segment are lost: it fails, the other is trained, and alone."""
    history = conditioned[2]
    lost = history.deliveries.filter((pl.col("product") != "00001") | (pl.col("store") != "east-1"))
    record, _ = trained(conditioned, FITS, history=replace(history, deliveries=lost))
    assert "does not close" in record["pool"]["failed"]
    assert list(record["failed"]) == [SLOW]
    assert [made["segment"] for made in record["segments"]] == [FAST]


def test_a_pool_whose_chain_is_lost_is_made_again_from_its_oldest_round(conditioned, whole):
    record, rounds = trained(conditioned, Pooling(True, version(whole[0], artefact="0" * 64)))
    assert record["pool"] == whole[0]["pool"]
    assert rounds.equals(whole[1])


@pytest.mark.slow
def test_a_pool_has_networks_of_its_own(conditioned):
    training = conditioned[0].settings.training.model_copy(
        update={"pool_net_members": 1, "net_epochs": 1, "net_warm_epochs": 1}
    )
    settings = conditioned[0].settings.model_copy(update={"training": training})
    record, _ = trained(conditioned, FITS, settings=settings)
    assert record["failed"] == {}
    again, _ = trained(conditioned, Pooling(False, version(record)), settings=settings, segments=(SLOW,))
    assert again["segments"] == [made for made in record["segments"] if made["segment"] == SLOW]
