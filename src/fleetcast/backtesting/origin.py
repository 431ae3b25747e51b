"""One origin of a backtest: all that a contender may see there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.features.design import Design
from fleetcast.features.examples import Examples
from fleetcast.rounds.subject import YOUNG, Subject, where
from fleetcast.settings import Settings

POINTS = ("mape", "median", "mean")


@dataclass(frozen=True, slots=True)
class Donor:
    """Whose model a segment starts from while it is young, and the partition that stands in."""

    segment: str
    partition: str


@dataclass(frozen=True)
class Origin:
    """The panel and features of one cutoff. Nothing in it became known later."""

    design: Design
    settings: Settings
    donors: Mapping[str, Donor] = field(default_factory=dict)  # by segment
    elsewhere: Callable[[str], Design] | None = None  # another partition, seen from the same cutoff

    @property
    def cutoff(self) -> date:
        return self.design.panel.weeks[self.design.panel.cutoff]

    @property
    def segments(self) -> list[str]:
        return sorted(self.design.panel.series["segment"].unique())

    def donor(self, segment: str) -> Donor | None:
        """Whose model a segment starts from here: nobody's, once it has a year of its own."""
        donor = self.donors.get(segment)
        young = Subject(segment, segment, self.settings).weeks(self.design.panel) < YOUNG
        return donor if young else None

    def at(self, donor: Donor) -> "Origin | None":
        """Where the donor stands, from the same cutoff; None where that partition cannot be seen."""
        if donor.segment in self.segments:
            return self
        return replace(self, design=self.elsewhere(donor.partition)) if self.elsewhere is not None else None

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

    def forecasts(
        self, examples: Examples, units: Mapping[str, npt.NDArray[np.float64]], *, donor: str | None = None
    ) -> pl.DataFrame:
        """Rows of `where` with the point forecasts in `units` (functional → [n]), and the segment they started from, if any."""
        points = [pl.Series(name, units[name]) for name in POINTS]
        return self.where(examples).with_columns(*points, pl.lit(donor, pl.String).alias("donor"))
