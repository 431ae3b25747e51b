"""Microsoft's orange-juice protocol, replayed with the package's own backtest on the orange-juice workspace.

For te in 135, 137, …, 153: train on weeks 40 … te, skip te + 1, forecast te + 2 and te + 3. Everything (mover
classes, alphas, intervals, networks) is decided on data up to te; earlier rolling-origin rounds are the bootstrap.
Prints what each contender did on the same rows, and ends with one JSON line, in percent.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from microsoft_lightgbm import MicrosoftLightGBM

from fleetcast import workspace
from fleetcast.backtesting.comparing import paired
from fleetcast.backtesting.contenders import PLAIN, Contender, Trained
from fleetcast.backtesting.origin import Origin
from fleetcast.backtesting.replay import Entry, View, judged, replay, with_quantiles
from fleetcast.conditioning.movers import movers
from fleetcast.conditioning.standard import Context
from fleetcast.demand import demand
from fleetcast.domain.history import History
from fleetcast.domain.tables import DELIVERIES, EVENTS, PRODUCTS, RETURNS, STORES, WEATHER, as_known_at, whole
from fleetcast.domain.week import WEEK, known_by
from fleetcast.metrics import bias, mape, rmse_all, wape
from fleetcast.orders import quantity
from fleetcast.pricing import cost, level
from fleetcast.resampling import INTERVAL, over_weeks
from fleetcast.settings import Settings
from fleetcast.sources.discover import find
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import read

PROTOCOL = range(135, 154, 2)
BOOTSTRAP = range(119, 135, 2)
PEER_BOOTSTRAP = 127  # LightGBM takes its intervals from the rounds since; each costs as much as all of ours
WEEK_0 = date(1989, 9, 4)  # the Monday week before week 1
RECEIVED = datetime(1993, 1, 1, tzinfo=UTC)
RATIOS = (1, 3, 5)  # a lost sale costs so much more than a returned unit
EXAMPLE = Path(__file__).parent.parent / "examples" / "orange-juice"

SEGMENTS, POOLED, PEER = "weekly", "weekly-pooled", "lightgbm"
AVERAGES = ("historical mean", "geometric mean", "historical median")


@dataclass(frozen=True)
class Timed:
    """A contender whose CPU seconds are noted, so that they do not count as ours."""

    contender: Contender
    seconds: list[float] = field(default_factory=list)

    def forecast(self, origin: Origin, memory: Any) -> tuple[pl.DataFrame, Any]:
        began = time.process_time()
        made = self.contender.forecast(origin, memory)
        self.seconds.append(time.process_time() - began)
        return made


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
        name: whole(table, pl.concat(tables[name])).select(table.columns)
        if name in tables
        else space.lake.read(table)
        for name, table in space.base_tables.items()
    }


def histories(
    tables: dict[str, pl.DataFrame], cutoffs: Sequence[date], settings: Settings
) -> dict[date, History]:
    """The history as the fleet would hold it at each cutoff, with the mover classes decided up to then."""
    sold = tables[DELIVERIES.name].select("week", "store", "product", pl.col("delivered").alias("units"))
    nobody = movers(
        sold.clear(), tables[STORES.name].clear(), None, cutoff=WEEK_0, settings=settings.segments
    )
    history = History(
        **{t.name: tables[t.name] for t in (DELIVERIES, RETURNS, STORES, PRODUCTS, WEATHER, EVENTS)},
        membership=nobody,
        covariates={name: tables[name] for name in settings.covariates},
    )
    unfolded = {}
    for cutoff in cutoffs:
        history = with_movers(history, cutoff, settings)
        unfolded[cutoff] = history
    return unfolded


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


def entries(view: View, peer: Contender | None) -> list[Entry]:
    """Ours, the averages to beat, last week, and LightGBM."""
    ours = [Entry(recipe, Trained(recipe), view) for recipe in (SEGMENTS, POOLED)]
    plain = [Entry(name, PLAIN[name], view) for name in (*AVERAGES, "last week")]
    theirs = [Entry(PEER, peer, view)] if peer else []
    return [*ours, *plain, *theirs]


def rounds(space: workspace.Workspace, origins: list[int], peer: Contender | None) -> Iterator[pl.DataFrame]:
    """The judged rounds, oldest first."""
    tables, cutoffs = conditioned(space), [WEEK_0 + te * WEEK for te in origins]
    unfolded = histories(tables, cutoffs, space.settings)
    view = View(space.settings, unfolded.__getitem__)
    sold = tables[DELIVERIES.name].select("week", "store", "product", pl.col("delivered").alias("units"))
    for made in replay(entries(view, peer), cutoffs, space.tables):
        yield judged(made, sold)


def main() -> None:
    """Replay the protocol, print what came of it, then the JSON line."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, required=True, help="folder with yx.csv and storedemo.csv")
    arguments.add_argument("--rounds", type=int, default=len(PROTOCOL), help="how many of the ten rounds")
    arguments.add_argument("--workspace", type=Path, default=EXAMPLE)
    arguments.add_argument("--without-lightgbm", action="store_true", help="leave the slow peer out")
    arguments.add_argument("--keep", type=Path, help="a Parquet file to write all rows to")
    chosen = arguments.parse_args()
    space = workspace.open(chosen.workspace, data=chosen.data)
    counted = list(PROTOCOL)[: chosen.rounds]

    began, made = time.process_time(), []
    peer = Timed(MicrosoftLightGBM(WEEK_0 + PEER_BOOTSTRAP * WEEK))
    for frame in rounds(space, [*BOOTSTRAP, *counted], None if chosen.without_lightgbm else peer):
        te = (frame["origin"][0] - WEEK_0) // WEEK
        kind = "round" if te in counted else "bootstrap"
        errors = dict(frame.group_by("contender", maintain_order=True).agg(100 * mape()).iter_rows())
        told = "  ".join(
            f"{name} {error:.2f}" for name, error in errors.items() if name in (SEGMENTS, POOLED, PEER)
        )
        print(
            f"{kind} te={te}  rows={frame.filter(contender=SEGMENTS).height}  {told}",
            file=sys.stderr,
            flush=True,
        )
        made.append(frame)
    promised = with_quantiles(pl.concat(made), open_weeks=0)
    scored = promised.filter(pl.col("origin") >= WEEK_0 + counted[0] * WEEK)
    if chosen.keep:
        scored.write_parquet(chosen.keep)
    tell(scored)
    theirs = sum(peer.seconds)
    print(json.dumps(summary(scored, {"ours": time.process_time() - began - theirs, "theirs": theirs})))


