import hashlib
import struct
from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.domain.tables import STORES, Contract, Table, Utc
from fleetcast.lake.digests import changed, identity, in_order, leaves, packed, partition_root, within
from fleetcast.testing.builders import stores


class Everything(Contract):
    """One column of each type a table may have."""

    week: date
    key: str
    text: str
    number: float
    whole: int
    flag: bool
    known_at: Utc


EVERYTHING = Table("everything", Everything, ("key", "week"), "week")


def everything(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=EVERYTHING.types, orient="row")


def digest_by_hand(rows: list[dict[str, object]], letters: dict[str, str]) -> str:
    """The leaf digest as its module describes it, in plain Python: what another engine would compute."""
    digest = hashlib.sha256(b"fleetcast leaf 1" + struct.pack("<Q", len(rows)))
    for name in sorted(letters):
        values, letter = [row[name] for row in rows], letters[name]
        if all(value is None for value in values):
            continue
        digest.update(struct.pack("<Q", len(name)) + name.encode() + letter.encode())
        whole = None not in values
        digest.update(b"v" if whole else b"n" + bytes(value is not None for value in values))
        if letter == "s":
            texts = ["" if value is None else str(value).encode() for value in values]
            digest.update(b"".join(struct.pack("<I", len(text)) for text in texts))
            digest.update(b"".join(text or b"" for text in texts))
        for value in values if letter != "s" else []:
            digest.update(_number(value, letter))
    return digest.hexdigest()


def _number(value: object, letter: str) -> bytes:
    if isinstance(value, datetime):
        value = round((value - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
    elif isinstance(value, date):
        value = (value - date(1970, 1, 1)).days
    return struct.pack({"i": "<q", "f": "<d", "b": "<B", "d": "<i", "t": "<q"}[letter], value or 0)


LETTERS = {"week": "d", "key": "s", "text": "s", "number": "f", "whole": "i", "flag": "b", "known_at": "t"}
MONDAY, NEXT, KNOWN = date(2026, 1, 5), date(2026, 1, 12), datetime(2026, 1, 13, 4, 5, 6, 789, tzinfo=UTC)


def test_a_leaf_digest_is_what_its_description_says():
    rows = [
        (MONDAY, "a", "naïve 漢字", 1.5, -3, True, KNOWN),
        (MONDAY, "b", None, -0.0, None, None, KNOWN),
        (MONDAY, "ä", "", 2.25, 9, False, KNOWN),
        (NEXT, "a", None, 1e300, 2**62, True, KNOWN),
    ]
    frame = in_order(EVERYTHING, everything(*rows).sample(fraction=1, shuffle=True, seed=5))
    found = leaves(EVERYTHING, frame, "p")
    dicts = [dict(zip(LETTERS, row, strict=True)) for row in rows]
    assert [leaf.week for leaf in found] == ["2026-01-05", "2026-01-12"]
    assert [leaf.digest for leaf in found] == [
        digest_by_hand(dicts[:3], LETTERS),
        digest_by_hand(dicts[3:], LETTERS),
    ]


def test_a_column_without_values_changes_no_leaf():
    frame = stores("A", "B")
    narrow = frame.drop("closed")
    assert leaves(STORES, in_order(STORES, frame), "p") == leaves(STORES, in_order(STORES, narrow), "p")


def test_texts_that_join_alike_are_told_apart():
    one, other = (
        everything((MONDAY, "a", first, 1.0, 1, True, KNOWN), (MONDAY, "b", second, 1.0, 1, True, KNOWN))
        for first, second in [("ab", "c"), ("a", "bc")]
    )
    assert leaves(EVERYTHING, one, "p") != leaves(EVERYTHING, other, "p")


row = st.tuples(
    st.sampled_from([MONDAY, NEXT, date(1969, 12, 29), date(2400, 1, 3)]),
    st.text(max_size=3).filter(lambda text: text.isprintable()),
    st.none() | st.just("x"),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.integers(-(2**50), 2**52).map(
        lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    ),
)


@settings(max_examples=40)
@given(st.lists(row, min_size=1, max_size=12, unique_by=lambda r: (r[0], r[1], r[6])), st.randoms())
def test_leaves_do_not_depend_on_the_order_of_rows(rows: list[tuple[object, ...]], random):
    mixed = list(rows)
    random.shuffle(mixed)
    found = leaves(EVERYTHING, in_order(EVERYTHING, everything(*rows)), "p")
    assert found == leaves(EVERYTHING, in_order(EVERYTHING, everything(*mixed)), "p")
    assert partition_root(found) == partition_root(reversed(found))


some_rows = st.lists(row, max_size=12, unique_by=lambda r: (r[0], r[1], r[6]))


@settings(max_examples=100)
@given(some_rows, some_rows, st.data())
def test_leaves_that_did_not_change_need_not_be_digested_again(old, new, data):
    named = {(r[0], r[1], r[6]) for r in new}
    stay = [r for r in old if (r[0], r[1], r[6]) not in named and data.draw(st.booleans())]
    before, after = (in_order(EVERYTHING, everything(*rows)) for rows in (old, [*stay, *new]))
    touched = changed(EVERYTHING, before, after)
    kept = [leaf for leaf in leaves(EVERYTHING, before, "p") if leaf.week not in touched]
    fresh = leaves(EVERYTHING, within(EVERYTHING, after, touched), "p")
    assert sorted([*kept, *fresh]) == leaves(EVERYTHING, after, "p")
    assert not changed(EVERYTHING, after, after)


@settings(max_examples=40)
@given(st.lists(row, max_size=12))
def test_the_order_is_by_week_then_key_then_known_at(rows: list[tuple[object, ...]]):
    frame = everything(*rows)
    expected = frame.sort(pl.col("week").dt.truncate("1w"), *identity(EVERYTHING), maintain_order=True)
    names = identity(EVERYTHING)
    assert in_order(EVERYTHING, frame).select(names).equals(expected.select(names))


def test_many_wide_keys_still_fit_one_integer():
    frame = pl.DataFrame({name: [f"{name}{i:05}" for i in range(2000)] for name in "abcdefgh"})
    ranks = packed(frame.reverse(), list("abcdefgh"))
    assert ranks.tolist() == sorted(set(ranks.tolist()), reverse=True)
