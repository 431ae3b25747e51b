import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.pipelines.layout import Noted, document

keys = st.text(min_size=1, max_size=8).filter(lambda key: not key.startswith("#"))
scalars = st.text(max_size=20) | st.integers(-(10**9), 10**9) | st.booleans()
nodes = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).filter(lambda made: not any(isinstance(x, list) for x in made))
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(keys, nodes, min_size=1, max_size=5))
def test_what_is_laid_out_is_read_back_as_it_was(root):
    assert yaml.safe_load(document(root)) == root


def test_remarks_stand_before_a_key_or_behind_a_value_and_change_nothing():
    text = document(
        {"# first": "", "steps": [{"# why": "", "uses": Noted("a@b", "v1")}, "x"]}, about=("For you.",)
    )
    assert yaml.safe_load(text) == {"steps": [{"uses": "a@b"}, "x"]}
    assert [line.strip() for line in text.splitlines() if "#" in line][1:] == [
        "# For you.",
        "# first",
        "# why",
        "- uses: a@b # v1",
    ]
