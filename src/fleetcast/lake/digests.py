"""Digests of a table's rows: the same rows have the same digest, whatever their order, their files or the engine.

A leaf is the rows of one partition and week (weeks begin on Monday; a table without weeks has one leaf, week "").
Its digest is SHA-256 over its distinct rows sorted by natural key and `known_at`, column by column in the order of
their names; a column that is null in the whole leaf adds nothing, so adding an empty column changes no leaf:

    "fleetcast leaf 1", rows u64, then per column: length of name u64, name, one letter for the type,
    "n" + one byte per row (1 = a value, 0 = null) where nulls occur or "v" where none do, then the values, null as 0:
    i = i64, f = f64 (−0 as 0), b = u8, d = i32 days since 1970-01-01, t = i64 µs since 1970-01-01 UTC,
    s = byte lengths as u32, then the UTF-8 bytes of all rows; all little-endian.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.tables import Table
from fleetcast.domain.versions import Leaf, digest_of

Codes = npt.NDArray[np.int64]

NOTHING = digest_of([])  # the content version of a table without rows

_LETTER = {
    pl.Int64: "i",
    pl.Float64: "f",
    pl.Boolean: "b",
    pl.Date: "d",
    pl.Datetime: "t",
    pl.String: "s",
}
_NUMBER = {"i": "<i8", "f": "<f8", "b": "u1", "d": "<i4", "t": "<i8", "s": "<u4"}
_MONDAY = 4  # 1970-01-05, in days since 1970-01-01
_ROOM = 1 << 62  # codes stay below it


def identity(table: Table) -> list[str]:
    """The columns that name a row: its natural key, and when it was known."""
    return [*table.key, *(["known_at"] if table.bitemporal else [])]


def in_order(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows by week, natural key, `known_at` and, where there is one, batch; texts by their UTF-8 bytes."""
    names = identity(table)
    if rises(table, frame):  # it came in order, as nearly all do
        return frame
    ranks = _ranked(table, frame, names)
    if (ranks[1:] < ranks[:-1]).any():
        order = np.argsort(ranks, kind="stable")
        frame, ranks = frame[order], ranks[order]
    if "batch" in frame.columns and (ranks[1:] == ranks[:-1]).any():
        return frame[np.lexsort((_codes(frame["batch"])[0], ranks))]
    return frame


