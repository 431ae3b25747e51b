"""Where a request comes from: by which name we were reached, and whether a page of ours sent it."""

from collections.abc import Collection

from starlette.datastructures import Headers

SAFE = frozenset({"GET", "HEAD"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def reached_by(headers: Headers, names: Collection[str]) -> bool:
    """Whether the host that was asked for is one of our names: a page elsewhere cannot make its own name mean us.

    >>> reached_by(Headers({"host": "localhost:8000"}), {"localhost"}), reached_by(Headers({"host": "evil"}), {"localhost"})
    (True, False)
    """
    hosts = headers.getlist("host")
    return len(hosts) == 1 and _name(hosts[0]) in names


def from_us(method: str, scheme: str, headers: Headers) -> bool:
    """Whether a request that changes something was sent by a page of ours; one that only looks need not be.

    This is the whole of our protection against forged requests, beside cookies that are SameSite=Lax: browsers send
    `Origin` with every such request, or say by `Sec-Fetch-Site` that it is from the same origin.
    """
    origin = headers.get("origin")
    own = f"{scheme}://{headers.get('host', '')}"
    if origin is not None:
        return origin.lower() == own.lower()
    return method in SAFE or headers.get("sec-fetch-site") == "same-origin"


def _name(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
