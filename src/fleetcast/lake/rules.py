"""Whether a frame keeps its table's contract, asked in one query; what exactly is wrong is looked for only where it does not."""

from collections.abc import Iterator
from functools import cache

import polars as pl

from fleetcast.domain.tables import Table

MONDAYS = ("week", "origin", "cycle")  # columns that name a week, wherever they occur


def kept(table: Table, frame: pl.DataFrame) -> bool:
    """Whether rows of the contract's columns and types, with their `batch`, keep all of its rules."""
    rules = _rules(table)
    return rules is not None and all(frame.select(rules).row(0))


@cache
def _rules(table: Table) -> list[pl.Expr] | None:
    """Each true where all rows keep it; None where the contract has a check that is not known here."""
    schema = table.contract.to_schema()
    known = {"greater_than_or_equal_to", "isin"}
    if schema.checks or schema.unique or any(c.unique for c in schema.columns.values()):
        return None
    if any(check.name not in known for c in schema.columns.values() for check in c.checks):
        return None
    return [rule.alias(str(number)) for number, rule in enumerate(_all_rules(table))]


def _all_rules(table: Table) -> Iterator[pl.Expr]:
    """A null breaks no rule but the one against nulls."""
    yield (pl.col("batch").str.len_bytes().fill_null(0) > 0).all()
    for name, column in table.contract.to_schema().columns.items():
        values = pl.col(name)
        if not column.nullable:
            yield values.null_count() == 0
        for check in column.checks:
            if check.name == "isin":
                yield values.is_in(check.statistics["allowed_values"]).all()
            else:
                yield (values >= check.statistics["min_value"]).all()
        if table.types[name] == pl.Float64:
            yield values.is_finite().all()
        if name in MONDAYS:
            yield (values.dt.weekday() == 1).all()
