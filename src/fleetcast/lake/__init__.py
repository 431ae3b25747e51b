"""The lake: conditioned and derived tables as Delta, named by content, verified on every read."""

from fleetcast.lake.changes import Change, classify
from fleetcast.lake.history import read_history
from fleetcast.lake.store import Lake

__all__ = ["Change", "Lake", "classify", "read_history"]
