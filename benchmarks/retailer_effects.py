"""Effects planted in the simulated retailer, and what the fleet's models make of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.tables import EVENTS, WEATHER
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.fleet import explanations
from fleetcast.fleet.explanations import Desk
from fleetcast.models import effects
from fleetcast.testing.truth import Truth
from fleetcast.workspace import Workspace

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

YEAR = 52  # weeks, newest ones, over which weather is tried, every fourth of them
DEGREES = 5.0  # °C
HOT = 24.0  # °C, from which heat counts
DRAWS = 2000  # resamples of segments
TOLERANCE = 0.30  # share of the planted effect
FUNCTIONAL = "mean"  # a rate is what is sold on average


def rows(w: Workspace, truth: Truth) -> pl.DataFrame:
    """Log effects by effect, segment and category: `planted`, `found` by the ensemble and by its `lasso` alone; averages over
    the `n` rows they were tried on."""
    served = [s for s, m in w.registry.releases.current().manifest.members.items() if m.serving == "ensemble"]
    frames, panels = [], dict[str, Panel]()
    for segment in sorted(served):
        region = segment.split("/")[0]
        on = explanations.desk(w, segment, panel=panels.get(region))
        if region not in panels:
            panels = {region: on.panel}
            trials = list(_Region(w, on.panel, truth).trials())
        frames += [trial.of(on) for trial in trials]
    return pl.concat(frames)


def pooled(found: pl.DataFrame, by: tuple[str, ...] = ("effect",), seed: int = 1) -> pl.DataFrame:
    """Planted and recovered effects, as fractions of the rate, where something was planted; 90 % interval over segments."""
    lines = []
    for key, mine in found.filter(pl.col("planted").abs() > 1e-9).group_by(by, maintain_order=True):
        sums = mine.group_by("segment").agg(
            pl.col("n").sum(), *((pl.col(c) * pl.col("n")).sum() for c in ("planted", "found", "lasso"))
        )
        n, planted, recovered, lasso = (
            sums[c].to_numpy().astype(float) for c in ("n", "planted", "found", "lasso")
        )
        times = np.random.default_rng(seed).multinomial(len(n), np.full(len(n), 1 / len(n)), size=DRAWS)
        drawn = (times @ recovered) / (times @ n)
        low, high = np.quantile(drawn, [0.05, 0.95])
        lines.append(
            dict(zip(by, key, strict=True))
            | {
                "planted": np.expm1(planted.sum() / n.sum()),
                "recovered": np.expm1(recovered.sum() / n.sum()),
                "low": np.expm1(low),
                "high": np.expm1(high),
                "lasso": np.expm1(lasso.sum() / n.sum()),
                "rows": int(n.sum()),
                "segments": len(n),
            }
        )
    ratio = pl.col("recovered") / pl.col("planted")
    return pl.DataFrame(lines).with_columns(ratio=ratio, within=(ratio - 1).abs() <= TOLERANCE)


@dataclass(frozen=True)
class _Trial:
    """Examples of a whole region that are equal but for one thing, and the log effect that was planted in it."""

    effect: str
    before: Examples
    after: Examples
    planted: F64  # [n]

    def of(self, on: Desk) -> pl.DataFrame:
        """What the ensemble of a segment makes of it, by category."""
        mine = on.rows[self.before.row]
        before, after = self.before.take(mine), self.after.take(mine)
        linear = effects.alone(on.fitted, "linear") or on.fitted
        return (
            pl.DataFrame(
                {
                    "category": on.panel.series["category"].gather(before.row),
                    "planted": self.planted[mine],
                    "found": effects.moved(on.fitted, before, after, functional=FUNCTIONAL),
                    "lasso": effects.moved(linear, before, after, functional=FUNCTIONAL),
                }
            )
            .group_by("category")
            .agg(pl.len().alias("n"), pl.col("planted", "found", "lasso").mean())
            .sort("category")
            .select(pl.lit(self.effect).alias("effect"), pl.lit(on.segment).alias("segment"), pl.all())
        )


class _Region:
    """One region's panel, with the features of its next-week forecasts."""

    def __init__(self, w: Workspace, panel: Panel, truth: Truth) -> None:
        self.w, self.panel, self.truth = w, panel, truth
        self.category = panel.series["category"].to_numpy()
        self.design = self._design(panel)

    def trials(self) -> Iterator[_Trial]:
        """Each event in the weeks it was in, then the weather of the last year, then the newest week's plans."""
        for name in sorted(self.panel.issued):
            if name.startswith("event.") and self.panel.issued[name][0].any():
                yield self._event(name)
        yield from self._weather("weather.temperature")
        yield from self._plans()

    def _event(self, name: str) -> _Trial:
        """With the days that the event had in a week, against none."""
        event = name.removeprefix("event.")
        events = self.w.lake.read(EVENTS).filter(event=event)
        days = int((events["last"] - events["first"]).dt.total_days().max()) + 1
        weeks = np.flatnonzero(self.panel.issued[name][0].any(axis=0))
        absent = self._design(self._with(name, np.float32(0)))
        shares = self.panel.issued[name][0]
        before, after = (self._examples(design, weeks) for design in (absent, self.design))
        lift = np.array([self.truth.effects.events[event].get(c, 0.0) for c in self.category])
        share = shares[after.row, after.week] * 7 / min(days, 7)
        return _Trial(event, before, after, lift[after.row] * share)

    def _weather(self, name: str) -> Iterator[_Trial]:
        """A forecast that says 5 °C more than normal, against the normal: the demand of a week that is 5 °C warmer, and of
        one that is as much warmer as a forecast that says so is right about."""
        if name not in self.panel.issued:
            return
        weeks = np.arange(self.panel.cutoff - YEAR + 1, self.panel.cutoff + 1, 4)
        normal, warm = (self._design(self._with(name, np.float32(d))) for d in (0.0, DEGREES))
        before, after = self._examples(normal, weeks), self._examples(warm, weeks)
        came = self._came()
        worth = _worth(self.panel.issued[name][0], came)
        there = np.nan_to_num(came[after.row, after.week], nan=0.0)
        for label, degrees in (("5 °C warmer", DEGREES), ("5 °C warmer, as forecast", DEGREES * worth)):
            more = np.maximum(there + degrees - HOT, 0) - np.maximum(there - HOT, 0)
            warmth, heat = (
                np.array([of[c] for c in self.category])[after.row]
                for of in (self.truth.effects.warmth, self.truth.effects.heat)
            )
            yield _Trial(label, before, after, warmth * degrees / 5 + heat * more / 8)

    def _plans(self) -> Iterator[_Trial]:
        week = np.array([self.panel.cutoff + min(self.panel.horizons)])
        elasticity = np.array([self.truth.effects.elasticity[p] for p in self.panel.series["product"]])
        planted = {
            "price": elasticity * np.log(1 - effects.CUT),
            "promotion": np.full(len(elasticity), self.truth.effects.promotion),
        }
        everyone = np.ones(len(self.panel), bool)
        for change in effects.standard(self.panel, self.w.settings.covariates):
            column = change.words.split()[0]
            if column in planted:
                before, after = (
                    self._examples(self._design(move(self.panel, everyone)), week)
                    for move in (change.before, change.after)
                )
                yield _Trial(change.words, before, after, planted[column][after.row])

    def _came(self) -> F64:
        """[S, W]: mean temperature of each week at each series' place, NaN where it has not come."""
        stores = self.w.lake.read(self.w.base_tables["stores"]).unique("store", keep="last")
        weekly = (
            self.w.lake.read(WEATHER)
            .filter(pl.col("kind") == "observed")
            .group_by("postal_code", week=pl.col("date").dt.truncate("1w"))
            .agg(pl.col("temperature").mean())
        )
        first = self.panel.weeks[0]
        rows = (
            self.panel.series.with_row_index("row")
            .join(stores.select("store", "postal_code"), on="store")
            .join(weekly, on="postal_code")
            .with_columns(at=(pl.col("week") - first).dt.total_days() // 7)
            .filter(pl.col("at").is_between(0, len(self.panel.weeks) - 1))
        )
        came = np.full(self.panel.units.shape, np.nan)
        came[rows["row"].to_numpy(), rows["at"].to_numpy()] = rows["temperature"].to_numpy()
        return came

    def _with(self, name: str, value: np.float32) -> Panel:
        moved = np.full_like(self.panel.issued[name], value)
        return replace(self.panel, issued={**self.panel.issued, name: moved})

    def _design(self, panel: Panel) -> Design:
        return Design.of(panel, self.w.settings.training.features, self.w.settings.covariates)

    def _examples(self, design: Design, weeks: npt.NDArray[np.integer]) -> Examples:
        """Next-week forecasts for these target weeks, of series that were delivered then or are still."""
        horizon = (min(self.panel.horizons),)
        found = design.examples(horizons=horizon, first=int(weeks[0]), last=int(weeks[-1]), training=False)
        active = self.panel.given[found.row, np.minimum(found.week, self.panel.cutoff)]
        return found.take(np.isin(found.week, weeks) & active)


def _worth(issued: F32, came: F64) -> float:
    """How much warmer a week is, for each °C that the forecast said it would be above normal.

    Least squares of what came on what was said, with the seasons (two waves) of every place.
    """
    known = ~np.isnan(came) & (issued != 0)
    week = np.arange(came.shape[1]) * 7 * 2 * np.pi / 365.25
    waves = np.stack(
        [np.ones_like(week), np.sin(week), np.cos(week), np.sin(2 * week), np.cos(2 * week)], axis=1
    )
    said, warm = [], []
    for row in range(len(came)):
        at = known[row]
        if at.sum() > YEAR:
            both = np.stack([issued[row, at], came[row, at]], axis=1).astype(float)
            fit = np.linalg.lstsq(waves[at], both, rcond=None)[0]
            rest = both - waves[at] @ fit
            said.append(rest[:, 0])
            warm.append(rest[:, 1])
    x, y = np.concatenate(said), np.concatenate(warm)
    return float(x @ y / (x @ x))
