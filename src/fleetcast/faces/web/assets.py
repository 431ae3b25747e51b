"""Static files under names that have their digest in them, so that a browser may keep them for ever."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from fleetcast.domain.versions import digest

TYPES = {"css": "text/css", "js": "text/javascript", "woff2": "font/woff2", "svg": "image/svg+xml"}
KEPT = "public, max-age=31536000, immutable"  # a year


@dataclass(frozen=True)
class Asset:
    """A file of static/, as it is sent."""

    address: str
    content: bytes
    type: str


@cache
def assets() -> Mapping[str, Asset]:
    """All of them by their own name. The style sheet names the font, so the font is named first."""
    found: dict[str, Asset] = {}
    for name in ("inter.woff2", "htmx.js", "icon.svg", "app.css"):
        content = files(__package__).joinpath("static", name).read_bytes()
        for earlier in found.values():
            plain = earlier.address.rpartition("/")[2]
            content = content.replace(f'url("{_plain(plain)}")'.encode(), f'url("{plain}")'.encode())
        stem, _, kind = name.rpartition(".")
        found[name] = Asset(f"/static/{stem}.{digest(content)[:12]}.{kind}", content, TYPES[kind])
    return found


def address(name: str) -> str:
    """Where a file of static/ is found."""
    return assets()[name].address


def static(request: Request) -> Response:
    """The file of an address; only what is listed above is ever sent."""
    for asset in assets().values():
        if asset.address == request.url.path:
            return Response(asset.content, media_type=asset.type, headers={"cache-control": KEPT})
    return Response(status_code=404)  # not raised: nothing stands around the routes that would answer it


def _plain(named: str) -> str:
    """
    >>> _plain("inter.0123456789ab.woff2")
    'inter.woff2'
    """
    stem, _, kind = named.split(".")
    return f"{stem}.{kind}"
