"""What a reader who was granted some regions may see of a fleet: one rule for segments, one for rows."""

from fleetcast.domain.errors import NotFound
from fleetcast.domain.reach import segment_of
from fleetcast.workspace import Workspace

REGION = "region"
Regions = frozenset[str] | None  # None: all


def sees(w: Workspace, segment: str, regions: Regions) -> bool:
    """Whether a segment lies in regions that were granted; one that spans regions is for those who have them all."""
    if regions is None:
        return True
    parts = segment_of(segment).split("/")
    written = w.settings.segments
    for keys in (written.keys, written.baseline_keys):
        if len(keys) == len(parts):
            return REGION in keys and parts[keys.index(REGION)] in regions
    return False


def everything(regions: Regions, what: str) -> None:
    """NotFound for what is told of the whole fleet at once, unless all regions were granted."""
    if regions is not None:
        raise NotFound(f"there is no {what} for you: it is of the whole fleet")
