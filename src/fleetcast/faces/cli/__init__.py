"""The command line: `fleetcast VERB`. Every verb parses, makes one call, and shows its answer."""

import os

from fleetcast.fleet.workers import FREED_MEMORY, ONE_BLAS_THREAD

# Unless somebody says otherwise, and before any engine is imported.
for _name, _value in (ONE_BLAS_THREAD | FREED_MEMORY).items():
    os.environ.setdefault(_name, _value)

from fleetcast.faces.cli.app import main  # noqa: E402

__all__ = ["main"]
