"""How alike two trainings are, and where they first differ: any field of any record, any number of any model."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain.models import Dumped
from fleetcast.fleet.reproduction import (
    METRIC,
    STRENGTH,
    Made,
    compared,
    first_difference,
    reaches,
    tolerated,
)

LEAVES = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_infinity=False) | st.text(max_size=4)
)
NAMES = st.text("abcdefgh/", min_size=1, max_size=6)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
RECORDS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)


def parts(plain=1.0, hidden=0.5, quantile=2.0, meta=3.0):
    return {
        "north/fast": Dumped(
            "weekly",
            {
                "linear/squared.plain": np.array([plain, -2.0]),
                "net/0.hidden": np.array([[hidden]], np.float32),
            },
            {"ceiling": meta, "names": ["level"]},
        ),
        "north/fast#intervals": Dumped("intervals", {"q0.9": np.array([quantile])}, {}),
    }


def made(record=None, mape=0.3, **numbers):
    return Made({"seed": 7} if record is None else record, parts(**numbers), mape)


def leaves(value, path=()):
    """Every place in a JSON value where something stands."""
    if isinstance(value, dict | list) and value:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def written(path):
    """A place as a difference names it."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def changed(value, path):
    """The value with something else at a place."""
    value = copy.deepcopy(value)
    *way, last = path
    at = value
    for key in way:
        at = at[key]
    at[last] = "changed" if at[last] != "changed" else "once more"
    return value


@given(RECORDS)
def test_a_record_is_bit_for_bit_itself(record):
    likeness = compared(made(record), made(copy.deepcopy(record)))
    assert (likeness.level, likeness.first, likeness.mape_change) == ("R1", None, 0.0)


@given(RECORDS, st.data())
def test_whichever_single_field_is_changed_is_named(record, data):
    path = data.draw(st.sampled_from(list(leaves(record))))
    found = first_difference(record, changed(record, path))
    assert found.field == written(path)
    assert found.found in ("changed", "once more")


@given(RECORDS, st.data())
def test_whichever_single_field_is_taken_away_is_named(record, data):
    path = data.draw(st.sampled_from([path for path in leaves(record) if path]))
    less = copy.deepcopy(record)
    at = less
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    found = first_difference(record, less)
    assert found is not None
    assert written(path).startswith(found.field) or found.field.startswith(written(path[:-1]))


@given(st.integers(0, 1), st.integers(0, 63))
def test_whichever_single_bit_of_a_model_is_flipped_is_named(place, bit):
    other = parts()
    array = other["north/fast"].arrays["linear/squared.plain"]
    array.view(np.uint64)[place] ^= np.uint64(1 << bit)
    likeness = compared(made(), Made({"seed": 7}, other, 0.3))
    assert likeness.level != "R1"
    assert likeness.first.field == f"north/fast.linear/squared.plain[{place}]"


@pytest.mark.parametrize("number", ["plain", "hidden", "quantile", "meta"])
@given(st.floats(0.0, 4.0))
def test_numbers_are_near_up_to_their_tolerance_and_no_further(number, by):
    array = {"plain": "linear/squared.plain", "hidden": "net/0.hidden"}.get(number, "q0.9")
    value = {"plain": 1.0, "hidden": 0.5, "quantile": 2.0, "meta": 3.0}[number]
    level = compared(made(mape=None), made(mape=None, **{number: value + by * tolerated(array)})).level
    if by <= 0.9:
        assert level in ("R1", "R2")
    elif by >= 1.1 * (1 + value):
        assert level is None


def test_other_numbers_that_are_as_accurate_are_r3_and_the_difference_is_said():
    likeness = compared(made(), made(plain=1.2, mape=0.3004))
    assert likeness.level == "R3"
    assert math.isclose(likeness.mape_change, 0.0004, abs_tol=1e-12)
    assert compared(made(), made(plain=1.2, mape=0.3 + 2 * METRIC)).level is None


def test_a_record_that_says_otherwise_is_not_reproduced_whatever_its_numbers():
    likeness = compared(made({"seed": 8}, mape=None), made({"seed": 7}, mape=None))
    assert (likeness.level, likeness.first.field) == (None, "seed")


def test_a_part_that_is_missing_a_kind_and_a_shape_are_differences():
    less = dict(list(parts().items())[:1])
    assert compared(made(), Made({"seed": 7}, less)).first.field == "north/fast#intervals"
    other = parts() | {"north/fast#intervals": Dumped("averages")}
    assert compared(made(), Made({"seed": 7}, other)).first.field == "north/fast#intervals.kind"
    wide = parts() | {"north/fast#intervals": Dumped("intervals", {"q0.9": np.array([2.0, 2.0])})}
    assert compared(made(), Made({"seed": 7}, wide)).first.field == "north/fast#intervals.q0.9"


@given(st.sampled_from(STRENGTH), st.sampled_from(STRENGTH))
def test_a_level_reaches_itself_and_all_weaker_ones(level, asked):
    assert reaches(level, asked) or reaches(asked, level)
    assert reaches(level, asked) == (STRENGTH.index(level) <= STRENGTH.index(asked))
