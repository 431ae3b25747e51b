import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.notebooks.toml import changed
from fleetcast.domain.errors import UsageError

OWN = ("training", "features", "own")


def test_comments_and_order_stay_as_they_were():
    text = "schema = 1\n\n# how\n[training.features]  # all\nlags = [0]  # one\n\n[gate]\nmape = 0.4\n"
    assert changed(text, OWN, ["a"]) == text.replace("# all\n", '# all\nown = ["a"]\n')


def test_a_value_that_is_there_is_replaced_in_its_table_only():
    text = '[other]\nown = ["x"]\n[training.features]\nown = ["a"]\n'
    assert changed(text, OWN, ["a", "b"]) == '[other]\nown = ["x"]\n[training.features]\nown = ["a", "b"]\n'


def test_a_table_that_is_missing_is_put_at_the_end():
    assert changed("schema = 1\n", OWN, ["a"]) == 'schema = 1\n\n[training.features]\nown = ["a"]\n'


@pytest.mark.parametrize(
    "text", ["[training]\nfeatures = {lags = [0]}\n", '[training.features]\nown = [\n  "a",\n]\n']
)
def test_what_only_a_person_can_write_is_left_to_a_person(text):
    with pytest.raises(UsageError, match="by hand"):
        changed(text, OWN, ["a", "b"])


NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), max_size=3)
TABLES = st.lists(st.sampled_from(["[training]", "[training.features]", "[gate]", "[a.b]"]), unique=True)


@given(TABLES, NAMES)
def test_nothing_but_the_asked_key_changes(tables, names):
    text = "schema = 1\n" + "".join(f"{table}\nkey = 1 # why\n" for table in tables)
    made = tomllib.loads(changed(text, OWN, names))
    assert made["training"]["features"].pop("own") == names
    before = tomllib.loads(text)
    before.setdefault("training", {}).setdefault("features", {})
    assert made == before
