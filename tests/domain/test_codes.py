import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain.codes import codes, names

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
