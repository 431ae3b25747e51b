"""The weekly cycle at a size, stage by stage: CPU, memory, accuracy, beside what people use today on the same rows.

python benchmarks/cycle.py --size s --peers. Counted are user and system seconds of all processes after imports; the first
run compiles, and stands on a line of its own. A fleet begins with a first week, which makes the rounds it is judged by,
then trains week by week; its networks go on from the week before, and in the ninth week they are trained from the
beginning: that week is the one measured, the others stand beside it as increments. The table goes to standard error; the
last line is one JSON object.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import made_fleet
import polars as pl
from machine import Ceilings, ceilings
from made_fleet import AHEAD, LAST, SIZES, Size

from fleetcast import workspace
from fleetcast.domain.tables import DELIVERIES, DEMAND, FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design
from fleetcast.features.view import design_at
from fleetcast.fleet import watching, work
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import work_through
from fleetcast.lake import store
from fleetcast.ledger.store import Ledger
from fleetcast.metrics import mape, wape
from fleetcast.models.lasso import Lasso
from fleetcast.models.net import Net
from fleetcast.models.weekly import FittedWeekly
from fleetcast.registry.bank import Bank
from fleetcast.registry.models import Models
from fleetcast.rounds.walk import LONGEST_CHAIN
from fleetcast.workspace import Workspace

SEED = 2026
HELD_BACK = "held-back.parquet"
KEY = ["week", "store", "product"]
HERE = Path(__file__).parent
KEPT = HERE.parent / ".bench"  # history, one file per run
LIMITS = HERE / "limits.json"  # size → the most that a week may cost, as a multiple of the machine's own work
PEERS = Path(os.environ.get("PEERS_PYTHON", HERE.parent / ".venv-peers" / "bin" / "python"))

# Parts of the cycle by the functions that do them, where they are called from; none of them calls another.
PARTS: Mapping[str, tuple[tuple[object, str], ...]] = {
    "load": ((work, "read_history"),),
    "features": ((Design, "of"), (Design, "_made")),
    "lasso": ((Lasso, "fit"),),
    "nets": ((Net, "fit"),),
    "scores": ((FittedWeekly, "predict"), (FittedWeekly, "tuning")),
}
MODELS = ("features", "lasso", "nets", "scores")  # what would have to be done without a framework too
# What the framework keeps of them: contracts, ledger, lineage, registry.
KEEPING: Mapping[str, tuple[tuple[object, str], ...]] = {
    "contracts": ((store, "checked"),),
    "ledger": tuple((Ledger, name) for name in ("done", "begin", "finish", "append", "move_pointer")),
    "registry": ((Models, "register"), (Bank, "put")),
}
# What looks at production and makes no forecast: like conditioning, the peers are spared it.
SPARED: Mapping[str, tuple[tuple[object, str], ...]] = {"watch": ((watching, "watch"),)}


@dataclass
class Stages:
    """A `Progress` that notes what each stage of a cycle cost: CPU seconds, and the peak of memory by its end."""

    cpu: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)

    def stage(self, name: str, total: int | None) -> None:  # noqa: ARG002 — the protocol's
        self._began[name] = spent()

    def advance(self, name: str, note: str = "") -> None:
        """Nothing."""

    def done(self, name: str, note: str) -> None:
        self.cpu[name] = spent() - self._began[name]
        self.peak_mb[name] = peak_mb()
        print(f"· {name}: {self.cpu[name]:.1f} CPU s, {note}", file=sys.stderr, flush=True)


def main() -> int:
    """Make the fleet, run its week, compare, print."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--size", choices=list(SIZES), default="xs")
    arguments.add_argument(
        "--peers", action="store_true", help="run mlforecast with LightGBM and LassoCV on the same rows"
    )
    arguments.add_argument(
        "--check", action="store_true", help="fail when the week costs more than the limit of its size"
    )
    chosen = arguments.parse_args()
    size = SIZES[chosen.size]
    with tempfile.TemporaryDirectory() as scratch:
        limits = apart(ceilings, Path(scratch))
        cold = apart(_cold, Path(scratch) / "cold")
        apart(_fill, Path(scratch) / "fleet", size)
        held_back = pl.read_parquet(Path(scratch) / "fleet" / HELD_BACK)
        ours = run(workspace.open(Path(scratch) / "fleet", clock=lambda: made_fleet.NOW), held_back)
        peers = run_peers(size, Path(scratch) / "peers", held_back) if chosen.peers else {}
    answer = _answer(chosen.size, size, ours, peers) | {
        "cold_cpu_s": round(cold, 1),
        "times_machine": round(ours["cpu_s"] / limits.work_s, 2),
    }
    _table(answer, ours, peers, limits)
    kept = {
        key: ours[key]
        for key in ("stages", "stage_peak_mb", "parts", "squared_cpu_s", "first_cpu_s", "increments_cpu_s")
    }
    _keep(answer | kept | {"machine": limits.as_dict()})
    print(json.dumps(answer))
    return _checked(answer) if chosen.check else 0


