"""What a young segment gains from a donor: the same weeks forecast from scratch, by transfer, by the donor alone, by the average.

One region at a time of a simulated retailer loses all but its last 8, 16 or 26 weeks; every segment of it is then forecast
four weeks ahead from several origins, its donor being the same format and mover class of the next region. Run it:
python benchmarks/transfer.py. The last line is one JSON object; figures are percent.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from fleetcast import workspace
from fleetcast.domain.tables import DEMAND, MEMBERSHIP
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design
from fleetcast.features.view import panel_at
from fleetcast.fleet import work
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.lake.history import History, read_history
from fleetcast.models import recipes
from fleetcast.models.baseline import HistoricalAverage
from fleetcast.models.transfer import Transfer
from fleetcast.resampling import interval
from fleetcast.rounds.subject import SERIES_WEEK, Subject, TooLittleError, where
from fleetcast.rounds.walk import Walk, alone, fitted_at
from fleetcast.settings import Settings
from fleetcast.sources import sample
from fleetcast.workspace import Workspace

SEED = 2026
NOW = datetime(2026, 11, 20, tzinfo=UTC)
LENGTHS = (8, 16, 26)  # weeks of own history
SIZE = {"regions": 3, "stores": 8, "products": 12, "weeks": 120}
ORIGINS, STEP = 6, 4  # how many, and the weeks between them: no week is judged twice at one horizon
CONTENDERS = ("scratch", "transfer", "donor", "mean")


def main() -> int:
    """Simulate, cut, forecast, compare."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--nets", action="store_true", help="train the networks too, not the LASSO alone")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sample.create(folder / "retailer", truth=folder / "truth", seed=SEED, erratic=None, **SIZE)
        w = workspace.open(folder / "retailer", clock=lambda: NOW)
        run_cycle(w, only="condition", progress=Silent(), actor="benchmark")
        rows = pl.concat(_rows(w, members=1 if chosen.nets else 0))
    answer = {str(weeks): _compared(rows.filter(pl.col("own_weeks") == weeks)) for weeks in LENGTHS}
    spent = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "benchmark": "transfer",
                "size": SIZE,
                "nets": chosen.nets,
                "weeks": answer,
                "cpu_s": round(spent.ru_utime + spent.ru_stime, 1),
                "peak_mb": round(spent.ru_maxrss / 1024),
            }
        )
    )
    return 0


def _rows(w: Workspace, *, members: int) -> Iterator[pl.DataFrame]:
    """Forecasts of every contender with what was sold: region by region, origin by origin, length by length."""
    training = w.settings.training.model_copy(update={"net_members": members})
    settings = w.settings.model_copy(update={"training": training})
    regions = work.partitions(w)
    snapshot = w.lake.snapshot([*w.base_tables.values(), DEMAND, MEMBERSHIP])
    last = work.first_and_last_week(w)[1]
    histories = {
        region: read_history(w.lake, snapshot, partition=region, cutoff=last, covariates=w.covariates)
        for region in regions
    }
    actual = w.lake.read(DEMAND).filter(pl.col("final") & ~pl.col("censored")).select(*SERIES_WEEK, "units")
    ahead = max(training.horizons) + settings.demand.returns_weeks
    for origin in [last - (ahead + back * STEP) * WEEK for back in range(ORIGINS)]:
        full = {region: _at(history, origin, w, settings) for region, history in histories.items()}
        donors = {
            segment: _trained(segment, design, settings)
            for design in full.values()
            for segment in design.panel.series["segment"].unique()
        }
        for region, lender in zip(regions, [*regions[1:], regions[0]], strict=True):
            for own_weeks in LENGTHS:
                young = _at(_cut(histories[region], origin, own_weeks), origin, w, settings)
                for segment in young.panel.series["segment"].unique().sort():
                    donor = donors[segment.replace(region, lender)]
                    yield (
                        _forecast(young, segment, donor, settings)
                        .join(actual, on=SERIES_WEEK)
                        .with_columns(pl.lit(own_weeks).alias("own_weeks"))
                    )
        print(f"origin {origin} done", file=sys.stderr, flush=True)


def _trained(segment: str, at: Design, settings: Settings) -> Any:
    """A first fit as the fleet makes it; TooLittleError where it makes none."""
    subject, door = Subject(segment, segment, settings), recipes.door("weekly")
    fit = alone(door.make(settings.training).fit, subject.seed)
    return fitted_at(subject, at, Walk.resumed(None, door.load), fit, door)[0]


def _forecast(at: Design, segment: str, donor: Any, settings: Settings) -> pl.DataFrame:
    """`mape` forecasts of the contenders; with too little to learn from, "scratch" is the average, which serves."""
    subject = Subject(segment, segment, settings, fewest=0)
    ahead = subject.ahead(at)
    average = HistoricalAverage().fit(at.panel).predict(at.panel.series[ahead.row])
    transferred = Transfer(settings.training).fit(subject.examples(at), donor=donor, seed=SEED)
    said = {
        "transfer": transferred.predict(ahead)["mape"],
        "donor": donor.predict(ahead)["mape"],
        "mean": average["baseline_mean"].to_numpy(),
    }
    try:
        said["scratch"] = _trained(segment, at, settings).predict(ahead)["mape"]
    except TooLittleError:
        said["scratch"] = said["mean"]
    enough = said["scratch"] is not said["mean"]
    return where(ahead, at.panel).with_columns(
        *(pl.Series(name, values) for name, values in said.items()), pl.lit(enough).alias("enough")
    )


def _at(history: History, origin: date, w: Workspace, settings: Settings) -> Design:
    panel = panel_at(history, origin, w.tables, settings=settings)
    return Design.of(panel, settings.training.features, settings.covariates)


def _cut(history: History, origin: date, own_weeks: int) -> History:
    """A history that begins so many weeks before the origin's end."""
    late = pl.col("week") > origin - own_weeks * WEEK
    return replace(history, deliveries=history.deliveries.filter(late), returns=history.returns.filter(late))


def _compared(rows: pl.DataFrame) -> dict[str, object]:
    """MAPE of the contenders on the rows that all of them forecast, and what transfer gains on each, with its interval."""
    judged = rows.filter(pl.col("units") > 0)
    errors = judged.select(
        "week",
        *(((pl.col(name) - pl.col("units")).abs() / pl.col("units")).alias(name) for name in CONTENDERS),
    )
    weekly = errors.group_by("week").agg(pl.col(CONTENDERS).sum(), pl.len()).sort("week")
    n = weekly["len"].to_numpy().astype(float)
    found: dict[str, object] = {
        "rows": judged.height,
        "without_scratch": round(100 * (1 - judged["enough"].mean()), 1),
    }
    found["mape"] = {name: round(100 * weekly[name].sum() / n.sum(), 2) for name in CONTENDERS}
    gains = {}
    for name in ("scratch", "donor", "mean"):
        apart = (weekly[name] - weekly["transfer"]).to_numpy()
        low, high = interval([apart, n], SEED, lambda total, count: total / count)
        gains[name] = [round(100 * value, 2) for value in (apart.sum() / n.sum(), low, high)]
    return found | {"gain_over": gains}


if __name__ == "__main__":
    raise SystemExit(main())
