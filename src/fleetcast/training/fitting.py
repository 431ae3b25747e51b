"""Fitting one segment: its missing rounds, the model that would serve, and how sure that model is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.errors import DataError
from fleetcast.domain.models import Dumped
from fleetcast.domain.tables import ROUNDS
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.models import conformal
from fleetcast.models import weekly as recipes
from fleetcast.models.baseline import FittedAverage, HistoricalAverage
from fleetcast.models.lasso import no_costs
from fleetcast.models.weekly import FittedWeekly, Weekly
from fleetcast.settings import Settings
from fleetcast.training.seeds import seed

INTERVAL_ROUNDS = 12  # newest rounds whose errors make the intervals
LONGEST_CHAIN = 8  # warm starts in a row; then a network is trained from the beginning again
FEWEST_EXAMPLES = 100  # a segment with fewer has no model of its own
SERIES_WEEK = ["store", "product", "week"]


@dataclass(frozen=True)
class FittedSegment:
    """What training a segment leaves: models by key of the pack, a record for the lineage, and new round forecasts."""

    models: dict[str, Dumped]
    record: dict[str, Any]
    rounds: pl.DataFrame


@dataclass(frozen=True)
class FittedBaselines:
    """The historical averages of a partition: models by key of the pack, and a record each."""

    models: dict[str, Dumped]
    records: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Conditioned:
    """What the lake holds of a segment's demand: its rows, and the units they sum to."""

    rows: int
    units: float


class TooLittleError(DataError):
    """A segment has nothing, or not enough, to learn from."""


def fit_segment(
    segment: str,
    now: Design,
    earlier: Mapping[date, Design],
    recorded: pl.DataFrame,
    *,
    conditioned: Conditioned,
    chain: Dumped | None,
    recipe: str,
    settings: Settings,
) -> FittedSegment:
    """Fit the rounds of `earlier`, oldest first, then the model at the cutoff of `now`.

    `conditioned` is what the segment has in the lake: all of it must be accounted for.
    `recorded` are the segment's rounds already in the stream, `chain` the model of its newest round. Each fit
    sees the out-of-sample errors of the rounds before it, and its network starts from the one before. A young
    segment has no round at the origins at which there was too little to learn from.
    """
    weekly = Weekly(settings.training)
    actual = actuals(now.panel, segment)
    walk = _Walk.resumed(chain)
    rounds = [recorded]
    for origin in sorted(earlier):
        design = earlier[origin]
        try:
            fitted = _fit(segment, weekly, design, walk, settings)
        except TooLittleError:
            continue
        ahead = _ahead(design, segment)
        rounds.append(_forecasts(design, ahead, fitted, segment, recipe))
        errors = fitted.tuning(_with_actuals(ahead, design.panel, actual))
        walk = walk.after(origin, fitted, errors, keep=settings.training.rounds)

    model = _fit(segment, weekly, now, walk, settings)
    stream = pl.concat(rounds)
    intervals = _intervals(stream, now.panel, actual)
    ledger = now.ledger(rows=_rows(now.panel, segment), first=_first(now.panel, settings))
    ledger |= {"conditioned": conditioned.rows}
    check_ledger(segment, ledger)
    _check_units(segment, now.panel, conditioned)
    models = {segment: model.dump(), f"{segment}#intervals": intervals.dump()}
    if walk.fitted is not None:
        models[f"{segment}#chain"] = walk.dump(walk.fitted)
    record = {
        "segment": segment,
        "key": segment,
        "seed": seed(settings.training.seed, segment),
        "features": now.digest,
        "p": len(now.names),
        "rows": ledger,
        "full_fit": str(walk.began) if walk.warm is not None else str(now.panel.weeks[now.panel.cutoff]),
        "warm_starts": walk.length + 1 if walk.warm is not None else 0,
        "chain": f"{segment}#chain" if walk.fitted is not None else None,
        "intervals": f"{segment}#intervals",
    }
    return FittedSegment(models, record, stream)


def fit_baselines(now: Panel) -> FittedBaselines:
    """The historical average of every baseline segment in the partition."""
    models: dict[str, Dumped] = {}
    records = []
    for name in now.series["baseline"].unique().sort():
        rows = (now.series["baseline"] == name).to_numpy()
        fitted = HistoricalAverage().fit(now, rows=rows)
        models[f"{name}#baseline"] = fitted.dump()
        models[f"{name}#baseline#intervals"] = _around(fitted, now, rows).dump()
        records.append({"segment": name, "key": f"{name}#baseline", "series": int(rows.sum())})
    return FittedBaselines(models, records)


