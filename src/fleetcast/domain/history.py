"""The history of one partition: everything a model of it may learn from, with both clocks still in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl


@dataclass(frozen=True)
class History:
    """The base tables of one partition as a snapshot holds them; every frame still carries `known_at`.

    Whoever looks at it from a cutoff takes the as-of view first; `membership` is by its own `valid_from`. Stores and
    products of deliveries and returns may be texts or categories.
    """

    deliveries: pl.DataFrame
    returns: pl.DataFrame
    stores: pl.DataFrame
    products: pl.DataFrame
    weather: pl.DataFrame
    events: pl.DataFrame
    membership: pl.DataFrame
    covariates: Mapping[str, pl.DataFrame]
    received: tuple[datetime, ...] = ()  # moments at which files came in after the first load
    version: str = ""  # digest of the rows: what is the same here, whatever came in elsewhere
