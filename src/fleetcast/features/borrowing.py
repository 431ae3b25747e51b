"""A successor's weeks before its own first one, as its predecessor had them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from fleetcast.features.panel import F32, I64, LENT, Index, Panel


def lend(panel: Panel, lent: pl.DataFrame) -> Panel:
    """The panel with the weeks of `lent` (`week, store, product, predecessor`) in the successors' rows.

    They are no demand rows of the successor: history to look back on, never a week that is learned from or scored. Of
    past and known-ahead covariates the successor has its own, where it has any.
    """
    if lent.is_empty():
        return panel
    lender, borrower, week = _cells(panel, lent)
    units, seen = panel.units.copy(), panel.seen.copy()
    units[borrower, week] = units[lender, week]
    seen[:, borrower, week] = seen[:, lender, week]

    def filled(covariates: Mapping[str, F32]) -> dict[str, F32]:
        return {name: _filled(values, lender, borrower, week) for name, values in covariates.items()}

    return replace(
        panel,
        units=units,
        seen=seen,
        known=filled(panel.known),
        past=filled(panel.past),
        lent=lent.select(*LENT),
    )


def _cells(panel: Panel, lent: pl.DataFrame) -> tuple[I64, I64, I64]:
    """Of each lent week the index of who lends, of who borrows, and of the week itself."""
    borrowers = panel.series.select("store", "product").with_row_index("_borrower")
    lenders = borrowers.rename({"product": "predecessor", "_borrower": "_lender"})
    rows = lent.join(borrowers, on=["store", "product"]).join(lenders, on=["store", "predecessor"])
    lender, borrower = (rows[name].to_numpy().astype(np.int64) for name in ("_lender", "_borrower"))
    return lender, borrower, Index(panel.series, panel.weeks).week(rows)


def _filled(values: F32, lender: I64, borrower: I64, week: I64) -> F32:
    gap = np.isnan(values[borrower, week])
    out = values.copy()
    out[borrower[gap], week[gap]] = values[lender[gap], week[gap]]
    return out
