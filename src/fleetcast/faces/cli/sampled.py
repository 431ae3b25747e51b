"""A sample, and a workspace that was started, on paper."""

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from fleetcast.faces.cli.paper import Place, next_steps

if TYPE_CHECKING:
    from fleetcast.delivery.sampling import Sampled
    from fleetcast.delivery.starting import Started


def sampled(made: "Sampled", folder: str) -> Group:
    """What a sample holds, what of it is as it was, and what to type next."""
    size = f"{made.rows:,} rows, {made.files} files, {made.bytes / 1000:,.0f} kB"
    about = (
        f"{made.regions} regions, {made.stores} stores, {made.products} products from {made.first} on,"
        f" {len(made.segments)} segments: {size} in {made.folder}"
    )
    return Group(
        Text(about),
        _shown(made),
        "",
        next_steps(Place(folder, "dev"), ("ci model-validation", "try data, training and scoring on it")),
    )


def _shown(made: "Sampled") -> Text:
    kept = ", ".join((*made.codes, *made.shown))
    return Text(
        f"In the sample as they were, to be looked at before it is committed: {kept}, all dates.", "dim"
    )


def started(made: "Started") -> Group:
    """What was assumed of the file, a line each, and the first three commands."""
    place = Place(str(made.folder), "dev")
    lines = [Text(f"  {line}") for line in made.assumed]
    return Group(
        Text(f"A workspace, {made.package}, in {made.folder}; its sample has {made.sample.rows:,} rows."),
        "",
        Text("What the file says", "bold"),
        *lines,
        *(Text(f"! {what}", "yellow") for what in made.left_out),
        "",
        _shown(made.sample),
        "",
        next_steps(
            place,
            ("ci model-validation --local", "try data, training and scoring on the sample"),
            ("doctor", "look at settings and files"),
            ("run", "do the week, from the file to forecasts"),
        ),
    )
