"""Dashboards for Grafana and rules for Prometheus, as files: here they lie, and `write` puts them where they are used."""

from importlib.resources import files
from pathlib import Path

KINDS = {"grafana": ".json", "prometheus": ".yml"}


def write(folder: Path) -> list[Path]:
    """Write them all below a folder, over what is there; the paths, sorted."""
    written = []
    for kind, ending in KINDS.items():
        place = folder / kind
        place.mkdir(parents=True, exist_ok=True)
        for file in files(__name__).joinpath(kind).iterdir():
            if file.name.endswith(ending):
                (place / file.name).write_text(file.read_text("utf-8"), "utf-8")
                written.append(place / file.name)
    return sorted(written)
