"""Which model a young segment starts from."""

from datetime import UTC, date, datetime

import pytest

from fleetcast.domain.segment import Segment
from fleetcast.domain.week import WEEK
from fleetcast.fleet.ancestry import chains, donors
from fleetcast.registry.models import ModelVersion

WEEK_47 = date(2026, 11, 16)
KEYS = ("region", "store_format", "mover")
NAMES = ("east/large/fast", "east/large/slow", "north/large/fast", "west/large/fast")
SEGMENTS = [Segment.parse(name, KEYS) for name in NAMES]
NEW = "west/large/fast"


def version(
    segment, *, rows=1000, weeks=80, recipe="weekly-1", cutoff=WEEK_47 - WEEK, state="promoted", **lineage
):
    facts = {"recipe": recipe, "partition": segment.split("/")[0], "cutoff": str(cutoff), "chain": "chain"}
    return ModelVersion(
        name=f"dev/{segment}/2026w46-1",
        state=state,
        segment=segment,
        kind="ensemble",
        artefact="0" * 64,
        key=segment,
        lineage={**facts, "weeks": weeks, "rows": {"fitted": rows}, **lineage},
        verdict={},
        trained_at=datetime(2026, 11, 18, tzinfo=UTC),
        updated_at=datetime(2026, 11, 18, tzinfo=UTC),
    )


def chosen(versions, **named):
    found = donors(versions, SEGMENTS, named=named, partition="region", recipe="weekly-1", week=WEEK_47)
    return found[NEW].segment if NEW in found else None


EAST, SLOW, NORTH = (
    version("east/large/fast"),
    version("east/large/slow", rows=9000),
    version("north/large/fast", rows=2000),
)


def test_it_is_the_largest_of_its_kind_in_another_region():
    assert chosen([EAST, SLOW, NORTH]) == "north/large/fast"
    assert chosen([NORTH, SLOW, EAST]) == "north/large/fast"


def test_the_one_that_is_named_comes_first():
    assert chosen([EAST, SLOW, NORTH], **{NEW: "east/large/slow"}) == "east/large/slow"


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param({"state": "refused"}, id="refused by its gate"),
        pytest.param({"weeks": 51}, id="young itself"),
        pytest.param({"recipe": "weekly-2"}, id="of other code"),
        pytest.param({"recipe": "weekly-1 from east/large/fast"}, id="transferred itself"),
        pytest.param({"cutoff": WEEK_47}, id="of this very week"),
    ],
)
def test_nobody_who_is_unfit_lends_anything(unfit):
    assert chosen([EAST, version("north/large/fast", rows=2000, **unfit)]) == "east/large/fast"
    assert chosen([version("north/large/fast", **unfit)], **{NEW: "north/large/fast"}) is None


def test_one_that_serves_without_its_pool_lends_and_is_gone_on_from_like_any_other():
    alone = version("north/large/fast", rows=2000, recipe="weekly-1 alone")
    assert chosen([EAST, alone]) == "north/large/fast"
    assert chains([alone], recipe="weekly-1", week=WEEK_47)["north/large/fast"].recipe == "weekly-1"


def test_without_partitions_it_differs_in_the_first_key():
    found = donors([EAST, SLOW], SEGMENTS, named={}, partition=None, recipe="weekly-1", week=WEEK_47)
    assert found[NEW].segment == "east/large/fast"


def test_a_chain_says_which_rounds_it_stands_on():
    young = version(NEW, recipe="weekly-1 from east/large/fast")
    found = chains(
        [EAST, young, version("north/large/fast", recipe="weekly-12")], recipe="weekly-1", week=WEEK_47
    )
    assert {name: chain.recipe for name, chain in found.items()} == {
        "east/large/fast": "weekly-1",
        NEW: "weekly-1 from east/large/fast",
    }


def test_the_rounds_of_a_refused_model_are_gone_on_from_and_its_network_is_not():
    refused = version("north/large/fast", state="refused")
    found = chains([EAST, refused], recipe="weekly-1", week=WEEK_47)
    assert {name: chain.refused for name, chain in found.items()} == {
        "east/large/fast": False,
        "north/large/fast": True,
    }