def rises(table: Table, frame: pl.DataFrame) -> bool:
    """Whether every row stands behind the one before it: they are in order, and of no identity are there two."""
    columns = [pl.col(name) for name in identity(table)]
    if table.dated not in (None, table.key[0]):
        columns.insert(0, (pl.col(table.dated).to_physical().cast(pl.Int64) - _MONDAY) // 7)
    *first, last = columns
    behind = last > last.shift(1)
    for column in reversed(first):
        before = column.shift(1)
        behind = (column > before) | ((column == before) & behind)
    found: bool = frame.select(behind.slice(1).all()).item()
    return found


def repeats(table: Table, frame: pl.DataFrame) -> pl.Series:
    """Which rows of a frame in order have the identity of the row before them."""
    return frame.select(_as_before(identity(table)).alias("repeats")).to_series()


def twins(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """Which rows share these columns with another row."""
    return pl.Series("twins", packed(frame, names)).is_duplicated()


def leaves(table: Table, frame: pl.DataFrame, partition: str) -> list[Leaf]:
    """The leaves of distinct rows in order; a batch column is not digested."""
    if frame.is_empty():
        return []
    numbers, starts, ends = _runs(table, frame)
    columns = _encoded(frame.drop("batch", strict=False), starts, ends)
    return [
        Leaf(partition, _week_name(table, number), _leaf_digest(columns, i, slice(lo, hi)), hi - lo)
        for i, (number, lo, hi) in enumerate(
            zip(numbers.tolist(), starts.tolist(), ends.tolist(), strict=True)
        )
    ]


def digest_of_rows(frame: pl.DataFrame) -> str:
    """The digest of rows as one leaf, whatever their weeks; it depends on their order."""
    rows = np.array([frame.height])
    return _leaf_digest(_encoded(frame, rows * 0, rows), 0, slice(0, frame.height))


def weeks(table: Table, frame: pl.DataFrame) -> set[str]:
    """The names of the leaves that a frame's rows belong to."""
    return {_week_name(table, number) for number in np.unique(_runs(table, frame)[0]).tolist()}


def within(table: Table, frame: pl.DataFrame, named: Collection[str]) -> pl.DataFrame:
    """The rows of these leaves."""
    runs = zip(*(held.tolist() for held in _runs(table, frame)), strict=True)
    parts = [frame[lo:hi] for number, lo, hi in runs if _week_name(table, number) in named]
    if sum(part.height for part in parts) == frame.height:
        return frame
    return pl.concat([frame.clear(), *parts])


def changed(table: Table, before: pl.DataFrame, after: pl.DataFrame) -> set[str]:
    """The names of the leaves that may differ between two frames in order: those from the first row on that does."""
    names = [name for name in before.columns if name != "batch"]
    n = min(before.height, after.height)
    differs = before.head(n).with_columns(
        after.head(n).select(pl.col(name).alias(f"{name}'") for name in names)
    )
    row = differs.select(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}'")) for name in names).arg_true().min()
    ).item()
    at = n if row is None else int(row)
    numbers = [_week_numbers(table, frame) for frame in (before, after)]
    first = min((int(held[at]) for held in numbers if at < len(held)), default=None)
    if first is None:
        return set()
    later = (
        frame[int(np.searchsorted(held, first)) :]
        for frame, held in zip((before, after), numbers, strict=True)
    )
    return set().union(*(weeks(table, frame) for frame in later))


def week_of(table: Table) -> pl.Expr:
    """The name of the leaf a row belongs to."""
    if table.dated is None:
        return pl.lit("")
    return pl.col(table.dated).dt.truncate("1w").dt.to_string("%Y-%m-%d")


def partition_root(members: Iterable[Leaf]) -> str:
    """The digest over one partition's leaves."""
    return digest_of([[leaf.week, leaf.digest, leaf.rows] for leaf in sorted(members)])


def content_version(name: str, schema: Iterable[tuple[str, str]], roots: Iterable[tuple[str, str]]) -> str:
    """The Merkle root of a table: its column types and its partitions' roots."""
    held = sorted(roots)
    if not held:
        return NOTHING
    return digest_of([name, [list(column) for column in sorted(schema)], [list(root) for root in held]])


def packed(frame: pl.DataFrame, names: Sequence[str]) -> Codes:
    """One integer per row that sorts and compares like the row's values in these columns, none of them null."""
    ranks, size = np.zeros(frame.height, dtype=np.int64), 1
    for name in names if frame.height else ():
        codes, count = _codes(frame[name])
        if size * count > _ROOM:
            ranks, size = _dense(ranks)
        ranks, size = ranks * count + codes, size * count
    return ranks


def _ranked(table: Table, frame: pl.DataFrame, names: Sequence[str]) -> Codes:
    """Ranks by week, then by these columns."""
    if table.dated in (None, table.key[0]):
        return packed(frame, names)
    week = pl.Series("_week", _week_numbers(table, frame))
    return packed(frame.with_columns(week), ["_week", *names])


def _as_before(names: Sequence[str]) -> pl.Expr:
    """Which rows have the values of the row before them in these columns, none of them null."""
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in names)
    return same.fill_null(value=False).alias("same")


def _codes(values: pl.Series) -> tuple[Codes, int]:
    """Ranks of the values from 0, and a bound on them."""
    if values.dtype == pl.String:
        distinct = values.unique().sort()
        return _integers(values.cast(pl.Enum(distinct)).to_physical()), len(distinct)
    numbers = _integers(values.to_physical())
    low, high = int(numbers.min()), int(numbers.max())
    if high - low < 1 << 20:
        return numbers - low, high - low + 1
    levels = np.unique(_integers(values.to_physical().unique()))
    return np.searchsorted(levels, numbers).astype(np.int64), len(levels)


