"""What a reader takes from a file before any type is looked at: fields of text, each on its line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

LINE, TEXT = ".line", ".text"  # beside the declared columns; no declared column begins with a dot

FAULTS = pl.Schema({LINE: pl.Int64(), "reason": pl.String(), "detail": pl.String(), TEXT: pl.String()})


@dataclass(frozen=True)
class Lines:
    """`fields` has `.line`, `.text` and every declared column as text; `faults` are the rows without fields.

    `.text` is the row as it stood in the file, null where the format is not text.
    """

    fields: pl.DataFrame
    faults: pl.DataFrame


def faults(frame: pl.DataFrame, reason: str, detail: pl.Expr) -> pl.DataFrame:
    """Rows of a frame with `.line` and `.text` as faults of one reason."""
    return frame.select(LINE, pl.lit(reason).alias("reason"), detail.alias("detail"), TEXT).cast(FAULTS)


def spread(frame: pl.DataFrame, columns: Sequence[str], order: Iterable[str]) -> pl.DataFrame:
    """A frame whose `cells` are lists of len(columns) texts, as one column each, in the declared order."""
    flat, width = frame["cells"].explode(empty_as_null=False), len(columns)
    by_name = {name: flat.gather_every(width, place).alias(name) for place, name in enumerate(columns)}
    return pl.DataFrame([frame[LINE], frame[TEXT], *(by_name[name] for name in order)])
