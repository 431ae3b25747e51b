"""In which form a recipe that pools would have served: the gate's choice, replayed from origin to origin."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from fleetcast.backtesting.origin import Origin
from fleetcast.choice import choose, compared
from fleetcast.domain.models import Form
from fleetcast.domain.seeds import seed
from fleetcast.domain.week import WEEK
from fleetcast.rounds.subject import Subject


@dataclass(frozen=True)
class Forms:
    """What both forms of a segment's ensemble forecast at the origins before, and in which one it served last."""

    rounds: tuple[pl.DataFrame, ...] = ()  # rows of `Origin.forecasts` with origin and form
    serving: Form | None = None

    def served(
        self, origin: Origin, subject: Subject, said: Mapping[Form, pl.DataFrame]
    ) -> tuple[pl.DataFrame, "Forms"]:
        """What of `said` would have served at an origin, and the memory for the next one."""
        form = self._chosen(origin, subject)
        dated = pl.lit(origin.cutoff).alias("origin")
        made = [rows.with_columns(dated, form=pl.lit(name)) for name, rows in said.items()]
        return said[form], Forms((*self.rounds, *made), form)

    def _chosen(self, origin: Origin, subject: Subject) -> Form:
        """By the newest rounds all of whose weeks were final; with fewer than the gate asks for, the pooled form."""
        training, gate = origin.settings.training, origin.settings.gate
        last = subject.final(origin.cutoff) - max(training.horizons) * WEEK
        dates = sorted({rows["origin"][0] for rows in self.rounds if rows["origin"][0] <= last})
        if len(dates) < gate.minimum_rounds:
            return "pooled"
        newest = pl.concat(self.rounds).filter(pl.col("origin").is_in(dates[-training.rounds :]))
        known = subject.sold(newest, origin.design.panel)
        of = {form: known.filter(form=form) for form in ("pooled", "alone")}
        found = compared(of["pooled"], of["alone"], seed=seed(training.seed, subject.name, "gate"))
        return choose(found, passed={"pooled": True, "alone": True}, serving=self.serving).form
