"""What is published when a released model turns out to be no good: nothing of it, and the next best instead."""

import copy
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.models import Dumped
from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.registry.manifest import Member, inherit
from fleetcast.registry.models import Challenger
from fleetcast.registry.packs import pack, unpack
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, run_week, write_workspace

FAST, SLOW = "east/large/fast", "east/large/slow"


@pytest.fixture(scope="module")
def first_week(tmp_path_factory):
    folder = write_workspace(tmp_path_factory.mktemp("kiosks") / "chain", kiosks(regions=("east",)))
    run_week(folder)
    return folder


@pytest.fixture
def chain(first_week, tmp_path):
    return shutil.copytree(first_week, tmp_path / "chain")


def release(folder, change):
    """Put a changed copy of the fast segment's model into a release, and make it live; its member there."""
    w = opened(folder)
    live = w.registry.releases.current()
    models = unpack(w.bank.get(live.manifest.members[FAST].artefact))
    model = models[FAST]
    models[FAST] = change(Dumped(model.kind, dict(model.arrays), copy.deepcopy(dict(model.meta))))
    lineage = w.registry.models.named([live.manifest.members[FAST].model]).popitem()[1].lineage
    challenger = Challenger(
        FAST, "ensemble", w.bank.put(pack(models)), FAST, lineage, {"passed": True}, WEDNESDAY, WEDNESDAY
    )
    (version,) = w.registry.models.register([challenger], cutoff=LAST, actor="test")
    member = Member.of(version, passed=True)
    partial = inherit(replace(live.manifest, members={FAST: member}, baselines={}, verdicts={}), live)
    made = w.registry.releases.cut(partial, actor="test")
    w.registry.releases.promote(made.id, actor="test", reason="test", expected=live.id)
    return live.manifest.members[FAST], member


def score(folder):
    run_cycle(opened(folder), only="score", progress=Silent(), actor="test")
    rows = opened(folder).lake.read(COMPLETENESS)
    states = {
        segment: rows.filter(pl.col("segment") == segment)["state", "reason"].unique().rows()
        for segment in (FAST, SLOW)
    }
    assert rows.height == 16
    return states, opened(folder).lake.read(FORECASTS, where=pl.col("segment") == FAST)


def a_thousandfold(model):
    smearing = model.meta["linear"]["smearing"]
    for horizon in smearing:
        smearing[horizon] *= 1000
    return model


def of_other_features(model):
    model.meta["linear"]["names"] = [f"old {name}" for name in model.meta["linear"]["names"]]
    return model


def without_numbers(model):
    arrays = {name: np.full_like(array, np.nan) for name, array in model.arrays.items()}
    return Dumped(model.kind, arrays, model.meta)


def of_another_kind(model):
    return Dumped("oracle", model.arrays, {"oracle": {}})


def test_forecasts_that_cannot_be_right_are_stopped_at_the_output_gate(chain):
    before, _ = release(chain, a_thousandfold)
    states, rows = score(chain)
    assert states == {FAST: [("last_known_good", "output_gate")], SLOW: [("champion", "ok")]}
    assert set(rows["model"]) == {before.model}
    assert rows["mean"].max() < 1000


def test_a_last_known_good_that_cannot_be_right_either_gives_way_to_the_baseline(chain):
    release(chain, a_thousandfold)
    release(chain, twice_that)
    states, rows = score(chain)
    assert states[FAST] == [("baseline", "output_gate")]
    assert rows["mean"].max() < 1000


def twice_that(model):
    smearing = model.meta["linear"]["smearing"]
    for horizon in smearing:
        smearing[horizon] *= 2
    return model


@pytest.mark.parametrize("change", [of_other_features, of_another_kind])
def test_a_model_that_does_not_fit_today_s_features_is_not_used(chain, change):
    before, _ = release(chain, change)
    states, rows = score(chain)
    assert states == {FAST: [("last_known_good", "not_loadable")], SLOW: [("champion", "ok")]}
    assert set(rows["model"]) == {before.model}


def test_a_forecast_that_is_no_number_is_never_published(chain):
    release(chain, without_numbers)
    states, rows = score(chain)
    assert states[FAST] == [("last_known_good", "output_gate")]
    assert rows.select(pl.col("median", "mean", "mape").is_finite().all()).row(0) == (True, True, True)
