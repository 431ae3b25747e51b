"""Fleetcast: a fleet of weekly demand-forecasting models in production."""

from importlib import import_module
from typing import Any

# The library's front door, by the module that holds it; loaded when it is asked for, so that importing Fleetcast is cheap.
_DOORS = {"session": "fleetcast.delivery.notebooks.opening", "step": "fleetcast.delivery.notebooks.debugging"}


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return getattr(import_module(_DOORS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
