"""The weekly cycle at a size, stage by stage: CPU, memory, accuracy, beside what people use today on the same rows.

python benchmarks/cycle.py --size s --peers. Counted are user and system seconds of all processes after imports; the first
run compiles, and stands on a line of its own. The table goes to standard error; the last line is one JSON object.
"""

import argparse
import cProfile
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import made_fleet
import polars as pl
from machine import Ceilings, ceilings
from made_fleet import AHEAD, LAST, SIZES, Size

from fleetcast.domain.tables import DEMAND, FORECASTS, ROUNDS
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import Cycle
from fleetcast.metrics import mape, wape
from fleetcast.workspace import Workspace

SEED = 2026
KEY = ["week", "store", "product"]
HERE = Path(__file__).parent
KEPT = HERE.parent / ".bench"  # history, one file per run
PEERS = Path(os.environ.get("PEERS_PYTHON", HERE.parent / ".venv-peers" / "bin" / "python"))

# Parts of the cycle by the functions that do them; none of them calls another.
PARTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "load": (("lake/history.py", "read_history"),),
    "features": (
        ("features/view.py", "design_at"),
        ("features/design.py", "_part"),
        ("features/examples.py", "stacked"),
    ),
    "lasso": (("models/lasso.py", "fit"),),
    "nets": (("models/net.py", "fit"),),
    "scores": (("models/weekly.py", "predict"), ("models/weekly.py", "tuning")),
}


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
    chosen = arguments.parse_args()
    size = SIZES[chosen.size]
    with tempfile.TemporaryDirectory() as scratch:
        limits = ceilings(Path(scratch))
        cold = _cold(Path(scratch) / "cold")
        w, held_back = made_fleet.fill(Path(scratch) / "fleet", size, SEED)
        ours = run(w, held_back)
        peers = run_peers(size, Path(scratch) / "peers", held_back) if chosen.peers else {}
    answer = _answer(chosen.size, size, ours, peers) | {"cold_cpu_s": round(cold, 1)}
    _table(answer, ours, peers, limits)
    kept = {key: ours[key] for key in ("stages", "stage_peak_mb", "parts")}
    _keep(answer | kept | {"machine": limits.as_dict()})
    print(json.dumps(answer))
    return 0


def run(w: Workspace, held_back: pl.DataFrame) -> dict[str, Any]:
    """One cycle of the default recipe, and how its forecasts met what was held back."""
    stages, profile = Stages(), cProfile.Profile(time.process_time)
    cycle = Cycle(w, LAST, stages, "benchmark")
    before = spent()
    profile.enable()
    cycle.run(None)
    profile.disable()
    forecasts = w.lake.read(FORECASTS)
    rounds = w.lake.read(ROUNDS)
    live = w.registry.releases.current()
    lineage = w.registry.models.get(next(iter(live.manifest.members.values())).model).lineage if live else {}
    return {
        "cpu_s": spent() - before,
        "peak_mb": peak_mb(),
        "stages": {name: round(value, 2) for name, value in stages.cpu.items()},
        "stage_peak_mb": {name: round(value) for name, value in stages.peak_mb.items()},
        "parts": parts(profile),
        "p": lineage.get("p"),
        "segments": len(live.manifest.members) if live else 0,
        "passed": sum(member.passed for member in live.manifest.members.values()) if live else 0,
        "rounds": rounds["origin"].n_unique(),
        **judged(held_back, forecasts.select(*KEY, "mape", "median")),
        "baseline_wape": _baseline(w, held_back),
    }


def parts(profile: cProfile.Profile) -> dict[str, float]:
    """CPU seconds within the functions of each part, whatever they call."""
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return {
        part: round(
            sum(
                entry[3]
                for (file, _, name), entry in stats.items()
                if any(file.endswith(path) and name == function for path, function in functions)
            ),
            2,
        )
        for part, functions in PARTS.items()
    }


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
        Cycle(w, LAST, Silent(), "benchmark").run(None)
        costs.append(spent() - before)
    return costs[0] - costs[1]


def _answer(name: str, size: Size, ours: Mapping[str, Any], peers: Mapping[str, Any]) -> dict[str, Any]:
    cycle = ours["cpu_s"] - ours["stages"].get("derive", 0.0) - ours["stages"].get("monitor", 0.0)
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
        "lasso_ratio": ratio(lasso.get("cpu_s"), ours["parts"]["lasso"]),
        "peak_mb": round(ours["peak_mb"]),
        "peer_peak_mb": lightgbm.get("peak_mb"),
        "wape": round(ours["wape"], 2),
        "peer_wape": round(lightgbm["wape"], 2) if lightgbm else None,
        "baseline_wape": round(ours["baseline_wape"], 2),
        "mape": round(ours["mape"], 2),
        "peer_mape": round(lightgbm["mape"], 2) if lightgbm else None,
        "increment_share": None,
    }


def _table(
    answer: Mapping[str, Any], ours: Mapping[str, Any], peers: Mapping[str, Any], limits: Ceilings
) -> None:
    lines = [
        f"size {answer['size']}: {answer['rows']:,} rows, p = {ours['p']}, {ours['rounds']} rounds",
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
    lines.append(f"historical mean: WAPE {ours['baseline_wape']:.2f}")
    lines.append(f"cold start: {answer['cold_cpu_s']} CPU s beyond a warm one")
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
