"""Connections to other machines, by the proxy that the environment's variables name for them."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    from urllib3 import PoolManager, Timeout


def pool(url: str, timeout: "Timeout") -> "PoolManager":
    """What asks for this address, and others of its host."""
    from urllib3 import PoolManager, ProxyManager

    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    return ProxyManager(proxy, timeout=timeout) if proxy else PoolManager(timeout=timeout)
