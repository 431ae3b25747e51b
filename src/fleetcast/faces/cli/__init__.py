"""The command line: `fleetcast VERB`. Every verb parses, makes one call, and shows its answer."""

import os

from fleetcast.fleet.workers import ONE_BLAS_THREAD

# Unless somebody says otherwise, and before any engine is imported.
for _name, _threads in ONE_BLAS_THREAD.items():
    os.environ.setdefault(_name, _threads)

from fleetcast.faces.cli.app import main  # noqa: E402

__all__ = ["main"]