def _dense(ranks: Codes) -> tuple[Codes, int]:
    """The same order in as few numbers as there are."""
    if not len(ranks):
        return ranks, 1
    levels, codes = np.unique(ranks, return_inverse=True)
    return codes.astype(np.int64), len(levels)


def _integers(values: pl.Series) -> Codes:
    return values.cast(pl.Int64).to_numpy()


def _week_numbers(table: Table, frame: pl.DataFrame) -> Codes:
    """Weeks since 1970-01-05; 0 in a table without weeks."""
    if table.dated is None:
        return np.zeros(frame.height, dtype=np.int64)
    return (_integers(frame[table.dated].to_physical()) - _MONDAY) // 7


def _runs(table: Table, frame: pl.DataFrame) -> tuple[Codes, Codes, Codes]:
    """The weeks of rows that follow each other, and where each run of them begins and ends."""
    numbers = _week_numbers(table, frame)
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
    return numbers[starts], starts, np.append(starts[1:], frame.height)[: len(starts)]


def _week_name(table: Table, number: int) -> str:
    return "" if table.dated is None else str(np.datetime64(number * 7 + _MONDAY, "D"))


@dataclass(frozen=True, slots=True)
class _Column:
    """One column ready to hash: its values in bytes, cut by leaf."""

    head: bytes
    present: npt.NDArray[np.uint8] | None  # 1 = a value; None: no nulls at all
    values: npt.NDArray[Any]  # numbers, or the byte lengths of texts
    texts: list[str] | None  # all texts of each leaf, joined

    def feed(self, digest: "hashlib._Hash", leaf: int, rows: slice) -> None:
        present = None if self.present is None else self.present[rows]
        if present is not None and not present.any():
            return
        digest.update(self.head)
        if present is None or present.all():
            digest.update(b"v")
        else:
            digest.update(b"n")
            digest.update(present.data)
        digest.update(self.values[rows].data)
        if self.texts is not None:
            digest.update(self.texts[leaf].encode())


def _encoded(frame: pl.DataFrame, starts: Codes, ends: Codes) -> list[_Column]:
    """The columns of a frame by name, made ready in as few queries as there can be."""
    letters = {name: _LETTER[kind.base_type()] for name, kind in sorted(frame.schema.items())}
    numbers = frame.select(_number(name, letter) for name, letter in letters.items())
    joined = _joined(frame.select(name for name, letter in letters.items() if letter == "s"), starts, ends)
    found = []
    for name, letter in letters.items():
        encoded, held = name.encode(), frame[name]
        head = len(encoded).to_bytes(8, "little") + encoded + letter.encode()
        present = held.is_not_null().cast(pl.UInt8).to_numpy() if held.null_count() else None
        values = np.ascontiguousarray(numbers[name].to_numpy())
        if letter == "f":
            values = values + 0.0  # −0 and 0 are one number
        values = values.astype(_NUMBER[letter], copy=False)
        found.append(_Column(head, present, values, joined[name].to_list() if letter == "s" else None))
    return found


def _number(name: str, letter: str) -> pl.Expr:
    values = pl.col(name).str.len_bytes() if letter == "s" else pl.col(name).to_physical().cast(_flat(letter))
    return values.fill_null(0)


def _flat(letter: str) -> type[pl.DataType]:
    return {"f": pl.Float64, "b": pl.UInt8, "d": pl.Int32}.get(letter, pl.Int64)


def _joined(texts: pl.DataFrame, starts: Codes, ends: Codes) -> pl.DataFrame:
    """All texts of each leaf, joined, column by column."""
    together = [pl.col(name).str.join("") for name in texts.columns]
    if len(starts) == 1:
        return texts.select(together)
    leaf = pl.Series("#leaf", np.repeat(np.arange(len(starts)), ends - starts))
    return texts.with_columns(leaf).group_by("#leaf", maintain_order=True).agg(together)


def _leaf_digest(columns: Sequence[_Column], leaf: int, rows: slice) -> str:
    digest = hashlib.sha256(b"fleetcast leaf 1")
    digest.update((rows.stop - rows.start).to_bytes(8, "little"))
    for column in columns:
        column.feed(digest, leaf, rows)
    return digest.hexdigest()
