"""A lake and models from an earlier version go on: what is new is filled in, and what no longer fits says so."""

from dataclasses import replace
from datetime import date

import pytest

from fleetcast import workspace
from fleetcast.conditioning.places import UNCLUSTERED
from fleetcast.conditioning.stage import derive
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import MEMBERSHIP, Contract, Table
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design
from fleetcast.fleet import explanations
from fleetcast.fleet.plan import plan
from fleetcast.lake import Lake
from fleetcast.testing.kiosks import LAST, opened

SEGMENT = "north-texas/large/fast"


class Older(Contract):
    """The segments table before segments could be keyed by cluster."""

    store: str
    product: str
    region: str
    store_format: str
    mover: str
    valid_from: date


BEFORE = Table(MEMBERSHIP.name, Older, MEMBERSHIP.key, MEMBERSHIP.dated)


def test_segments_from_before_there_were_clusters_are_read_and_become_unclustered(chain):
    w = opened(chain)
    older = Lake(w.lake.root, {BEFORE.name: BEFORE})
    rows = w.lake.read(MEMBERSHIP).drop("cluster").with_columns(valid_from=LAST - WEEK)
    older.rebuild(BEFORE)
    older.replace(BEFORE, rows.select(BEFORE.columns))

    assert len(plan(opened(chain))) == 4
    derive(opened(chain).lake, cutoff=LAST, settings=w.settings)
    found = opened(chain).lake.read(MEMBERSHIP)
    assert found["cluster"].unique().to_list() == [UNCLUSTERED]
    assert found["valid_from"].unique().to_list() == [LAST - WEEK]  # nobody moved


def test_a_model_that_is_unfit_for_the_features_of_today_says_what_to_do(retailer):
    settings = retailer / "fleetcast.toml"
    text = settings.read_text("utf-8")
    settings.write_text(f"{text}\n[training.features]\nlags = [0, 1]\n", "utf-8")
    w = workspace.open(retailer)
    with pytest.raises(
        UsageError, match=r"cannot be taken apart on the features of today(?s:.*)`fleetcast run`"
    ):
        explanations.segment_explained(w, SEGMENT)


def test_a_model_that_an_earlier_version_laid_out_otherwise_says_what_to_do(finished_retailer):
    w = workspace.open(finished_retailer)
    of = explanations.desk(w, SEGMENT)
    paths = {
        loss: replace(path, newcomer=path.newcomer[:, :1]) for loss, path in of.fitted.linear.paths.items()
    }
    older = replace(of, fitted=replace(of.fitted, linear=replace(of.fitted.linear, paths=paths)))
    ahead = Design.of(of.panel, w.settings.training.features, w.settings.covariates).ahead(rows=of.rows)
    with pytest.raises(UsageError, match="an earlier version"):
        explanations.taken_apart(older, ahead, ahead, functional="median")
