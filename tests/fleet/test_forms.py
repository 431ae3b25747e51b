"""With the pool or alone, segment by segment: a neighbour that swings every week spoils the pool for one of them."""

import shutil

import polars as pl
import pytest

from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ROUNDS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import plan, releases
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.models import conformal
from fleetcast.registry.packs import unpack
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    damage_artefact,
    kiosks,
    opened,
    run_week,
    write_workspace,
)

SETTINGS = SETTINGS.replace(
    "net_members = 0", 'net_members = 0\npool_net_members = 0\nrecipe = "weekly-pooled"'
)
STEADY, SWINGING = "east/large/slow", "east/large/fast"
WEST = ("west/large/fast", "west/large/slow")
POOL = "dev/east/pool/2026w45-1"


def chain_with_a_swinging_segment():
    """Kiosks of whose products in the east two sell eight times as much in one week, and an eighth in the next."""
    frames = kiosks()
    number = (pl.col("week") - LAST).dt.total_days() // 7
    swing = pl.when(number % 2 == 0).then(8.0).otherwise(1 / 8)
    odd = pl.col("store").str.starts_with("east") & pl.col("product").is_in(["00001", "00002"])
    delivered = (pl.col("delivered") * pl.when(odd).then(swing).otherwise(1.0)).round()
    return frames | {"deliveries": frames["deliveries"].with_columns(delivered)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The chain after the week before the last one."""
    folder = tmp_path_factory.mktemp("forms") / "chain"
    write_workspace(folder, chain_with_a_swinging_segment(), settings=SETTINGS)
    run_week(folder, week=LAST - WEEK)
    return folder


@pytest.fixture
def chain(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "chain")


def live(w):
    return w.registry.releases.current().manifest


def change(folder, old, new):
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace(old, new), "utf-8")


def score(folder):
    for only in ("condition", "score"):
        run_cycle(opened(folder), only=only, progress=Silent(), actor="test")


def test_each_segment_is_released_in_the_form_that_its_rounds_speak_for(finished):
    members = live(opened(finished)).members
    lent = {segment: member.pool.model if member.pool else None for segment, member in members.items()}
    assert lent == {STEADY: None, SWINGING: POOL} | dict.fromkeys(WEST, "dev/west/pool/2026w45-1")
    assert all(member.passed and member.serving == "ensemble" for member in members.values())


def test_the_choice_stands_in_verdict_and_lineage_and_is_shown_with_both_figures(finished):
    w = opened(finished)
    model = w.registry.models.get(live(w).members[STEADY].model)
    choice = live(w).verdicts[STEADY]["choice"]
    assert choice == model.verdict["choice"]
    assert (choice["form"], choice["alone"] < choice["pooled"]) == ("alone", True)
    assert model.verdict["metrics"]["mape"] == pytest.approx(choice["alone"])
    assert (model.lineage["pool"], model.lineage["alone"]) == (None, choice["reason"])
    assert model.lineage["recipe"].endswith(" alone")
    shown = {member.segment: member for member in releases.view(w).members}
    assert shown[STEADY].reason == choice["reason"]
    assert shown[STEADY].reason.startswith("alone: MAPE 7.")
    assert shown[WEST[0]].reason.startswith("with the pool: MAPE ")


def test_both_forms_forecast_the_same_rows_of_the_same_rounds(finished):
    rounds = opened(finished).lake.read(ROUNDS).filter(segment=STEADY)
    pooled, alone = rounds.sort("recipe").partition_by("recipe", include_key=False)
    said = ["mape", "median", "mean"]
    assert pooled.drop(said).equals(alone.drop(said))
    assert not pooled["mape"].equals(alone["mape"])
    assert alone["mape"].equals(alone["lasso"], check_names=False)  # its own member, nothing else


def test_what_is_served_alone_needs_no_pool_and_knows_how_sure_it_is(chain):
    w = opened(chain)
    damage_artefact(w, live(w).members[SWINGING].pool.artefact)
    score(chain)
    w = opened(chain)
    rows = w.lake.read(COMPLETENESS, where=pl.col("cycle") == LAST).select("segment", "state", "reason")
    said = {segment: (state, reason) for segment, state, reason in rows.unique().iter_rows()}
    assert said == {STEADY: ("champion", "ok"), SWINGING: ("champion", "without_pool")} | dict.fromkeys(
        WEST, ("champion", "ok")
    )
    for segment in (
        STEADY,
        SWINGING,
    ):  # chosen to be alone, or left so: the intervals are those of the own members
        assert intervals_said(w, segment) == intervals_kept(w, segment, "intervals")
    assert intervals_said(w, WEST[0]) == intervals_kept(w, WEST[0], "intervals with pool")


def published(w, segment):
    return w.lake.read(FORECASTS, where=(pl.col("cycle") == LAST) & (pl.col("segment") == segment)).sort(
        "week", "store", "product"
    )


def intervals_said(w, segment):
    return published(w, segment)["q0.9"].round(6).to_list()


def intervals_kept(w, segment, name):
    member = live(w).members[segment]
    held = conformal.load(unpack(w.bank.get(member.artefact))[f"{segment}#{name}"])
    rows = published(w, segment).select("horizon", "mape", "median", group=pl.lit("news"))
    return held.apply(rows)["q0.9"].round(6).to_list()


def test_the_next_week_goes_on_from_one_chain_whichever_form_serves(chain):
    run_week(chain)
    w = opened(chain)
    for segment in (STEADY, SWINGING):
        first, second = [version for version in w.registry.models.list() if version.segment == segment]
        assert second.lineage["warm_starts"] == first.lineage["warm_starts"] + 1
        assert second.lineage["parent"] == first.name
    stream = w.lake.read(ROUNDS)
    assert stream.filter(pl.struct(ROUNDS.key).is_duplicated()).is_empty()
    origins = stream.group_by("segment", "recipe").agg(pl.col("origin").n_unique())["origin"]
    assert (
        origins.to_list() == [4 + 1 + 2] * 8
    )  # judged, waiting, and of two weeks; of two forms of four segments


def test_judging_again_chooses_the_same(chain):
    before = {name: verdict["choice"]["form"] for name, verdict in live(opened(chain)).verdicts.items()}
    assert run_week(chain, week=LAST - WEEK).unchanged
    change(chain, "[execution]", "[gate]\nbias = 0.16\n\n[execution]")
    assert not run_week(chain, week=LAST - WEEK).unchanged
    after = live(opened(chain))
    assert {name: verdict["choice"]["form"] for name, verdict in after.verdicts.items()} == before
    assert (after.members[STEADY].pool, after.members[SWINGING].pool is None) == (None, False)


def test_a_damaged_pool_is_made_anew_with_all_segments_whichever_form_serves(chain):
    change(chain, "[execution]", "[retraining]\nevery_weeks = 30\n\n[execution]")
    w = opened(chain)
    damage_artefact(w, live(w).members[SWINGING].pool.artefact)
    run_cycle(opened(chain), only="condition", progress=Silent(), actor="test")
    reasons = {decision.segment: decision.reason for decision in plan.plan(opened(chain))}
    assert reasons[STEADY] == reasons[SWINGING] == "the pool of its partition is damaged"
