"""May this be served there? Loopback always; anywhere else only to people who sign in, and over TLS."""

from collections.abc import Iterable
from ipaddress import ip_address

from fleetcast.domain.errors import PolicyRefusal
from fleetcast.people.accounts import Account
from fleetcast.settings import ServeSettings


def loopback(host: str) -> bool:
    """Whether only this machine can reach it.

    >>> loopback("127.0.0.1"), loopback("::1"), loopback("0.0.0.0"), loopback("localhost")
    (True, True, False, True)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_exposed(host: str, settings: ServeSettings, accounts: Iterable[Account]) -> None:
    """PolicyRefusal, with all that is missing, where others could reach what is not protected."""
    if loopback(host):
        return
    missing = []
    if settings.oidc is None and not any(account.signs_in for account in accounts):
        missing.append(
            "nobody can sign in: add people with `fleetcast user add`, or name a provider in [serve.oidc]"
        )
    if not (settings.certificate and settings.key) and not settings.proxies:
        missing.append(
            "there is no TLS: name [serve] certificate and key, or in [serve] proxies what ends TLS in front of it"
        )
    if not settings.names:
        missing.append("it has no name: say in [serve] names by which it is reached")
    if missing:
        raise PolicyRefusal(f"{host} can be reached by others, and " + "; ".join(missing), name="exposure")
