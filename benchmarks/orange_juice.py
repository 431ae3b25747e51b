"""Microsoft's orange-juice protocol, replayed with the package's own pieces on the orange-juice workspace.

For te in 135, 137, …, 153: train on weeks 40 … te, skip te + 1, forecast te + 2 and te + 3. Everything (mover
classes, alphas, intervals, networks) is decided on data up to te; earlier rolling-origin rounds are the bootstrap.
Ends with one JSON line, in percent.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from fleetcast import workspace
from fleetcast.conditioning.movers import movers
from fleetcast.conditioning.standard import Context
from fleetcast.demand import demand
from fleetcast.domain.history import History
from fleetcast.domain.tables import DELIVERIES, EVENTS, PRODUCTS, RETURNS, STORES, WEATHER, as_known_at
from fleetcast.domain.week import WEEK, known_by
from fleetcast.features.design import Design, Examples
from fleetcast.features.view import panel_at
from fleetcast.metrics import bias, mape, rmse_all, wape
from fleetcast.models import conformal
from fleetcast.models.weekly import FittedWeekly, Weekly
from fleetcast.settings import Settings
from fleetcast.sources.discover import find
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import read
from fleetcast.training.seeds import seed

PROTOCOL = range(135, 154, 2)
BOOTSTRAP = range(119, 135, 2)
WEEK_0 = date(1989, 9, 4)  # the Monday week before week 1
RECEIVED = datetime(1993, 1, 1, tzinfo=UTC)
CALIBRATION_ROUNDS = 8
LONGEST_CHAIN = 8  # warm starts of a network in a row, as the fleet's
EXAMPLE = Path(__file__).parent.parent / "examples" / "orange-juice"


@dataclass(frozen=True)
class Forecast:
    """A segment's forecast at one origin: the examples with what was sold since, and the forecasts beside them."""

    te: int
    segment: str
    fitted: FittedWeekly
    examples: Examples
    weeks: list[date]
    rows: pl.DataFrame

    def tuning(self, cutoff: date) -> pl.DataFrame:
        """What each alpha cost on the weeks that are over by the cutoff."""
        over = np.array([week <= cutoff for week in self.weeks])[self.examples.week]
        return self.fitted.tuning(self.examples.take(over))


def conditioned(space: workspace.Workspace) -> dict[str, pl.DataFrame]:
    """Every source, read as declared and conditioned by the workspace."""
    tables: dict[str, list[pl.DataFrame]] = {}
    for name, source in space.settings.sources.items():
        condition = space.conditioner(source.conditioner)[0].condition
        for label, path in find(source, base=space.folder, data=space.address.data):
            file = RawFile(digest="", name=label, received=RECEIVED, initial=True, bytes=path.stat().st_size)
            reading = read(file, path, source, source=name)
            made = condition(reading.rows, Context(name, source, RECEIVED, True, label))
            if reading.quarantined.height or made.rejected.height:
                raise SystemExit(
                    f"{label}: {reading.quarantined.height + made.rejected.height} rows were refused"
                )
            for table, frame in made.tables.items():
                tables.setdefault(table, []).append(frame)
    return {
        name: pl.concat(tables[name]).select(table.columns) if name in tables else _nothing(space, name)
        for name, table in space.base_tables.items()
    }


def _nothing(space: workspace.Workspace, name: str) -> pl.DataFrame:
    return space.lake.read(space.base_tables[name])


def with_movers(history: History, cutoff: date, settings: Settings) -> History:
    """The history with the mover classes of a cutoff added, decided with what was known then."""
    moment = known_by(cutoff, settings.calendar.ready_after_days)
    stores = as_known_at(STORES, history.stores, moment)
    net = demand(
        as_known_at(DELIVERIES, history.deliveries, moment),
        as_known_at(RETURNS, history.returns, moment),
        stores,
        as_known_at(PRODUCTS, history.products, moment),
        cutoff=cutoff,
        settings=settings.demand,
    )
    moved = movers(net, stores, history.membership, cutoff=cutoff, settings=settings.segments)
    return replace(history, membership=pl.concat([history.membership, moved]))