def apart(function: Callable[..., Any], *given: Any) -> Any:
    """What a function returns in a process of its own, whose memory is none of the week's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


def _fill(folder: Path, size: Size) -> None:
    _, held_back = made_fleet.fill(folder, size, SEED)
    held_back.write_parquet(folder / HELD_BACK)


def _checked(answer: Mapping[str, Any]) -> int:
    """1 when the week cost more, in multiples of what the machine needs for its own work, than it may."""
    most = json.loads(LIMITS.read_text("utf-8"))[answer["size"]]
    if answer["times_machine"] <= most:
        return 0
    print(
        f"a week of size {answer['size']} cost {answer['times_machine']} times the machine's own work, more than {most}: "
        "find out why, or raise benchmarks/limits.json with the reason in the commit",
        file=sys.stderr,
    )
    return 1


def run(w: Workspace, held_back: pl.DataFrame) -> dict[str, Any]:
    """Weeks of the default recipe up to one in which everything is fitted anew; how its forecasts met what was held back."""
    first, *increments, full = [week(w, LAST - back * WEEK) for back in reversed(range(LONGEST_CHAIN + 2))]
    forecasts = w.lake.read(FORECASTS).filter(pl.col("cycle") == LAST)
    live = w.registry.releases.current()
    lineage = w.registry.models.get(next(iter(live.manifest.members.values())).model).lineage if live else {}
    if lineage.get("warm_starts") != 0:
        raise SystemExit("the measured week is no full fit")
    return {
        "cpu_s": full.cpu_s,
        "first_cpu_s": round(first.cpu_s, 1),
        "increments_cpu_s": [round(increment.cpu_s, 2) for increment in increments],
        "peak_mb": peak_mb(),
        "stages": {name: round(value, 2) for name, value in full.stages.cpu.items()},
        "stage_peak_mb": {name: round(value) for name, value in full.stages.peak_mb.items()},
        "parts": full.parts,
        "p": lineage.get("p"),
        "segments": len(live.manifest.members) if live else 0,
        "passed": sum(member.passed for member in live.manifest.members.values()) if live else 0,
        "squared_cpu_s": round(squared(w), 2),
        "contracts_scan": round(contracts(w), 2),
        **judged(held_back, forecasts.select(*KEY, "mape", "median")),
        "baseline_wape": _baseline(w, held_back),
    }


@dataclass(frozen=True)
class Week:
    """What a week's cycle cost, without conditioning, monitoring and the watch for incidents, which the peers are spared."""

    cpu_s: float
    stages: Stages
    parts: dict[str, float]


def week(w: Workspace, cutoff: date) -> Week:
    """Run the cycle of a week, and time its stages and parts."""
    stages = Stages()
    with timed() as parts:
        before = spent()
        work_through(Cycle(w, cutoff, stages, "benchmark"))
        cost = spent() - before
    spared = sum(stages.cpu.get(name, 0.0) for name in ("derive", "monitor")) + parts["watch"]
    return Week(cost - spared, stages, {part: round(cpu, 2) for part, cpu in parts.items()})


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """CPU seconds within the functions of each part, whatever they call. (A profiler would cost more than some parts.)"""
    parts = {**PARTS, **KEEPING, **SPARED}
    found = dict.fromkeys(parts, 0.0)
    held = [(owner, name, getattr(owner, name)) for functions in parts.values() for owner, name in functions]
    for part, functions in parts.items():
        for owner, name in functions:
            setattr(owner, name, _timing(getattr(owner, name), part, found))
    try:
        yield found
    finally:
        for owner, name, function in held:
            setattr(owner, name, function)


