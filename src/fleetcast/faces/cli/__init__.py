"""The command line: `fleetcast VERB`. Every verb parses, makes one call, and shows its answer."""

from fleetcast.faces.cli.app import main

__all__ = ["main"]