def replay(space: workspace.Workspace, origins: list[int]) -> Iterator[list[Forecast]]:
    """One round after the other, oldest first."""
    settings = space.settings
    tables = conditioned(space)
    weekly, seen = Weekly(settings.training), list[Forecast]()
    chains: dict[str, tuple[FittedWeekly, int]] = {}
    sold = tables[DELIVERIES.name].select("week", "store", "product", pl.col("delivered").alias("units"))
    history = History(
        **{t.name: tables[t.name] for t in (DELIVERIES, RETURNS, STORES, PRODUCTS, WEATHER, EVENTS)},
        membership=movers(
            sold.clear(), tables[STORES.name].clear(), None, cutoff=WEEK_0, settings=settings.segments
        ),
        covariates={name: tables[name] for name in settings.covariates},
    )
    for te in origins:
        cutoff = WEEK_0 + te * WEEK
        history = with_movers(history, cutoff, settings)
        panel = panel_at(history, cutoff, space.tables, settings=settings)
        design = Design.of(panel, settings.training.features, settings.covariates)
        made = []
        for segment in sorted(panel.series["segment"].unique()):
            rows = (panel.series["segment"] == segment).to_numpy()
            train = design.examples(rows=rows, training=True)
            earlier = [past.tuning(cutoff) for past in seen if past.segment == segment]
            warm, length = chains.get(segment, (None, 0))
            fitted = weekly.fit(
                train,
                seed=seed(settings.training.seed, segment),
                warm=warm if length < LONGEST_CHAIN else None,
                tuning=pl.concat(earlier) if earlier else None,
            )
            chains[segment] = (fitted, length + 1 if warm is not None and length < LONGEST_CHAIN else 0)
            made.append(_scored(te, segment, fitted, design, rows, sold))
        seen += made
        yield made


def _scored(
    te: int, segment: str, fitted: FittedWeekly, design: Design, rows: np.ndarray, sold: pl.DataFrame
) -> Forecast:
    panel = design.panel
    ahead = design.examples(rows=rows, first=panel.cutoff + 1, training=False)
    ahead = ahead.take(ahead.week - ahead.horizon == panel.cutoff)
    where = (
        panel.series[ahead.row]
        .select("store", "product", pl.col("category").alias("group"))
        .with_columns(
            pl.Series("week", panel.weeks, dtype=pl.Date).gather(ahead.week),
            horizon=pl.Series(ahead.horizon, dtype=pl.Int64),
        )
    )
    units = where.join(sold, on=["week", "store", "product"], how="left", maintain_order="left")["units"]
    present = units.is_not_null().to_numpy()
    examples = replace(ahead, units=units.fill_null(float("nan")).to_numpy()).take(present)
    forecast = fitted.predict(examples)
    columns = {"te": te, "segment": segment, "units": examples.units, **forecast}
    return Forecast(
        te,
        segment,
        fitted,
        examples,
        panel.weeks,
        where.filter(pl.Series(present)).with_columns(**_literals(columns)),
    )


def _literals(columns: dict[str, object]) -> dict[str, pl.Expr | pl.Series]:
    return {
        name: pl.Series(value) if isinstance(value, np.ndarray) else pl.lit(value)
        for name, value in columns.items()
    }


def covered(rows: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Rows with the 80 % interval that the earlier rounds promise, each segment its own."""
    parts = []
    for (segment,), mine in rows.group_by("segment", maintain_order=True):
        past = earlier.filter(pl.col("segment") == segment)
        parts.append(conformal.calibrate(past).apply(mine))
    return pl.concat(parts)


def main() -> None:
    """Replay the protocol and print a line per round, then the JSON line."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, required=True, help="folder with yx.csv and storedemo.csv")
    arguments.add_argument("--rounds", type=int, default=len(PROTOCOL), help="how many of the ten rounds")
    arguments.add_argument("--workspace", type=Path, default=EXAMPLE)
    chosen = arguments.parse_args()
    space = workspace.open(chosen.workspace, data=chosen.data)
    counted = list(PROTOCOL)[: chosen.rounds]

    began, rounds, scored = time.process_time(), [], []
    for made in replay(space, [*BOOTSTRAP, *counted]):
        te, rows = made[0].te, pl.concat([forecast.rows for forecast in made])
        if te in counted:
            known = WEEK_0 + te * WEEK
            past = pl.concat(rounds[-CALIBRATION_ROUNDS - 1 :]).filter(pl.col("week") <= known)
            scored.append(covered(rows, past))
        rounds.append(rows)
        error = rows.select(mape()).item()
        kind = "round" if te in counted else "bootstrap"
        print(f"{kind} te={te}  rows={rows.height}  mape={100 * error:.2f}", file=sys.stderr, flush=True)

    print(json.dumps(_summary(pl.concat(scored), made[0].fitted, space, time.process_time() - began)))


def _summary(
    rows: pl.DataFrame, fitted: FittedWeekly, space: workspace.Workspace, cpu: float
) -> dict[str, object]:
    within = pl.col("units").is_between("q0.1", "q0.9").mean()
    figures = rows.select(
        mape=100 * mape(),
        wape=100 * wape(),
        rmse_all=rmse_all(),
        bias=100 * bias(units_hat="mape"),
        coverage80=100 * within,
    ).row(0, named=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "protocol": "oj-10",
        "recipe": space.settings.training.recipe,
        "p": len(fitted.names),
        "rows": rows.height,
        **{name: round(value, 2) for name, value in figures.items()},
        "cpu_s": round(cpu, 1),
        "peak_mb": round(peak),
    }


if __name__ == "__main__":
    main()