def summary(scored: pl.DataFrame, cpu: dict[str, float]) -> dict[str, object]:
    """The figures of the bars in percent; costs in prices of a returned unit, per unit sold."""
    ours, segments = scored.filter(contender=POOLED), scored.filter(contender=SEGMENTS)
    figures = ours.select(
        mape=100 * mape(),
        mape_segments=pl.lit(segments.select(100 * mape()).item()),
        wape=100 * wape(),
        rmse_all=rmse_all(),
        bias=100 * bias(units_hat="mape"),
        bias_mean=100 * bias(units_hat="mean"),
        bias_mean_segments=pl.lit(segments.select(100 * bias(units_hat="mean")).item()),
        coverage80=100 * within("q0.1", "q0.9"),
        coverage95=100 * within("q0.025", "q0.975"),
    ).row(0, named=True)
    by_product = ours.group_by("product").agg(share=100 * within("q0.1", "q0.9"))["share"]
    return {
        "protocol": "oj-10",
        "rows": ours.height,
        **_rounded(figures),
        "coverage80_by_product": _rounded({"least": by_product.min(), "most": by_product.max()}),
        "cost": {f"{ratio}:1": _rounded(priced(scored, ratio), 4) for ratio in RATIOS},
        "better_than": {name: _rounded(better(scored, name)) for name in _beside(scored)},
        "lightgbm": _peer(scored.filter(contender=PEER)),
        "cpu_s": round(cpu["ours"], 1),
        "lightgbm_cpu_s": round(cpu["theirs"], 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def within(low: str, high: str) -> pl.Expr:
    """The share of rows inside an interval."""
    return pl.col("units").is_between(low, high).mean()


def priced(scored: pl.DataFrame, ratio: int) -> dict[str, float]:
    """What each policy costs per unit sold: the newsvendor quantile of a contender, or its bare point."""
    policies = {
        "fleetcast": (POOLED, "quantile"),
        "fleetcast_segments": (SEGMENTS, "quantile"),
        "lightgbm": (PEER, "quantile"),
        "lightgbm_point": (PEER, "mape"),
        "mean": ("historical mean", "mape"),
        "last_week": ("last week", "mape"),
    }
    costs = {}
    for policy, (contender, column) in policies.items():
        rows = scored.filter(contender=contender)
        if not rows.height:
            continue
        wanted = pl.repeat(level(lost=ratio, returned=1), rows.height, eager=True)
        rows = rows.with_columns(quantile=quantity(rows, wanted))
        total = rows.select(cost(order=column, lost=float(ratio)) / pl.col("units").sum()).item()
        costs[policy] = float(total)
    return costs


def better(scored: pl.DataFrame, name: str) -> dict[str, float]:
    """By how much the pooled recipe's MAPE is below a contender's, with a 90 % interval over weeks."""
    pairs = paired(scored, POOLED, name)
    weekly = pairs.group_by("week").agg(pl.col("first", "second").sum()).sort("week")
    sums = [weekly[column].to_numpy() for column in ("first", "second")]
    low, high = np.quantile(over_weeks(sums, 1, lambda a, b: 1 - a / b), INTERVAL)
    value = 1 - sums[0].sum() / sums[1].sum()
    return {
        "mape": scored.filter(contender=name).select(100 * mape()).item(),
        "by": 100 * value,
        "low": 100 * low,
        "high": 100 * high,
    }


def _beside(scored: pl.DataFrame) -> list[str]:
    there = set(scored["contender"].unique())
    return [name for name in (*AVERAGES, "last week", PEER) if name in there]


def _peer(rows: pl.DataFrame) -> dict[str, float] | None:
    if not rows.height:
        return None
    coverage = 100 * within("q0.1", "q0.9")
    found = rows.select(mape=100 * mape(), wape=100 * wape(), bias=100 * bias(), coverage80=coverage)
    return _rounded(found.row(0, named=True))


def tell(scored: pl.DataFrame) -> None:
    """Every contender and every segment, for people, in percent."""
    figures = {
        "mape": 100 * mape(),
        "wape": 100 * wape(),
        "bias": 100 * bias(units_hat="mape"),
        "bias_mean": 100 * bias(units_hat="mean"),
        "cover80": 100 * within("q0.1", "q0.9"),
        "cover95": 100 * within("q0.025", "q0.975"),
    }
    ours = scored.filter(pl.col("contender").is_in([POOLED, SEGMENTS]))
    with pl.Config(
        tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, float_precision=1
    ):
        for rows, keys in (
            (scored, ["contender"]),
            (ours, ["contender", "segment"]),
            (scored.filter(contender=POOLED), ["product"]),
        ):
            print(rows.group_by(keys, maintain_order=True).agg(rows=pl.len(), **figures), file=sys.stderr)


def _rounded(figures: dict[str, float], digits: int = 2) -> dict[str, float]:
    return {name: round(value, digits) for name, value in figures.items()}


if __name__ == "__main__":
    main()
