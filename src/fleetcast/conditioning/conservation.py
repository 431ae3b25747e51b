"""Conservation: rows in = accepted + quarantined + identical duplicates, line by line."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from fleetcast.conditioning.standard import REJECTED_SCHEMA, Conditioned
from fleetcast.domain.tables import Table

PLACE = ("file", "line")  # where a row stood; no part of its content


@dataclass(frozen=True, slots=True)
class Balance:
    """The account of raw lines; `lost` ones came out nowhere, and a source that loses one is not to be taken."""

    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    lost: int

    @property
    def closes(self) -> bool:
        return self.lost == 0 and self.rows_in == self.accepted + self.quarantined + self.duplicates


@dataclass(frozen=True)
class Settled:
    """What conditioning took (per table, with the place of each row), what it set aside and why, and the account."""

    tables: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame  # (file), line, reason, detail
    balance: Balance


def settle(read: pl.DataFrame, conditioned: Conditioned, tables: Mapping[str, Table]) -> Settled:
    """Quarantine conflicting duplicates, drop identical ones, and account for every line that was read.

    A file that tells a week again, as one that grows every week does, makes duplicates too: known since the first time.
    A line that is quarantined anywhere counts as quarantined, else as accepted if any table took it, else as a
    duplicate. Lines of several files are told apart by a `file` column; without one they are those of one file.
    """
    place = [column for column in PLACE if column in read.columns]
    taken: dict[str, pl.DataFrame] = {}
    doubled = []
    empty = pl.DataFrame(schema={"file": pl.String, **REJECTED_SCHEMA}).select(*place, "reason", "detail")
    rejected = [empty, *([conditioned.rejected.select(empty.columns)] if conditioned.rejected.height else [])]
    for name, frame in conditioned.tables.items():
        rest, conflicts = _without_conflicts(tables[name], frame, place)
        taken[name] = rest.unique(subset=_content(rest), keep="first", maintain_order=True).pipe(
            _news, key=list(tables[name].key)
        )
        doubled.append(rest.select(place))
        rejected.append(conflicts)
    quarantined = pl.concat(rejected, how="vertical_relaxed").unique(
        subset=[*place, "reason"], keep="first", maintain_order=True
    )
    balance = _balance(read.select(place), quarantined, taken, doubled, place)
    return Settled(taken, quarantined, balance)


def _without_conflicts(
    table: Table, frame: pl.DataFrame, place: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    key = [*table.key, *(["known_at"] if "known_at" in frame.columns else [])]
    nothing = frame.clear().select(*place, reason=pl.lit(""), detail=pl.lit(""))
    if frame.height == frame.select(pl.struct(key).n_unique()).item():
        return frame, nothing
    distinct = frame.unique(subset=_content(frame))
    torn = distinct.group_by(key).len("versions").filter(pl.col("versions") > 1)
    conflicts = frame.join(torn, on=key, how="inner", nulls_equal=True)
    detail = pl.format("{} rows give {} different values for one key", pl.len().over(key), "versions")
    return (
        frame.join(torn, on=key, how="anti", nulls_equal=True, maintain_order="left"),
        conflicts.select(*place, reason=pl.lit("conflict"), detail=detail),
    )


def _news(frame: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The rows that say something else than the row known last before them."""
    if "known_at" not in frame.columns or frame.height == frame.select(pl.struct(key).n_unique()).item():
        return frame
    told = [column for column in _content(frame) if column != "known_at"]
    again = pl.all_horizontal(pl.col(column).eq_missing(pl.col(column).shift(1)) for column in told)
    return frame.sort(*key, "known_at", maintain_order=True).filter(~again)


def _content(frame: pl.DataFrame) -> list[str]:
    return [column for column in frame.columns if column not in PLACE]


def _balance(
    read: pl.DataFrame,
    quarantined: pl.DataFrame,
    taken: Mapping[str, pl.DataFrame],
    doubled: list[pl.DataFrame],
    place: list[str],
) -> Balance:
    bad = quarantined.select(place).unique()
    good = pl.concat([read.clear(), *(frame.select(place) for frame in taken.values())]).unique()
    seen = pl.concat([read.clear(), *doubled]).unique()
    accepted = good.join(bad, on=place, how="anti")
    duplicates = seen.join(pl.concat([bad, good]), on=place, how="anti")
    accounted = pl.concat([bad, good, seen]).unique()
    lost = read.join(accounted, on=place, how="anti")
    return Balance(read.height, accepted.height, bad.height, duplicates.height, lost.height)
