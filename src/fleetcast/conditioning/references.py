"""References: rows of stores and products that no master data know are set aside."""

from collections.abc import Iterable

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Rule, sift

MASTERS = ("stores", "products")  # these tables define their keys; the others refer to them


def check(
    conditioned: Conditioned, *, stores: Iterable[str] | None, products: Iterable[str] | None
) -> Conditioned:
    """Move rows of an unknown store or product to the rejected ones; None: the workspace has no such master data."""
    rules = []
    if stores is not None:
        rules.append(("store", _unknown("store", stores)))
    if products is not None:
        rules.append(("product", _unknown("product", products)))
    tables: dict[str, pl.DataFrame] = {}
    rejected = [conditioned.rejected]
    for name, frame in conditioned.tables.items():
        apply = [rule for column, rule in rules if name not in MASTERS and column in frame.columns]
        tables[name], bad = sift(frame, apply)
        rejected.append(bad)
    return Conditioned(tables, pl.concat(rejected, how="diagonal_relaxed"))


def _unknown(column: str, known: Iterable[str]) -> Rule:
    names = pl.Series(known, dtype=pl.String)
    detail = pl.format("{} {} is in no master data", pl.lit(column), column)
    return Rule(f"unknown_{column}", ~pl.col(column).is_in(names.implode()), detail)
