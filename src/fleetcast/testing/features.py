"""The contract of a workspace's feature, to be held against any: what it breaks, in words.

from fleetcast import workspace
from fleetcast.testing.features import broken

def test_momentum_keeps_the_contract():
    workspace.open(Path(__file__).parents[1])
    assert broken("momentum", frame) == []
"""

import polars as pl

from fleetcast.delivery.notebooks.golden import Golden
from fleetcast.delivery.notebooks.golden import read as golden
from fleetcast.features.contract import tried
from fleetcast.features.written import KEY, UNITS
from fleetcast.own import in_use

__all__ = ["Golden", "broken", "golden", "made"]


def made(name: str, of: Golden) -> pl.DataFrame:
    """What a feature of the workspace in use makes of a golden frame now."""
    module, _ = in_use().module("features", name, "features(frame)", "COLUMNS")
    found: pl.DataFrame = module.features(of.given).select(*KEY, *module.COLUMNS)
    return found


def broken(name: str, given: pl.DataFrame, *, past: tuple[str, ...] = (UNITS,)) -> list[str]:
    """Everything in which a feature of the workspace in use breaks the contract, on a frame; an empty list is a pass."""
    module, _ = in_use().module("features", name, "features(frame)", "COLUMNS")
    found = tried(module.features, given, past)
    if found.problems:
        return found.problems
    declared = dict(module.COLUMNS)
    return (
        [] if found.columns == declared else [f"COLUMNS is {declared}, and what it reads is {found.columns}"]
    )