def _around(fitted: FittedAverage, now: Panel, rows: npt.NDArray[np.bool_]) -> conformal.Intervals:
    """How far the last year lay from the average; it is the same for every horizon."""
    year = slice(max(0, now.cutoff - 51), now.cutoff + 1)
    at_row, at_week = np.nonzero((now.status[:, year] == 0) & rows[:, None])
    average = fitted.predict(now.series)
    errors = pl.DataFrame(
        {
            "group": now.series["category"].gather(at_row),
            "units": now.units[:, year][at_row, at_week],
            "median": average["baseline_median"].gather(at_row),
        }
    )
    ahead = pl.DataFrame({"horizon": now.horizons}, schema={"horizon": pl.Int64})
    return conformal.calibrate(errors.join(ahead, how="cross"))


def check_ledger(segment: str, ledger: Mapping[str, int]) -> None:
    """DataError when a segment was trained on other rows than were conditioned: fitted + excluded must be all."""
    accounted = sum(count for reason, count in ledger.items() if reason != "conditioned")
    if accounted != ledger["conditioned"]:
        raise DataError(
            f"the training ledger of {segment} does not close: {ledger['conditioned']} rows were conditioned, but "
            f"{accounted} were fitted or excluded for a reason; nothing trained on them may be released"
        )


def _check_units(segment: str, panel: Panel, conditioned: Conditioned) -> None:
    """Rows that were lost where an absent week means zero leave no gap, but they leave fewer units."""
    units = float(np.nansum(panel.units[_rows(panel, segment)]))
    if not np.isclose(units, conditioned.units, rtol=1e-9, atol=1e-6):
        raise DataError(
            f"the training ledger of {segment} does not close: {conditioned.units:.1f} units were conditioned, but "
            f"{units:.1f} came to be trained on; nothing trained on them may be released"
        )


def actuals(panel: Panel, segment: str) -> pl.DataFrame:
    """`store, product, week, units` of the weeks that forecasts are judged by: final, known and not sold out."""
    rows = np.flatnonzero(_rows(panel, segment))
    at_row, at_week = np.nonzero(panel.status[rows] == 0)
    series = panel.series[rows[at_row]]
    return pl.DataFrame(
        {
            "store": series["store"],
            "product": series["product"],
            "week": pl.Series(panel.weeks, dtype=pl.Date).gather(at_week),
            "units": panel.units[rows[at_row], at_week],
        }
    )


@dataclass(frozen=True)
class _Walk:
    """How far a segment's rounds have come: the newest fit, how many warm starts it stands on, the errors so far."""

    origin: date | None
    fitted: FittedWeekly | None
    began: date | None  # origin of the fit that started from nothing
    length: int
    stream: pl.DataFrame | None  # origin, and what the alphas cost in its round

    @classmethod
    def resumed(cls, chain: Dumped | None) -> "_Walk":
        if chain is None:
            return cls(None, None, None, 0, None)
        fitted = recipes.load(
            Dumped(recipes.KIND, chain.arrays, cast(Mapping[str, Any], chain.meta["model"]))
        )
        origin, began = (date.fromisoformat(str(chain.meta[name])) for name in ("origin", "began"))
        return cls(
            origin,
            fitted,
            began,
            int(str(chain.meta["length"])),
            pl.DataFrame(cast(Mapping[str, Any], chain.meta["stream"]), schema=_STREAM),
        )

    def after(self, origin: date, fitted: FittedWeekly, errors: pl.DataFrame, *, keep: int) -> "_Walk":
        """One round further; only the errors of the newest rounds are kept."""
        new = errors.select(pl.lit(str(origin)).alias("origin"), pl.all())
        stream = new if self.stream is None else pl.concat([self.stream, new])
        newest = stream["origin"].unique().sort().tail(keep)
        stream = stream.filter(pl.col("origin").is_in(newest.implode()))
        if self.warm is None:
            return _Walk(origin, fitted, origin, 0, stream)
        return _Walk(origin, fitted, self.began, self.length + 1, stream)

    @property
    def tuning(self) -> pl.DataFrame | None:
        """What the alphas cost in the newest rounds."""
        return None if self.stream is None else self.stream.drop("origin")

    @property
    def warm(self) -> FittedWeekly | None:
        """What the next network starts from; None when it has to start afresh."""
        return self.fitted if self.length < LONGEST_CHAIN else None

    def dump(self, fitted: FittedWeekly) -> Dumped:
        model = fitted.dump()
        stream = {} if self.stream is None else self.stream.to_dict(as_series=False)
        meta = {
            "model": model.meta,
            "origin": str(self.origin),
            "began": str(self.began),
            "length": self.length,
            "stream": stream,
        }
        return Dumped("chain", model.arrays, meta)


