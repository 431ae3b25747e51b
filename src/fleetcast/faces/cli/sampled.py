"""A sample on paper."""

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from fleetcast.faces.cli.paper import Place, next_steps

if TYPE_CHECKING:
    from fleetcast.delivery.sampling import Sampled


def sampled(made: "Sampled", folder: str) -> Group:
    """What a sample holds, what of it is as it was, and what to type next."""
    size = f"{made.rows:,} rows, {made.files} files, {made.bytes / 1000:,.0f} kB"
    about = (
        f"{made.regions} regions, {made.stores} stores, {made.products} products from {made.first} on,"
        f" {len(made.segments)} segments: {size} in {made.folder}"
    )
    kept = ", ".join((*made.codes, *made.shown))
    return Group(
        Text(about),
        Text(f"As they were, to be looked at before it is committed: {kept}, and all dates.", "dim"),
        "",
        next_steps(Place(folder, "dev"), ("ci model-validation", "try data, training and scoring on it")),
    )