def _timing(function: Callable[..., Any], part: str, found: dict[str, float]) -> Callable[..., Any]:
    @wraps(function)
    def timing(*given: Any, **named: Any) -> Any:
        before = time.process_time()
        try:
            return function(*given, **named)
        finally:
            found[part] += time.process_time() - before

    return timing


def squared(w: Workspace) -> float:
    """CPU seconds of the squared-loss LASSO of every segment, twelve alphas each, on examples that are there."""
    snapshot, cost = w.lake.snapshot(w.tables.values()), 0.0
    for partition in work.partitions(w):
        past = work.history(w, snapshot, (), partition=partition, cutoff=LAST)
        design = design_at(past, LAST, w.tables, settings=w.settings)
        segment = design.panel.series["segment"]
        for name in segment.unique().sort():
            examples = design.examples(rows=(segment == name).to_numpy(), training=True)
            before = time.process_time()
            Lasso(passes=0).fit(examples)
            cost += time.process_time() - before
    return cost


def contracts(w: Workspace) -> float:
    """What holding all deliveries against their contract costs, in multiples of reading them."""
    reading = holding = 0.0
    for partition in work.partitions(w):
        before = time.process_time()
        rows = w.lake.read(DELIVERIES, partition=partition).with_columns(batch=pl.lit("made"))
        between = time.process_time()
        store.checked(DELIVERIES, rows)
        reading, holding = reading + between - before, holding + time.process_time() - between
    return holding / reading


def judged(held_back: pl.DataFrame, forecasts: pl.DataFrame) -> dict[str, float]:
    """WAPE of the median and MAPE of the `mape` forecast, in percent, over the weeks held back."""
    rows = held_back.join(forecasts, on=KEY)
    if rows.height < 0.99 * held_back.height:
        raise SystemExit(f"only {rows.height:,} of {held_back.height:,} rows held back have a forecast")
    return {
        "wape": 100 * rows.select(wape("units", "median")).item(),
        "mape": 100 * rows.select(mape("units", "mape")).item(),
    }


def _baseline(w: Workspace, held_back: pl.DataFrame) -> float:
    """WAPE of the historical mean of each series, in percent."""
    mean = w.lake.read(DEMAND).group_by("store", "product").agg(pl.col("units").mean().alias("average"))
    rows = held_back.join(mean, on=["store", "product"])
    return 100 * float(rows.select(wape("units", "average")).item())


