"""Shelf capacities from the planograms, a workbook."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, with_known_at


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    shelf = rows.select("store", "product", "capacity", "minimum_drop", "valid_from", "line")
    return Conditioned({"shelf": with_known_at(shelf, dated="valid_from", context=context)})
