"""Both sides are held against each other on the very same rows."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.shadow.rows import OURS, ROW, labelled, labels, paired, weekly

FIRST = date(2026, 9, 7)
SERIES = [("0001", "cola"), ("0001", "rye"), ("0002", "cola")]
CELLS = [
    (FIRST + timedelta(weeks=cycle), FIRST + timedelta(weeks=cycle + h), *series)
    for cycle in range(3)
    for h in (1, 2)
    for series in SERIES
]
some = st.lists(st.sampled_from(CELLS), unique=True)


def forecast(cells, units=8.0, order=8.0):
    frame = pl.DataFrame(
        cells, schema=dict.fromkeys(ROW[:2], pl.Date) | dict.fromkeys(ROW[2:], pl.String), orient="row"
    )
    return frame.with_columns(
        segment=pl.col("store"), release=pl.lit("live"), mape=units, median=units, mean=units, order=order
    )


def demand(weeks, units=10.0, *, censored=False, final=True):
    cells = [(week, *series) for week in weeks for series in SERIES]
    types = {"week": pl.Date, "store": pl.String, "product": pl.String}
    return pl.DataFrame(cells, schema=types, orient="row").with_columns(
        units=pl.lit(units, pl.Float64), lost=0.0, censored=censored, final=final
    )


WEEKS = [FIRST + timedelta(weeks=n) for n in range(1, 5)]


@settings(max_examples=30)
@given(published=some, shadow=some, known=st.lists(st.sampled_from(WEEKS), unique=True))
def test_champion_and_challenger_are_summed_over_the_rows_that_both_have_and_no_other(
    published, shadow, known
):
    pairs = paired(forecast(published), forecast(shadow, units=7.0))
    assert set(pairs.select(ROW).rows()) == set(published) & set(shadow)
    assert pairs.height == len(set(published) & set(shadow))

    rows = labelled(pairs, demand(known))
    assert rows.height == pairs.height  # labels neither add rows nor take any
    sums = weekly(rows)
    scored = [cell for cell in set(published) & set(shadow) if cell[1] in known]
    assert sums["n"].sum() == len(scored)
    assert sums["ae"].sum() == pytest.approx(2.0 * len(scored))
    assert sums["ae" + OURS].sum() == pytest.approx(3.0 * len(scored))


@settings(max_examples=15)
@given(shadow=some)
def test_what_a_challenger_leaves_out_is_counted_and_makes_it_no_better(shadow):
    rows = labelled(paired(forecast(CELLS), forecast(shadow)), demand(WEEKS))
    counts = labels(rows, published=len(CELLS))
    assert (counts.compared, counts.shared) == (len(shadow), len(shadow) / len(CELLS))


def test_a_sold_out_week_is_known_and_not_scored_and_an_open_one_is_not_final():
    pairs = paired(forecast(CELLS), forecast(CELLS))
    sold_out, provisional = demand(WEEKS[:1], censored=True), demand(WEEKS[1:2], final=False)
    rows = labelled(pairs, pl.concat([sold_out, provisional]))
    counts = labels(rows, published=len(CELLS))
    in_first, in_second = (sum(cell[1] == week for cell in CELLS) for week in WEEKS[:2])
    assert (counts.known, counts.final, counts.censored) == (in_first + in_second, in_first, in_first)
    assert weekly(rows)["n"].sum() == in_second
