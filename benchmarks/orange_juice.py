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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from microsoft_lightgbm import MicrosoftLightGBM

from fleetcast import workspace
from fleetcast.backtesting.comparing import figures, paired
from fleetcast.backtesting.contenders import PLAIN, Contender, Trained
from fleetcast.backtesting.origin import Origin
from fleetcast.backtesting.replay import Entry, View, judged, replay, with_quantiles
from fleetcast.conditioning.movers import movers, sold
from fleetcast.conditioning.places import places
from fleetcast.conditioning.standard import Context
from fleetcast.demand import demand
from fleetcast.domain.history import History
from fleetcast.domain.tables import (
    CLUSTERS,
    DELIVERIES,
    EVENTS,
    MEMBERSHIP,
    PRODUCTS,
    RETURNS,
    STORES,
    WEATHER,
    as_known_at,
    whole,
)
from fleetcast.domain.week import WEEK, known_by
from fleetcast.metrics import mape
from fleetcast.orders import quantity
from fleetcast.pricing import cost, level
from fleetcast.resampling import interval
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
NO_CLUSTERS = pl.DataFrame(schema=CLUSTERS.types)
EXAMPLE = Path(__file__).parent.parent / "examples" / "orange-juice"

SEGMENTS, POOLED, PEER = "weekly", "weekly-pooled", "lightgbm"
AVERAGES = ("historical mean", "geometric mean", "historical median")
BESIDE = (*AVERAGES, "last week", PEER)
SHOWN = ("mape", "wape", "bias_mape", "bias", "coverage80", "coverage95")


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
    nobody = pl.DataFrame(schema=MEMBERSHIP.types).select(MEMBERSHIP.columns)
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
    stands = places(stores, NO_CLUSTERS, cutoff)
    pace = sold(net, cutoff=cutoff, settings=settings.segments.mover)
    moved = movers(pace, stands, history.membership, cutoff=cutoff, settings=settings.segments)
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
    found = {row["contender"]: row for row in figures(scored).iter_rows(named=True)}
    ours, segments = found[POOLED], found[SEGMENTS]
    by_product = figures(scored.filter(contender=POOLED), ["product"])["coverage80"]
    return {
        "protocol": "oj-10",
        "rows": ours["n"],
        "mape": _percent(ours["mape"]),
        "mape_segments": _percent(segments["mape"]),
        "wape": _percent(ours["wape"]),
        "rmse_all": round(ours["rmse_all"], 2),
        "bias": _percent(ours["bias_mape"]),
        "bias_mean": _percent(ours["bias"]),
        "bias_mean_segments": _percent(segments["bias"]),
        "coverage80": _percent(ours["coverage80"]),
        "coverage95": _percent(ours["coverage95"]),
        "coverage80_by_product": {"least": _percent(by_product.min()), "most": _percent(by_product.max())},
        "cost": {f"{ratio}:1": priced(scored, ratio) for ratio in RATIOS},
        "better_than": {name: better(scored, name, found[name]) for name in BESIDE if name in found},
        "lightgbm": _peer(found.get(PEER)),
        "cpu_s": round(cpu["ours"], 1),
        "lightgbm_cpu_s": round(cpu["theirs"], 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


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
        costs[policy] = round(float(total), 4)
    return costs


def better(scored: pl.DataFrame, name: str, theirs: Mapping[str, Any]) -> dict[str, float | None]:
    """By how much the pooled recipe's MAPE is below a contender's, with a 90 % interval over weeks."""
    weekly = paired(scored, POOLED, name).group_by("week").agg(pl.col("first", "second").sum()).sort("week")
    sums = [weekly[column].to_numpy() for column in ("first", "second")]
    low, high = interval(sums, 1, lambda a, b: 1 - a / b)
    value = 1 - sums[0].sum() / sums[1].sum()
    found = {"mape": theirs["mape"], "by": value, "low": low, "high": high}
    return {key: _percent(figure) for key, figure in found.items()}


def _peer(row: Mapping[str, Any] | None) -> dict[str, float | None] | None:
    shown = ("mape", "wape", "bias", "coverage80")
    return {name: _percent(row[name]) for name in shown} if row is not None else None


def tell(scored: pl.DataFrame) -> None:
    """Every contender and every segment, for people, in percent."""
    ours = scored.filter(pl.col("contender").is_in([POOLED, SEGMENTS]))
    with pl.Config(
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        float_precision=1,
    ):
        for rows, by in ((scored, []), (ours, ["segment"]), (scored.filter(contender=POOLED), ["product"])):
            percent = [pl.col(name) * 100 for name in SHOWN]
            print(figures(rows, by).select("contender", *by, "n", *percent), file=sys.stderr)


def _percent(figure: float | None) -> float | None:
    return round(100 * figure, 2) if figure is not None else None


if __name__ == "__main__":
    main()
