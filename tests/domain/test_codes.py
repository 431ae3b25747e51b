import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain import codes as module
from fleetcast.domain.codes import Places, categories, codes, distinct, names, pairs

TEXTS = st.lists(st.sampled_from(["a", "b", "ä", "", None]), max_size=8)


@given(TEXTS, st.sampled_from([1, 2, 4097]))
def test_texts_are_coded_by_their_place_whether_they_come_in_runs_or_not(texts: list[str | None], times: int):
    values = pl.Series([text for text in texts for _ in range(times)], dtype=pl.String)
    among = names([values, pl.Series(["z"])])
    assert among.to_list() == sorted({text for text in texts if text is not None} | {"z"})
    found = codes(values, among)
    assert among.gather(found[found >= 0]).to_list() == values.drop_nulls().to_list()
    assert (found < 0).tolist() == values.is_null().to_list()


@pytest.mark.parametrize("times", [1, 5000])
def test_a_text_that_is_none_of_them_has_no_place(times: int):
    values = pl.Series(["x", None, "a"] * times)
    assert codes(values, pl.Series(["a", "b"])).tolist() == [-1, -1, 0] * times


@given(TEXTS, TEXTS, TEXTS)
def test_categories_are_coded_as_their_texts_are(texts, expected, asked):
    values, among = pl.Series(texts, dtype=pl.String), names([pl.Series(asked, dtype=pl.String)])
    found = categories(values, pl.Series(expected, dtype=pl.String))
    assert found.cast(pl.String).equals(values)
    assert codes(found, among).tolist() == codes(values, among).tolist()
    assert names([found, values]).equals(names([values]))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, unique=True), st.booleans())
def test_pairs_are_found_in_a_table_and_without_one(chosen: list[tuple[int, int]], sparse: bool):
    wide = 1 << 22 if sparse else 7  # numbers too far apart for a table
    first, second = np.array(chosen, np.int32).T
    numbers = pairs(first, second, wide)
    assert (int(numbers.max()) > module._ROOM) == (sparse and any(f == 4 and s > 0 for f, s in chosen))
    kept = distinct([numbers, numbers[:1]])
    assert kept.tolist() == sorted(numbers.tolist())
    everything = pairs(*np.array([(f, s) for f in range(-1, 6) for s in range(-1, 7)], np.int32).T, wide)
    place = {number: n for n, number in enumerate(kept.tolist())}
    assert Places(kept).of(everything).tolist() == [place.get(number, -1) for number in everything.tolist()]
