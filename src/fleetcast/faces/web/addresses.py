"""Where the pages about models are: addresses that other pages lead to."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from fleetcast.faces.web.page import Visit


def model_at(visit: Visit, segment: str, short: str = "") -> str:
    """The page of a segment's model; of one version of it where `short` names one."""
    query = "?" + urlencode({"v": short}) if short else ""
    return visit.at(f"/models/{quote(segment, safe='/')}{query}")


def region_at(visit: Visit, region: str) -> str:
    """The models of a region on the fleet page; of a fleet that is not parted, all of them."""
    key = visit.w.settings.segments.partition
    return visit.at("/fleet", **{key: region}) if key else visit.at("/fleet")


def compare_at(visit: Visit, names: Sequence[tuple[str, str]]) -> str:
    """Versions, by segment and number, held against each other."""
    return visit.at("/compare?" + urlencode([("m", f"{segment}@{short}") for segment, short in names]))


def compare_releases(visit: Visit, before: str | None, after: str) -> str:
    """Two releases held against each other; `before` None: there was none."""
    named = [release[:12] for release in (before, after) if release and before != after] or [after[:12]]
    return visit.at("/compare?" + urlencode([("r", name) for name in named]))


def act_at(visit: Visit, doing: str, **fields: str) -> str:
    """The page that asks once more before something is done."""
    return visit.at(f"/{doing}?" + urlencode(fields))
