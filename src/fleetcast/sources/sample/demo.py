"""The demo workspace: its code and settings, the retailer's raw files in `data/`, and the truth somewhere else."""

import json
import re
import tomllib
from dataclasses import asdict
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from fleetcast.domain.errors import UsageError
from fleetcast.sources.sample import files, trade
from fleetcast.sources.sample.retailer import DEPOT, ERRATIC, Retailer, simulate

SETTINGS = "fleetcast.toml"
CACHES = {
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
}  # what tools leave in a template they looked at
SAMPLE = {"stores": 2, "products": 6, "weeks": 80}  # of the small data set beside it: a retailer of its own


def create(
    folder: Path,
    *,
    truth: Path,
    regions: int = 14,
    stores: int = 12,
    products: int = 40,
    weeks: int = 160,
    seed: int = 2026,
    erratic: str | None = ERRATIC,
) -> None:
    """Write the demo workspace into `folder`, and what the simulator knows into `truth`, which must lie outside of it.

    Its sample is of another, smaller retailer, whose files have no flaws. Counts are regions, stores per region,
    products, and weeks of history. Equal arguments write equal bytes.
    """
    if truth.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"the truth may not lie in the workspace: {truth} is inside {folder}; name a folder beside it"
        )
    if (folder / SETTINGS).exists():
        raise UsageError(f"{folder} is a workspace already; remove it first, or name another folder")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not truth.exists()):
        raise UsageError(
            f"{folder} holds something else, and a demo needs a place of its own; name another folder"
        )
    retailer = simulate(
        regions=regions, stores=stores, products=products, weeks=weeks, seed=seed, erratic=erratic
    )
    planted = files.write(retailer, folder / "data")
    _keep(retailer, planted, truth)
    template(folder)
    few = simulate(
        regions=regions,
        stores=min(stores, SAMPLE["stores"]),
        products=min(products, SAMPLE["products"]),
        weeks=min(weeks, SAMPLE["weeks"]),
        seed=seed + 1,
        erratic=None,
    )
    files.write(_one_of_each_layout(few), folder / "sample" / "data", sound=True)
    settings = (folder / SETTINGS).read_text("utf-8")
    (folder / SETTINGS).write_text(with_files(settings, folder), "utf-8")


def _one_of_each_layout(retailer: Retailer) -> Retailer:
    """The retailer with a region for each way in which deliveries arrive, and no other."""
    regions = retailer.stores["region"].unique(maintain_order=True)
    taken = {DEPOT if r == DEPOT else files.SENDERS.get(r, files.US): r for r in reversed(regions.to_list())}
    return retailer.only(list(taken.values()))


def with_files(settings: str, folder: Path) -> str:
    """The text of the settings without the sources that sent nothing: a smaller retailer has fewer of them."""
    for name, source in tomllib.loads(settings)["sources"].items():
        if not any(folder.glob(source["path"])):
            block = rf"(?ms)^\[sources\.{name}\].*?(?=^\[(?!sources\.{name}\.)|^# ---|\Z)"
            settings = re.sub(block, "", settings)
    return settings


def _keep(retailer: Retailer, planted: files.Planted, truth: Path) -> None:
    truth.mkdir(parents=True, exist_ok=True)
    retailer.history.write_parquet(truth / "history.parquet")
    told = {
        "seed": retailer.seed,
        "first": str(retailer.first),
        "last": str(retailer.last),
        "erratic": retailer.erratic,
        "law": {"surprise": trade.SURPRISE, "shape": trade.SHAPE},
        "effects": {
            "elasticity": retailer.elasticity,
            "promotion": trade.PROMOTED,
            "warmth": trade.WARMTH,
            "heat": trade.HEAT,
            "events": trade.EVENTS,
        },
        **{name: told for name, told in asdict(planted).items() if name != "sound"},
    }
    (truth / "truth.json").write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def template(folder: Path) -> None:
    """The demo's code and settings, without any files to read."""
    _copy(resources.files(__package__).joinpath("workspace"), folder)


def _copy(tree: Traversable, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in tree.iterdir():
        if entry.is_dir() and entry.name not in CACHES:
            _copy(entry, folder / entry.name)
        elif entry.is_file():
            (folder / entry.name).write_bytes(entry.read_bytes())
