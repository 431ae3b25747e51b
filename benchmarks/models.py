"""Ten thousand small models: what each costs to train, and to register, release and promote with its lineage.

python benchmarks/models.py. Each model has 512 rows of a made fleet. How costs grow with the number of models is an
exponent: 1 is in proportion. The last line is one JSON object; seconds are user and system seconds.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import made_fleet
import numpy as np
from made_fleet import LAST, NOW, Size

from fleetcast.domain.models import Dumped
from fleetcast.features.design import Examples
from fleetcast.features.view import design_at
from fleetcast.fleet import release
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.release import Origin
from fleetcast.fleet.run import work_through
from fleetcast.fleet.work import history
from fleetcast.models.lasso import Lasso
from fleetcast.models.net import Net
from fleetcast.registry.manifest import Reference
from fleetcast.registry.packs import pack
from fleetcast.workspace import Workspace

COUNTS = (1_000, 3_000, 10_000)
ROWS = 512
SEGMENTS = 70  # in a partition
SHARE = 10  # of the models of a count, one in so many is trained: training one does not know of the others
SOURCE = Size(1, 8, 20, 160)
VERDICT = {"passed": True, "reasons": [], "checks": [], "metrics": {"mape": 0.3}, "improvements": []}


def main() -> int:
    """Train, then register and release, at each count."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--most", type=int, default=COUNTS[-1], help="leave larger counts out")
    counts = [count for count in COUNTS if count <= arguments.parse_args().most]
    with tempfile.TemporaryDirectory() as scratch:
        w, _ = made_fleet.fill(Path(scratch) / "fleet", SOURCE, 2026)
        some = list(examples(w))
        fitted = {"lasso": Lasso().fit(some[0]), "net": Net().fit(some[0], seed=1)}  # compiles
        cost: dict[str, list[float]] = {"lasso": [], "net": [], "bookkeeping": []}
        for count in counts:
            trained = range(count // SHARE)
            cost["lasso"].append(_each(lambda k: Lasso().fit(some[k % len(some)]), trained))
            cost["net"].append(_each(lambda k: Net().fit(some[k % len(some)], seed=k), trained))
            empty, _ = made_fleet.fill(Path(scratch) / str(count), Size(1, 1, 1, 60), 2026)
            cost["bookkeeping"].append(_spent(lambda w=empty, n=count: kept(w, n, fitted)) / count)
            told = ", ".join(f"{part} {1e3 * seconds[-1]:.2f}" for part, seconds in cost.items())
            print(f"{count:>6} models, ms each: {told}", file=sys.stderr, flush=True)
    answer: dict[str, Any] = {"models": counts[-1], "rows": ROWS}
    for part, seconds in cost.items():
        answer[f"{part}_ms"] = round(1e3 * seconds[-1], 2)
        answer[f"{part}_exponent"] = _exponent(counts, seconds)
    print(json.dumps(answer))
    return 0


def examples(w: Workspace) -> Iterator[Examples]:
    """Small segments: a few series of the made fleet, at one horizon a week."""
    work_through(Cycle(w, LAST, Silent(), "benchmark"))
    known = history(w, w.lake.snapshot(w.tables.values()), (), partition="region-01", cutoff=LAST)
    design = design_at(known, LAST, w.tables, settings=w.settings)
    random = np.random.default_rng(2026)
    for _ in range(16):
        rows = np.zeros(len(design.panel), bool)
        rows[random.choice(len(rows), 8, replace=False)] = True
        learned = design.examples(rows=rows, training=True)
        yield learned.take(np.sort(random.choice(len(learned), ROWS, replace=False)))


def kept(w: Workspace, count: int, fitted: Mapping[str, Any]) -> None:
    """What the week does with `count` trained models: packs, lineage, versions, the manifest, the release, its promotion."""
    records = [record(w, first, min(first + SEGMENTS, count), fitted) for first in range(0, count, SEGMENTS)]
    names = [made["key"] for one in records for made in one["segments"]]
    verdicts = dict.fromkeys(names, VERDICT)
    origin = Origin("code", release.lock(), "snapshot", "settings", LAST)
    versions = release.register(
        records, verdicts, origin=origin, live=None, registry=w.registry, actor="benchmark"
    )
    baselines = {
        made["segment"]: Reference.to(versions[made["key"]]) for one in records for made in one["baselines"]
    }
    fleet = {made["key"]: one["partition"] for one in records for made in one["segments"]}
    chosen = release.members(fleet, versions, verdicts, {}, None, baselines, set(), {})
    manifest = release.manifest(
        chosen, baselines, verdicts, fleet=fleet, origin=origin, features="features", live=None
    )
    cut = w.registry.releases.cut(
        manifest, actor="benchmark", reason="benchmark", segments=names, baselines=set(fleet.values())
    )
    w.registry.releases.promote(
        cut.id, actor="benchmark", reason="benchmark", expected=None, policy="benchmark"
    )


def record(w: Workspace, first: int, end: int, fitted: Mapping[str, Any]) -> dict[str, Any]:
    """The training record of a partition of small segments, its pack in the bank."""
    partition = f"region-{first // SEGMENTS:04d}"
    names = [f"{partition}/{k:05d}" for k in range(first, end)]
    models = {name: _told(fitted, k) for k, name in enumerate(names)}
    averages = {f"{partition}#baseline": Dumped("baseline", {"mean": np.array([1.0])}, {})}
    made = {"recipe": "weekly-1", "p": 48, "features": "features", "full_fit": str(LAST), "warm_starts": 0}
    return {
        "partition": partition,
        "cutoff": LAST.isoformat(),
        "recipe": "weekly-1",
        "code": "code",
        "data": "data",
        "task": None,
        "pack": w.bank.put(pack(models)),
        "baseline_pack": w.bank.put(pack(averages)),
        "segments": [made | {"segment": name, "key": name, "seed": k} for k, name in enumerate(names)],
        "baselines": [{"segment": partition, "key": f"{partition}#baseline", "series": 8}],
        "pool": None,
        "failed": {},
        "ended": NOW,
    }


def _told(fitted: Mapping[str, Any], number: int) -> Dumped:
    """Both members under one key, told apart by a number: no two models are the same bytes."""
    arrays = {
        f"{name}/{key}": array for name, one in fitted.items() for key, array in one.dump().arrays.items()
    }
    meta = {name: one.dump().meta for name, one in fitted.items()}
    return Dumped("weekly", arrays | {"number": np.array([number])}, meta)


def _each(work: Callable[[int], object], numbers: range) -> float:
    """CPU seconds of one, on average."""
    return _spent(lambda: [work(k) for k in numbers]) / len(numbers)


def _spent(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _exponent(counts: list[int], each: list[float]) -> float | None:
    """Of the cost of all in their number, by least squares on logs."""
    if len(counts) < 2:
        return None
    total = np.log(np.array(counts) * np.array(each))
    return round(float(np.polyfit(np.log(counts), total, 1)[0]), 3)


if __name__ == "__main__":
    sys.exit(main())
