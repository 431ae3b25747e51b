"""One origin of a backtest: all that a contender may see there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.features.design import Design
from fleetcast.features.examples import Examples
from fleetcast.rounds.subject import Subject, where
from fleetcast.settings import Settings

POINTS = ("mape", "median", "mean")


@dataclass(frozen=True)
class Origin:
    """The panel and features of one cutoff. Nothing in it became known later."""

    design: Design
    settings: Settings

    @property
    def cutoff(self) -> date:
        return self.design.panel.weeks[self.design.panel.cutoff]

    @property
    def segments(self) -> list[str]:
        return sorted(self.design.panel.series["segment"].unique())

    def train(self) -> Examples:
        """The examples of all series up to the cutoff, inside the training window."""
        return Subject("", None, self.settings).examples(self.design)

    @cached_property
    def ahead(self) -> Examples:
        """The examples to be forecast: every series at every horizon."""
        return self.design.ahead()

    def where(self, examples: Examples) -> pl.DataFrame:
        """`store, product, week, horizon, segment, group` of examples; `group` is the product's category."""
        series = self.design.panel.series[examples.row]
        return where(examples, self.design.panel).with_columns(
            pl.Series("horizon", examples.horizon, dtype=pl.Int64),
            series["segment"],
            series["category"].alias("group"),
        )

    def forecasts(self, examples: Examples, units: Mapping[str, npt.NDArray[np.float64]]) -> pl.DataFrame:
        """Rows of `where` with the point forecasts in `units` (functional → [n])."""
        return self.where(examples).with_columns(pl.Series(name, units[name]) for name in POINTS)
