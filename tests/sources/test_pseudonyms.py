import string

from hypothesis import given
from hypothesis import strategies as st

from fleetcast.sources.pseudonyms import Pseudonyms, Secret

KEYS = st.binary(min_size=16, max_size=32)
NAMES = st.sets(
    st.text(string.ascii_letters + string.digits + "-_ ", min_size=1, max_size=12), min_size=1, max_size=30
)


@given(KEYS, NAMES, NAMES)
def test_no_pseudonym_is_a_real_name_and_none_is_given_twice(key, stores, products):
    made = Pseudonyms.of(Secret(key, 1), {"store": stores, "product": products})
    for names in made.kinds.values():
        assert not set(names.values()) & (stores | products)
        assert len(set(names.values())) == len(names)


def test_a_pseudonym_has_the_shape_of_the_name():
    made = Pseudonyms.of(Secret(b"key", 1), {"store": ["TX-01", "north-texas"], "product": ["00042"]})
    first, second = made.of_kind("store").values()
    assert (first[2], len(first), first[:2].isupper(), first[3:].isdigit()) == ("-", 5, True, True)
    assert (second.islower(), len(second), second[5]) == (True, 11, "-")


def test_another_key_and_another_seed_give_other_names():
    names = {"store": [f"store-{n}" for n in range(20)]}
    drawn = [
        tuple(Pseudonyms.of(Secret(key, seed), names).of_kind("store").values())
        for key, seed in ((b"one", 1), (b"two", 1), (b"one", 2))
    ]
    assert len(set(drawn)) == 3
    assert drawn[0] == tuple(Pseudonyms.of(Secret(b"one", 1), names).of_kind("store").values())


@given(KEYS, st.floats(0, 1e6), st.floats(0, 1e6), st.text())
def test_rounding_keeps_the_order_of_two_values_of_one_thing(key, one, other, about):
    secret = Secret(key, 1)
    small, large = sorted((one, other))
    assert secret.rounded(small, about) <= secret.rounded(large, about)


@given(KEYS, st.text())
def test_a_hidden_factor_is_never_near_one(key, about):
    assert 1.19 < Secret(key, 1).factor(about) < 2.21


def test_where_all_names_of_a_shape_are_in_use_they_become_longer():
    digits = [str(n) for n in range(10)]
    made = Pseudonyms.of(Secret(b"key", 1), {"store": digits}).of_kind("store")
    assert not set(made.values()) & set(digits)