def run_peers(size: Size, folder: Path, held_back: pl.DataFrame) -> dict[str, Any]:
    """mlforecast with LightGBM, and with LassoCV, segment by segment, in a process and an environment of their own."""
    if not PEERS.exists():
        raise SystemExit("the peers are not installed: `make bench PEERS=1` installs them")
    data = made_fleet.export(size, SEED, folder / "data")
    found = {}
    for model in ("lightgbm", "lasso"):
        out = folder / f"{model}.parquet"
        command = [str(PEERS), str(HERE / "peer_mlforecast.py"), str(data), str(out), "--model", model]
        command += ["--cutoff", LAST.isoformat(), "--ahead", str(AHEAD)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        told = json.loads(done.stdout.splitlines()[-1])
        forecasts = pl.read_parquet(out).with_columns(mape="units_hat", median="units_hat")
        found[model] = told | judged(held_back, forecasts.select(*KEY, "mape", "median"))
        print(f"· {model}: {told['cpu_s']:.1f} CPU s", file=sys.stderr, flush=True)
    return found


def spent() -> float:
    """User and system seconds of this process and the ones that ended under it."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cold(folder: Path) -> float:
    """The cycle of the smallest fleet, from nothing compiled; what it cost beyond the same cycle again."""
    folder.mkdir()
    costs = []
    for turn in ("first", "second"):
        w, _ = made_fleet.fill(folder / turn, SIZES["xs"], SEED)
        before = spent()
        work_through(Cycle(w, LAST, Silent(), "benchmark"))
        costs.append(spent() - before)
    return costs[0] - costs[1]


def _answer(name: str, size: Size, ours: Mapping[str, Any], peers: Mapping[str, Any]) -> dict[str, Any]:
    cycle, increments = ours["cpu_s"], ours["increments_cpu_s"]
    lightgbm, lasso = peers.get("lightgbm", {}), peers.get("lasso", {})

    def ratio(peer: float | None, own: float) -> float | None:
        return round(peer / own, 2) if peer is not None and own > 0 else None

    return {
        "size": name,
        "rows": size.rows,
        "p": ours["p"],
        "cpu_s": round(cycle, 1),
        "peer_cpu_s": lightgbm.get("cpu_s"),
        "ratio": ratio(lightgbm.get("cpu_s"), cycle),
        "lasso_ratio": ratio(lasso.get("cpu_s"), ours["squared_cpu_s"]),
        "peak_mb": round(ours["peak_mb"]),
        "peer_peak_mb": lightgbm.get("peak_mb"),
        "wape": round(ours["wape"], 2),
        "peer_wape": round(lightgbm["wape"], 2) if lightgbm else None,
        "baseline_wape": round(ours["baseline_wape"], 2),
        "mape": round(ours["mape"], 2),
        "peer_mape": round(lightgbm["mape"], 2) if lightgbm else None,
        "increment_share": round(sum(increments) / len(increments) / cycle, 3),
        "overhead_share": round(
            sum(ours["parts"][p] for p in KEEPING) / sum(ours["parts"][p] for p in MODELS), 3
        ),
        "contracts_scan": ours["contracts_scan"],
    }


def _table(
    answer: Mapping[str, Any], ours: Mapping[str, Any], peers: Mapping[str, Any], limits: Ceilings
) -> None:
    lines = [
        f"size {answer['size']}: {answer['rows']:,} rows, p = {ours['p']}",
        f"{ours['passed']} of {ours['segments']} segments passed their gate",
        "machine, one thread: " + ", ".join(f"{name} {value}" for name, value in limits.as_dict().items()),
        f"{'stage':<12}{'CPU s':>9}{'µs a row':>10}{'peak MB':>9}",
    ]
    for name, cpu in (*ours["stages"].items(), *((f"  {part}", cpu) for part, cpu in ours["parts"].items())):
        peak = ours["stage_peak_mb"].get(name, "")
        lines.append(f"{name:<12}{cpu:>9.1f}{1e6 * cpu / answer['rows']:>10.2f}{peak:>9}")
    lines.append(f"{'':<12}{'CPU s':>9}{'peak MB':>10}{'WAPE':>8}{'MAPE':>8}")
    rows = {
        "fleetcast": {**ours, "cpu_s": answer["cpu_s"]},
        **{f"{k} (mlforecast)": v for k, v in peers.items()},
    }
    for name, row in rows.items():
        lines.append(
            f"{name:<22}{row['cpu_s']:>9.1f}{row['peak_mb']:>10.0f}{row['wape']:>8.2f}{row['mape']:>8.2f}"
        )
    lines.append(f"the first week, with its rounds: {ours['first_cpu_s']:.1f} CPU s")
    lines.append(
        f"the {len(ours['increments_cpu_s'])} weeks before, each: {statistics.mean(ours['increments_cpu_s']):.1f} CPU s"
    )
    lines.append(f"LASSO, squared loss alone: {ours['squared_cpu_s']} CPU s")
    lines.append(
        f"contracts, ledger, lineage and registry: {answer['overhead_share']:.1%} of the models' CPU;"
        f" a contract costs {answer['contracts_scan']} times the reading of its rows"
    )
    lines.append(f"historical mean: WAPE {ours['baseline_wape']:.2f}")
    lines.append(f"cold start: {answer['cold_cpu_s']} CPU s beyond a warm one")
    lines.append(f"the week: {answer['times_machine']} times the machine's own work")
    print("\n".join(lines), file=sys.stderr, flush=True)


def _keep(answer: Mapping[str, Any]) -> None:
    """One JSON file per run, named by size, commit and time, so that runs can be compared."""
    found = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    commit = found.stdout.strip() or "no-commit"
    KEPT.mkdir(exist_ok=True)
    at = time.strftime("%Y%m%dT%H%M%S")
    (KEPT / f"{answer['size']}-{at}-{commit}.json").write_text(
        json.dumps(answer | {"commit": commit}, indent=1)
    )


if __name__ == "__main__":
    sys.exit(main())
