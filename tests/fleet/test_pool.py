"""The recipe `weekly-pooled` through the weeks: the pool is a model version of its own that lends its members."""

import shutil
from dataclasses import replace

import polars as pl
import pytest

from fleetcast.domain.models import Dumped
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ROUNDS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import doctor, plan, releases
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.status import status
from fleetcast.registry.manifest import Reference, inherit
from fleetcast.registry.models import Challenger
from fleetcast.registry.packs import pack, unpack
from fleetcast.settings import RetrainingSettings
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    damage_artefact,
    kiosks,
    opened,
    run_week,
    write_workspace,
)

POOLED = SETTINGS.replace(
    "net_members = 0", 'net_members = 0\npool_net_members = 0\nrecipe = "weekly-pooled"'
)
SELDOM = POOLED.replace("[execution]", "[retraining]\nevery_weeks = 30\n\n[execution]")
FAST, SLOW, POOL = "east/large/fast", "east/large/slow", "east/pool"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Both regions after the week before the last one; their models then serve for thirty weeks."""
    folder = write_workspace(tmp_path_factory.mktemp("pooled") / "chain", kiosks(weeks=50), settings=SELDOM)
    run_week(folder, week=LAST - WEEK)
    return folder


@pytest.fixture
def chain(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "chain")


def every_week(folder):
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace("every_weeks = 30", "every_weeks = 1"), "utf-8")


def pools(w, segment=POOL):
    return [version for version in w.registry.models.list() if version.segment == segment]


def score(folder):
    for only in ("condition", "score"):
        run_cycle(opened(folder), only=only, progress=Silent(), actor="test")


def test_every_member_names_its_pool_which_is_promoted_with_it(finished):
    w = opened(finished)
    live = w.registry.releases.current().manifest
    (pool,) = pools(w)
    assert (pool.name, pool.kind, pool.state) == ("dev/east/pool/2026w45-1", "pool", "promoted")
    assert {live.members[segment].pool.model for segment in (FAST, SLOW)} == {pool.name}
    assert pool.artefact in live.artefacts
    assert pool.lineage["segments"] == [FAST, SLOW]
    assert sum(pool.lineage["rows"].values()) == 2 * pool.lineage["rows"]["conditioned"]
    assert w.registry.models.get(live.members[FAST].model).lineage["pool"] == pool.name
    shown = releases.view(w)
    assert {member.pool for member in shown.members} == {"dev/east/pool/2026w45-1", "dev/west/pool/2026w45-1"}


def test_a_damaged_pool_leaves_the_segments_own_members_to_forecast_and_is_said(chain):
    w = opened(chain)
    damage_artefact(w, pools(w)[0].artefact)
    score(chain)
    rows = w.lake.read(COMPLETENESS, where=pl.col("cycle") == LAST)
    said = rows.with_columns(pl.col("store").str.head(4)).select("store", "state", "reason").unique()
    assert sorted(said.rows()) == [("east", "champion", "without_pool"), ("west", "champion", "ok")]
    assert w.lake.read(FORECASTS, where=pl.col("cycle") == LAST).height == 32
    answer = status(opened(chain))
    assert (answer["failover"]["champion"], answer["without_pool"]) == (16, 8)
    assert not next(check for check in doctor.examine(opened(chain)) if check.name == "release").well


def test_a_pool_that_does_not_fit_today_s_features_is_left_out(chain):
    w = opened(chain)
    live = w.registry.releases.current()
    (pool,) = pools(w)
    model = unpack(w.bank.get(pool.artefact))[pool.key]
    linear = {**model.meta["linear"], "names": ["old feature"] * len(model.meta["linear"]["names"])}
    odd = Dumped(model.kind, model.arrays, {**model.meta, "linear": linear})
    (unfit,) = w.registry.models.register(
        [
            Challenger(
                POOL,
                "pool",
                w.bank.put(pack({POOL: odd})),
                POOL,
                pool.lineage,
                {},
                pool.trained_at,
                pool.updated_at,
            )
        ],
        cutoff=LAST - WEEK,
        actor="test",
    )
    member = replace(live.manifest.members[FAST], pool=Reference.to(unfit))
    made = inherit(replace(live.manifest, members={FAST: member}, baselines={}, verdicts={}), live)
    cut = w.registry.releases.cut(made, actor="test")
    w.registry.releases.promote(cut.id, actor="test", reason="test", expected=live.id)
    score(chain)
    rows = opened(chain).lake.read(COMPLETENESS, where=pl.col("cycle") == LAST)
    said = rows.filter(pl.col("store").str.starts_with("east")).select("segment", "state", "reason").unique()
    assert sorted(said.rows()) == [(FAST, "champion", "without_pool"), (SLOW, "champion", "ok")]


def test_a_damaged_pool_is_made_anew_with_all_segments_of_its_partition(chain):
    damage_artefact(opened(chain), pools(opened(chain))[0].artefact)
    run_cycle(opened(chain), only="condition", progress=Silent(), actor="test")
    reasons = {decision.segment: decision.reason for decision in plan.plan(opened(chain))}
    assert reasons[FAST] == reasons[SLOW] == "the pool of its partition is damaged"
    assert reasons["west/large/fast"].startswith("up to date")
    report = run_week(chain)
    w = opened(chain)
    assert [pool.name for pool in pools(w)] == ["dev/east/pool/2026w45-1", "dev/east/pool/2026w46-1"]
    assert len(pools(w, "west/pool")) == 1
    assert w.registry.releases.current().manifest.members[FAST].pool.model == "dev/east/pool/2026w46-1"
    assert report.without_pool == 0


def test_training_some_segments_borrows_the_pool_there_is_and_never_makes_it_anew(chain):
    w = opened(chain)
    lose_model(w, FAST)
    run_week(chain)
    w = opened(chain)
    live = w.registry.releases.current().manifest
    assert (live.kind, len(pools(w))) == ("partial", 1)
    assert "2026w46" in live.members[FAST].model
    assert "2026w45" in live.members[SLOW].model
    assert live.members[FAST].pool == live.members[SLOW].pool
    lineage = w.registry.models.get(live.members[FAST].model).lineage
    assert lineage["pool"] == "dev/east/pool/2026w45-1"
    assert lineage["pools"] == {str(LAST): str(LAST - WEEK)}  # what had been trained by then, a week before
    (change,) = releases.changes(w, *w.registry.releases.list())
    assert change.after.pool == "dev/east/pool/2026w45-1"


def lose_model(w, segment):
    """A newer version of a segment's model, whose artefact is damaged at once: its plan is to be trained."""
    live = w.registry.releases.current().manifest
    before = w.registry.models.get(live.members[segment].model)
    artefact = w.bank.put(b"a model that will not be read")
    challenger = Challenger(
        segment,
        "ensemble",
        artefact,
        segment,
        {**before.lineage, "chain": None},
        {},
        before.trained_at,
        before.updated_at,
    )
    w.registry.models.register([challenger], cutoff=LAST - WEEK, actor="test")
    damage_artefact(w, artefact)