_STREAM = pl.Schema({"origin": pl.String()} | dict(no_costs().schema))


def _fit(segment: str, weekly: Weekly, design: Design, walk: _Walk, settings: Settings) -> FittedWeekly:
    panel = design.panel
    train = design.examples(rows=_rows(panel, segment), first=_first(panel, settings), training=True)
    if len(train) < FEWEST_EXAMPLES:
        raise TooLittleError(
            f"{segment} has {len(train)} examples up to {panel.weeks[panel.cutoff]}, too few to learn from (at least "
            f"{FEWEST_EXAMPLES}); its baseline serves it"
        )
    if not (train.units > 0).any():
        raise TooLittleError(f"{segment} has sold nothing in any week; its baseline serves it")
    return weekly.fit(train, seed=seed(settings.training.seed, segment), warm=walk.warm, tuning=walk.tuning)


def _rows(panel: Panel, segment: str) -> npt.NDArray[np.bool_]:
    return (panel.series["segment"] == segment).to_numpy()


def _first(panel: Panel, settings: Settings) -> int:
    window = settings.training.window_weeks
    return 0 if window is None else max(0, panel.cutoff + 1 - window)


def _ahead(design: Design, segment: str) -> Examples:
    """The examples a scoring run at the panel's cutoff would score."""
    panel = design.panel
    ahead = design.examples(rows=_rows(panel, segment), first=panel.cutoff + 1, training=False)
    return ahead.take(ahead.week - ahead.horizon == panel.cutoff)


def _where(examples: Examples, panel: Panel) -> pl.DataFrame:
    series = panel.series[examples.row]
    return pl.DataFrame(
        {
            "store": series["store"],
            "product": series["product"],
            "week": pl.Series(panel.weeks, dtype=pl.Date).gather(examples.week),
        }
    )


def _with_actuals(examples: Examples, panel: Panel, actual: pl.DataFrame) -> Examples:
    """The examples with what was sold since: those whose actual is not to be judged by drop out."""
    units = _where(examples, panel).join(actual, on=SERIES_WEEK, how="left", maintain_order="left")["units"]
    found = replace(examples, units=units.cast(pl.Float64).fill_null(float("nan")).to_numpy())
    return found.take(~np.isnan(found.units))


def _forecasts(
    design: Design, ahead: Examples, fitted: FittedWeekly, segment: str, recipe: str
) -> pl.DataFrame:
    panel = design.panel
    units = fitted.predict(ahead)
    # The average is taken over the whole partition, so that a new series can fall back on its product's.
    baseline = HistoricalAverage().fit(panel).predict(panel.series[ahead.row])
    return (
        _where(ahead, panel)
        .with_columns(
            pl.lit(panel.weeks[panel.cutoff]).alias("origin"),
            pl.Series("horizon", ahead.horizon, dtype=pl.Int64),
            pl.lit(segment).alias("segment"),
            *(pl.Series(name, units[name]) for name in ("mape", "median", "mean")),
            *(pl.Series(name, units[name], nan_to_null=True) for name in ("lasso", "net")),
            baseline["baseline_mean"],
            baseline["baseline_median"],
            pl.lit(recipe).alias("recipe"),
        )
        .select(ROUNDS.columns)
    )


def _intervals(stream: pl.DataFrame, panel: Panel, actual: pl.DataFrame) -> conformal.Intervals:
    group = panel.series.select("store", "product", pl.col("category").alias("group"))
    newest = stream["origin"].unique().sort().tail(INTERVAL_ROUNDS)
    recent = stream.filter(pl.col("origin").is_in(newest.implode()))
    known = recent.join(actual, on=SERIES_WEEK).join(group, on=["store", "product"])
    return conformal.calibrate(known.select("group", "horizon", "units", "median"))
