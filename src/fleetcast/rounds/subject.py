"""What is trained round by round, a segment or the pool of all: its rows in a panel, what it learns from, what it forecasts."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.errors import DataError
from fleetcast.domain.seeds import seed
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Index, Panel
from fleetcast.settings import Settings

FEWEST_EXAMPLES = 100  # whoever has fewer has no model of its own, unless a donor lends one
YOUNG = 52  # weeks of own history from which on nobody borrows
SERIES_WEEK = ["store", "product", "week"]


class TooLittleError(DataError):
    """There is nothing, or not enough, to learn from."""


@dataclass(frozen=True)
class Subject:
    """A segment by its name, or the pool of all segments in a partition (`segment` None)."""

    name: str
    segment: str | None
    settings: Settings
    fewest: int = FEWEST_EXAMPLES

    @property
    def seed(self) -> int:
        return seed(self.settings.training.seed, self.name)

    def rows(self, panel: Panel) -> npt.NDArray[np.bool_]:
        """[S]: which series belong to it."""
        if self.segment is None:
            return np.ones(len(panel), bool)
        return (panel.series["segment"] == self.segment).to_numpy()

    def weeks(self, panel: Panel) -> int:
        """How many weeks of its own history it has: from its first known week to the cutoff."""
        known = ~np.isnan(panel.own_units(self.rows(panel))[:, : panel.cutoff + 1]).all(axis=0)
        return int(panel.cutoff + 1 - known.argmax()) if known.any() else 0

    def first(self, panel: Panel) -> int:
        """Index of the first week that is learned from."""
        window = self.settings.training.window_weeks
        return 0 if window is None else max(0, panel.cutoff + 1 - window)

    def final(self, origin: date) -> date:
        """The last week whose units are final when an origin is looked at."""
        return origin - self.settings.demand.returns_weeks * WEEK

    def examples(self, design: Design, *, last: int | None = None) -> Examples:
        """What can be learned from up to the cutoff, or up to the week of index `last`; TooLittleError when that is little."""
        panel = design.panel
        train = design.examples(rows=self.rows(panel), first=self.first(panel), last=last, training=True)
        if len(train) < self.fewest:
            raise TooLittleError(
                f"{self.name} has {len(train)} examples up to {panel.weeks[panel.cutoff]}, too few to learn from (at "
                f"least {self.fewest}){self._instead}"
            )
        if self.fewest and not (train.units > 0).any():
            raise TooLittleError(f"{self.name} has sold nothing in any week{self._instead}")
        return train

    @property
    def _instead(self) -> str:
        return "; its baseline serves it" if self.segment is not None else ""

    def ahead(self, design: Design) -> Examples:
        """The examples a scoring run at the panel's cutoff would score."""
        return design.ahead(rows=self.rows(design.panel))

    def judged(self, design: Design, origin: date, horizons: tuple[int, ...]) -> Examples:
        """What was asked at an origin of the panel, with what was sold: the weeks that are final, known and not sold out."""
        panel = design.panel
        asked = design.ahead(rows=self.rows(panel), origin=panel.weeks.index(origin), horizons=horizons)
        sold = (panel.status[asked.row, asked.week] == 0) & ~np.isnan(asked.units)
        return asked.take(sold)

    def sold(self, forecasts: pl.DataFrame, panel: Panel) -> pl.DataFrame:
        """Of forecasts (`store, product, week`, …) those of its series that are judged, with `units` and `category`.

        They are judged by weeks that are final, known and not sold out.
        """
        row, week, inside = Index(panel.series, panel.weeks).rows(forecasts)
        judged = (panel.status[row, week] == 0) & self.rows(panel)[row]
        row, week = row[judged], week[judged]
        return inside.filter(judged).with_columns(
            units=panel.units[row, week], category=panel.series["category"].gather(row)
        )


def where(examples: Examples, panel: Panel) -> pl.DataFrame:
    """`store, product, week` of each example."""
    series = panel.series[examples.row]
    return pl.DataFrame(
        {
            "store": series["store"],
            "product": series["product"],
            "week": pl.Series(panel.weeks, dtype=pl.Date).gather(examples.week),
        }
    )
