"""How large a cluster a fleet needs: the formula of docs/guide/cluster.md from measured weeks, and a simulation that backs it.

python benchmarks/sizing.py --regions 1000 --models 100000. Reads the newest run of each size that `make bench` has kept,
solves work = a · rows + b · models, and memory = base + m · rows of the largest partition; then lets workers take the
regions one after the other, largest first, with regions of very different size, nodes that take time to come, and tasks
that fail. The table goes to standard error; the last line is one JSON object.
"""

import argparse
import heapq
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from made_fleet import SIZES

KEPT = Path(__file__).parent.parent / ".bench"
CARRYING = 0.003  # CPU s a task costs beside its work, on Ray
WORKER_START = 17.0  # seconds, once for each worker
NODE_START = 120.0  # seconds until a cloud machine is there
FAILING = 0.01  # share of tasks that are tried a second time
SPREAD = 0.8  # standard deviation of the logarithm of a region's rows
SEGMENTS = 4  # of a made region: two formats, two movers
ROWS = 192_000  # of a region, as in size s
WORKERS = (2, 16, 64, 256, 1024)
SEED = 2026


@dataclass(frozen=True)
class Costs:
    """What was measured, in CPU seconds and MB."""

    per_row: float
    per_model: float
    first_per_row: float
    first_per_model: float
    base_mb: float
    mb_per_row: float  # of the largest partition


def main() -> int:
    """Solve, simulate, print."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--regions", type=int, default=1000)
    arguments.add_argument("--models", type=int, default=100_000)
    chosen = arguments.parse_args()
    costs = solved(newest())
    sizes = _regions(chosen.regions)
    work = costs.per_row * sizes + costs.per_model * chosen.models / chosen.regions
    total = float(work.sum() + CARRYING * len(work))
    rows = []
    for workers in WORKERS:
        seconds = simulated(work, workers)
        # What a worker does at most, and the largest task, which may be the last one to begin.
        formula = NODE_START + WORKER_START + (1 + FAILING) * total / workers + float(work.max())
        rows.append({"workers": workers, "hours": seconds / 3600, "formula_hours": formula / 3600})
    answer = {
        "regions": chosen.regions,
        "models": chosen.models,
        "rows": int(sizes.sum()),
        "cpu_hours": round(total / 3600, 2),
        "largest_task_s": round(float(work.max()), 1),
        "worker_mb": round(costs.base_mb + costs.mb_per_row * float(sizes.max())),
        "costs": asdict(costs),
        "weeks": [{key: round(value, 3) for key, value in row.items()} for row in rows],
    }
    _table(answer)
    print(json.dumps(answer))
    return 0


def newest() -> dict[str, dict[str, Any]]:
    """The newest run of each size."""
    found = {}
    for size in SIZES:
        runs = sorted(KEPT.glob(f"{size}-*.json"))
        if not runs:
            raise SystemExit(f"no run of size {size} in {KEPT}: `make bench SIZE={size}` makes one")
        found[size] = json.loads(runs[-1].read_text("utf-8"))
    return found


def solved(runs: dict[str, dict[str, Any]]) -> Costs:
    """Least squares over the sizes, each size weighing alike."""
    rows = np.array([SIZES[size].rows for size in runs], float)
    models = np.array([SIZES[size].regions * SEGMENTS for size in runs], float)
    largest = np.array([SIZES[size].rows / SIZES[size].regions for size in runs])
    week, first, peak = (
        np.array([run[key] for run in runs.values()]) for key in ("cpu_s", "first_cpu_s", "peak_mb")
    )
    a, b = _fit(np.column_stack([rows, models]), week)
    first_a, first_b = _fit(np.column_stack([rows, models]), first)
    base, per_row = _fit(np.column_stack([np.ones(len(peak)), largest]), peak)
    return Costs(a, b, first_a, first_b, base, per_row)


def _fit(columns: np.ndarray[Any, np.dtype[np.float64]], cost: np.ndarray[Any, Any]) -> tuple[float, float]:
    found, *_ = np.linalg.lstsq(columns / cost[:, None], np.ones(len(cost)), rcond=None)
    return float(found[0]), float(found[1])


def _regions(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows of each region, largest first: log-normal, `ROWS` on average."""
    drawn = np.exp(np.random.default_rng(SEED).normal(-(SPREAD**2) / 2, SPREAD, count))
    return np.sort(ROWS * drawn / drawn.mean())[::-1]


def simulated(work: np.ndarray[Any, np.dtype[np.float64]], workers: int) -> float:
    """Seconds until the last of these tasks is done: each free worker takes the next; one that fails does so at its end."""
    random = np.random.default_rng(SEED)
    free = [NODE_START * random.uniform(0.5, 1.0) + WORKER_START for _ in range(workers)]
    heapq.heapify(free)
    end = 0.0
    for task in work:
        tries = 1 + (random.random() < FAILING)
        done = heapq.heappop(free) + tries * (float(task) + CARRYING)
        end = max(end, done)
        heapq.heappush(free, done)
    return end


def _table(answer: dict[str, Any]) -> None:
    fleet = f"{answer['regions']:,} regions, {answer['models']:,} models, {answer['rows']:,} rows"
    lines = [
        f"{fleet}: {answer['cpu_hours']} CPU hours a week, {answer['worker_mb']:,} MB a worker",
        f"{'workers':>8}{'hours':>9}{'formula':>9}",
    ]
    lines += [f"{w['workers']:>8}{w['hours']:>9.2f}{w['formula_hours']:>9.2f}" for w in answer["weeks"]]
    print("\n".join(lines), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
