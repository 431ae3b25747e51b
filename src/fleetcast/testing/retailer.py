"""A made-up retailer that is small enough for a test: a workspace and its truth, in a second."""

from dataclasses import dataclass
from pathlib import Path

from fleetcast.sources.sample import ERRATIC, create
from fleetcast.testing.truth import Truth, read_truth


@dataclass(frozen=True)
class TinyRetailer:
    """A demo workspace and, outside of it, what really happened."""

    workspace: Path
    truth_folder: Path

    @property
    def truth(self) -> Truth:
        return read_truth(self.truth_folder)


def tiny_retailer(
    folder: Path,
    *,
    regions: int = 2,
    stores: int = 4,
    products: int = 6,
    weeks: int = 110,
    seed: int = 2026,
    erratic: str | None = ERRATIC,
) -> TinyRetailer:
    """Write a small demo workspace into `folder`/demo and its truth beside it."""
    retailer = TinyRetailer(folder / "demo", folder / ".demo-truth")
    create(
        retailer.workspace,
        truth=retailer.truth_folder,
        regions=regions,
        stores=stores,
        products=products,
        weeks=weeks,
        seed=seed,
        erratic=erratic,
    )
    return retailer
