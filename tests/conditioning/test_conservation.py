from datetime import UTC, date, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.conditioning import references
from fleetcast.conditioning.conservation import Settled, settle
from fleetcast.conditioning.standard import Conditioned, Rule, sift
from fleetcast.domain.tables import DELIVERIES, RETURNS, Utc

KNOWN = datetime(2026, 11, 17, tzinfo=UTC)
TABLES = {"deliveries": DELIVERIES, "returns": RETURNS}

SCHEMA = {
    "line": pl.Int64,
    "week": pl.Date,
    "store": pl.String,
    "product": pl.String,
    "delivered": pl.Float64,
    "known_at": Utc,
}


def lines(*rows: tuple[str, float], known_at: datetime = KNOWN) -> pl.DataFrame:
    """Raw lines from 2 on: (store, units delivered) in one week, of one product."""
    week = date(2026, 11, 9)
    data = [(i, week, store, "cola", units, known_at) for i, (store, units) in enumerate(rows, start=2)]
    return pl.DataFrame(data, schema=SCHEMA, orient="row")


def settled(rows: pl.DataFrame) -> Settled:
    return settle(rows, Conditioned({"deliveries": rows}), TABLES)


def test_identical_duplicates_are_taken_once_and_counted():
    result = settled(lines(("0042", 5.0), ("0042", 5.0), ("0043", 1.0)))
    assert result.tables["deliveries"]["line"].to_list() == [2, 4]
    assert (result.balance.accepted, result.balance.duplicates) == (2, 1)
    assert result.balance.closes


def test_conflicting_duplicates_are_both_quarantined():
    result = settled(lines(("0042", 5.0), ("0042", 6.0), ("0043", 1.0)))
    assert result.quarantined.rows() == [
        (2, "conflict", "2 rows give 2 different values for one key"),
        (3, "conflict", "2 rows give 2 different values for one key"),
    ]
    assert result.tables["deliveries"]["line"].to_list() == [4]
    assert result.balance.closes


def test_a_copy_of_a_conflicting_row_is_quarantined_with_it():
    result = settled(lines(("0042", 5.0), ("0042", 6.0), ("0042", 5.0)))
    assert (result.balance.quarantined, result.balance.duplicates) == (3, 0)
    assert result.balance.closes


def test_a_correction_with_a_later_known_at_is_no_conflict():
    first = lines(("0042", 5.0))
    later = lines(("0042", 6.0), known_at=datetime(2026, 11, 24, tzinfo=UTC)).with_columns(
        line=pl.lit(9, pl.Int64)
    )
    assert settled(pl.concat([first, later])).balance.accepted == 2


def test_lines_of_several_files_are_told_apart():
    read = pl.concat(lines(("0042", 5.0)).with_columns(file=pl.lit(name)) for name in ("a.csv", "b.csv"))
    result = settle(read, Conditioned({"deliveries": read}), TABLES)
    assert (result.balance.accepted, result.balance.duplicates) == (1, 1)
    assert result.tables["deliveries"]["file"].to_list() == ["a.csv"]


def test_a_quarantined_row_names_its_file_whether_unknown_or_in_conflict():
    rows = [lines(("0042", u), ("9999", u)).with_columns(file=pl.lit(f)) for u, f in ((5.0, "a"), (6.0, "b"))]
    checked = references.check(Conditioned({"deliveries": pl.concat(rows)}), stores=["0042"], products=None)
    result = settle(pl.concat(rows), checked, TABLES)
    assert sorted(result.quarantined.select("file", "line", "reason").rows()) == [
        ("a", 2, "conflict"),
        ("a", 3, "unknown_store"),
        ("b", 2, "conflict"),
        ("b", 3, "unknown_store"),
    ]
    assert result.balance.closes


def test_a_line_that_a_conditioner_drops_without_a_word_keeps_the_account_open():
    rows = lines(("0042", 5.0), ("0043", 6.0))
    balance = settle(rows, Conditioned({"deliveries": rows.head(1)}), TABLES).balance
    assert (balance.lost, balance.closes) == (1, False)


def test_a_line_that_feeds_two_tables_counts_once():
    rows = lines(("0042", 5.0))
    returns = rows.rename({"delivered": "returned"}).with_columns(allocated=pl.lit(value=False))
    balance = settle(rows, Conditioned({"deliveries": rows, "returns": returns}), TABLES).balance
    assert (balance.rows_in, balance.accepted) == (1, 1)
    assert balance.closes


def test_a_file_without_rows_closes():
    assert settled(lines()).balance.closes


def test_an_unknown_store_and_an_unknown_product_are_quarantined_with_their_names():
    rows = lines(("0042", 5.0), ("9999", 6.0))
    checked = references.check(
        Conditioned({"deliveries": rows, "stores": rows}), stores=["0042"], products=["tea", "cola"]
    )
    assert checked.tables["deliveries"]["store"].to_list() == ["0042"]
    assert checked.tables["stores"].height == 2  # master data define stores, they do not refer to them
    assert checked.rejected.rows() == [(3, "unknown_store", "store 9999 is in no master data")]
    bad = references.check(Conditioned({"deliveries": rows}), stores=None, products=["tea"])
    assert bad.rejected["reason"].unique().to_list() == ["unknown_product"]


def test_a_workspace_without_product_master_data_takes_every_product():
    rows = lines(("0042", 5.0))
    assert references.check(
        Conditioned({"deliveries": rows}), stores=["0042"], products=None
    ).rejected.is_empty()


row = st.tuples(st.sampled_from(["a", "b", "c", "unknown"]), st.sampled_from([-1.0, 0.0, 1.0, 2.0]))


@settings(max_examples=40)
@given(st.lists(row, max_size=12))
def test_rows_in_are_rows_accepted_quarantined_or_duplicated_whatever_comes(raw: list[tuple[str, float]]):
    read = lines(*raw)
    kept, rejected = sift(read, [Rule("negative_delivery", pl.col("delivered") < 0, pl.lit("negative"))])
    checked = references.check(
        Conditioned({"deliveries": kept}, rejected), stores=["a", "b", "c"], products=["cola"]
    )
    result = settle(read, checked, TABLES)
    assert result.balance.closes
    assert result.quarantined["line"].n_unique() == result.balance.quarantined
    assert result.tables["deliveries"].select(["week", "store", "product", "known_at"]).is_unique().all()