def test_the_same_week_again_registers_nothing_anew(chain):
    before = [version.name for version in opened(chain).registry.models.list()]
    assert run_week(chain, week=LAST - WEEK).unchanged
    assert [version.name for version in opened(chain).registry.models.list()] == before


def test_the_next_week_s_pool_goes_on_from_this_week_s(chain):
    every_week(chain)
    run_week(chain)
    w = opened(chain)
    first, second = pools(w)
    assert second.lineage["parent"] == first.name
    assert second.lineage["warm_starts"] == first.lineage["warm_starts"] + 1
    assert second.trained_at == first.trained_at  # its networks began there
    shared = first.lineage["rounds"].keys() & second.lineage["rounds"].keys()
    assert len(shared) == 4 + 1  # the pool of the week before lent to its own round
    assert all(first.lineage["rounds"][origin] == second.lineage["rounds"][origin] for origin in shared)
    assert (first.state, second.state) == ("retired", "promoted")
    # the week before stays as it was judged: every round is made once
    stream = w.lake.read(ROUNDS)
    assert stream.filter(pl.struct(ROUNDS.key).is_duplicated()).is_empty()
    assert stream["origin"].n_unique() == 4 + 1 + 2  # judged, waiting, and of two weeks


def test_a_rollback_brings_the_pool_back_with_its_segments(chain):
    every_week(chain)
    run_week(chain)
    releases.rollback(opened(chain), None, actor="test", reason="odd")
    assert [pool.state for pool in pools(opened(chain))] == ["promoted", "retired"]
    score(chain)
    rows = opened(chain).lake.read(COMPLETENESS, where=pl.col("cycle") == LAST)
    assert set(rows["reason"]) == {"ok"}


def test_a_slower_cadence_counts_the_pool_s_weeks_too():
    """Else segments trained in different weeks would never be trained together, and their pool never again."""
    model = plan.Trained(LAST, LAST - WEEK, "code", "snapshot", "data", pool=LAST - 4 * WEEK)
    settings = RetrainingSettings(every_weeks=4)
    (decision,) = plan.decide(
        [FAST], {FAST: model}, cutoff=LAST, code="code", data={FAST: "data"}, today=LAST, settings=settings
    )
    assert decision.retrain
    assert decision.reason == "weekly timer: its pool has seen data up to 2026-10-12"


@pytest.mark.slow
def test_worker_processes_leave_the_same_pools_as_one_process(tmp_path):
    outcomes = []
    for engine in ('"serial"', '"processes"\nworkers = 2'):
        folder = write_workspace(
            tmp_path / engine[1:7], kiosks(stores=1, weeks=50), settings=POOLED.replace('"serial"', engine)
        )
        run_week(folder)
        w = opened(folder)
        versions = {
            version.name: (version.artefact, version.lineage.get("rounds"))
            for version in w.registry.models.list()
        }
        outcomes.append((versions, w.registry.releases.current().manifest.members))
    assert outcomes[0] == outcomes[1]
