import json

import pytest

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.trial import document
from fleetcast.trial.design import Plan, design


@pytest.fixture
def made(chain, origin):
    return design(chain.before, chain.stores, plan=Plan(weeks=8, without=("S003",)), origin=origin)


def test_a_design_is_read_as_it_was_written(made):
    text = document.written(made)
    assert document.read(text, name="trial.json") == made
    assert json.loads(text)["digest"] == document.digest(made)


def test_layout_is_not_content(made):
    compact = json.dumps(json.loads(document.written(made)), sort_keys=True)
    assert document.read(compact, name="trial.json") == made


def test_a_design_in_which_two_stores_were_swapped_is_not_believed(made):
    said = json.loads(document.written(made))
    pair = said["pairs"][0]
    pair["pilot"], pair["control"] = pair["control"], pair["pilot"]
    with pytest.raises(CorruptError, match=r"trial\.json is not as it was written"):
        document.read(json.dumps(said), name="trial.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "recipe"}', "week,store"])
def test_another_file_is_no_design(text):
    with pytest.raises(UsageError, match="is no design of a trial"):
        document.read(text, name="x.json")


def test_a_design_of_a_later_version_is_not_guessed_at():
    with pytest.raises(UsageError, match="schema 7"):
        document.read('{"kind": "fleetcast trial", "schema": 7}', name="x.json")


def test_the_roster_has_a_row_for_every_store(made):
    roster = document.roster(made)
    assert roster.columns == ["store", "arm", "pair", "stratum"]
    assert roster.height == 2 * len(made.pairs)
    assert roster["arm"].value_counts(sort=True)["count"].to_list() == [len(made.pairs)] * 2
