"""Providers of OpenID Connect that could not be used, or not be trusted."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from fleetcast.settings.problems import Found
from fleetcast.settings.references import REFERENCE
from fleetcast.settings.tree import OidcSettings, ServeSettings

_PLACE = ("serve", "oidc")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def protected(url: str) -> bool:
    """Whether nobody on the way reads or changes what is asked there: over TLS, or on this machine.

    >>> protected("https://login.example.com/fleet"), protected("http://127.0.0.1:3000"), protected("http://login.example.com")
    (True, True, False)
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _THIS_MACHINE)


def mistrusted(serve: ServeSettings) -> Iterator[Found]:
    """Every contradiction in how people sign in."""
    if serve.oidc is None:
        if not serve.passwords:
            instead = "write true, or name a provider in [serve.oidc]"
            yield Found(("serve", "passwords"), "is false, and there is no other way in", instead)
        return
    yield from _provider(serve.oidc)
    yield from _groups(serve.oidc)


def _provider(oidc: OidcSettings) -> Iterator[Found]:
    if not protected(oidc.issuer) or "?" in oidc.issuer:
        instead = 'write it as "https://login.example.com/fleet"; http:// is for this machine alone'
        yield Found((*_PLACE, "issuer"), f'"{oidc.issuer}" is no address of a provider', instead)
    if oidc.client_secret is not None and not REFERENCE.fullmatch(oidc.client_secret):
        place = (*_PLACE, "client_secret")
        yield Found(place, "is written out", 'write "env:NAME" of the variable that holds it')
    if "openid" not in oidc.scopes:
        yield Found((*_PLACE, "scopes"), "lacks openid", 'write it too, as ["openid", "profile", "email"]')


def _groups(oidc: OidcSettings) -> Iterator[Found]:
    place = (*_PLACE, "groups")
    if not oidc.groups:
        instead = 'write each as { group = "planners", role = "planner" }'
        yield Found(place, "names no group, so nobody is let in", instead)
    for index, mapped in enumerate(oidc.groups):
        if mapped.regions == ():
            yield Found((*place, index, "regions"), "names no region", "leave it out for all, or name some")
