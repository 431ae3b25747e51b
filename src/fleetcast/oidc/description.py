"""What a provider says of itself (OpenID Connect Discovery): where it is asked what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleetcast.people.arrivals import TurnedAway, Why
from fleetcast.settings.oidc import protected

PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Description:
    """Addresses of a provider, and how it wants to be asked there."""

    authorization: str  # where people are sent
    token: str  # where a code is turned into tokens
    keys: str
    userinfo: str | None
    secret_in_form: bool  # whether the client's secret is sent there, and not in a header
    names_itself: bool  # whether it says who it is whenever somebody comes back (RFC 9207)


def described(document: Mapping[str, Any], issuer: str) -> Description:
    """What a document says; TurnedAway where it is of another provider, or names what others could read on the way."""
    if document.get("issuer") != issuer:
        told = f"{issuer} calls itself {str(document.get('issuer'))[:200]!r}; write that as [serve.oidc] issuer if it is meant"
        raise TurnedAway(Why.unreachable, told)
    ways = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Description(
        authorization=_address(document, "authorization_endpoint"),
        token=_address(document, "token_endpoint"),
        keys=_address(document, "jwks_uri"),
        userinfo=_address(document, "userinfo_endpoint") if "userinfo_endpoint" in document else None,
        secret_in_form="client_secret_post" in ways and "client_secret_basic" not in ways,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not protected(found):
        raise TurnedAway(Why.unreachable, f"its {name} is no address over TLS: {str(found)[:200]!r}")
    return found
