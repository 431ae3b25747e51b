"""What a notebook may override, by the tag of the cell: plain functions, with the signatures that production calls."""

from collections.abc import Mapping
from typing import Literal

Override = Literal["features", "recipe"]

TAGS: Mapping[Override, tuple[str, ...]] = {"features": ("features",), "recipe": ("fit", "predict")}
OPTIONAL: Mapping[Override, tuple[str, ...]] = {"features": (), "recipe": ("explain",)}  # beside those
FUNCTIONS: Mapping[str, str] = {
    "features": "(frame)",
    "fit": "(frame, *, seed)",
    "predict": "(model, frame)",
    "explain": "(model, frame)",
}
IMPORTS, PARAMETERS = "imports", "parameters"  # tags of cells that go with the functions
