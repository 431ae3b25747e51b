"""ID tokens: who somebody is, as their provider signed it, for us and for this sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from fleetcast.domain.errors import UsageError
from fleetcast.people.arrivals import TurnedAway, Why

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

SKEW = 60  # seconds that the provider's clock may be off
LONGEST = 255  # characters of a subject, as the standard has it
# Signatures that only the provider can make. What a client's secret would sign, and what nobody signed, is none of them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_KINDS = {"RSA", "EC"}


class UnknownKey(Exception):
    """A token is signed by a key that was not there when keys were last looked at."""


def installed() -> None:
    """UsageError where the library is not there."""
    try:
        import joserfc  # noqa: F401 — that it is there is all that is asked
    except ImportError as error:
        raise UsageError(
            "[serve.oidc] needs joserfc, which is not installed: pip install 'fleetcast[oidc]'"
        ) from error


@dataclass(frozen=True)
class Keys:
    """The keys that a provider signs by."""

    held: "KeySet"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Those of a document that can have signed a token; others that it may hold are left out."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet, import_key

        found = []
        listed = document.get("keys")
        for one in listed if isinstance(listed, list) else []:
            if isinstance(one, dict) and one.get("kty") in _KINDS:
                try:
                    found.append(import_key(one))
                except (JoseError, ValueError, TypeError, KeyError):
                    continue  # of a curve we do not know, or broken: a token by it is refused like any other
        return cls(KeySet(found))

    def verified(
        self, token: str, *, issuer: str, client_id: str, nonce: str, now: datetime
    ) -> dict[str, Any]:
        """What a token says; TurnedAway unless the issuer signed it, for us, for this sign-in, and lately."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        claims = self._signed(token)
        expected = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=SKEW,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            expected.validate(claims)
        except JoseError as error:
            raise TurnedAway(Why.untrusted, f"its token does not hold: {error}") from error
        _of_us_alone(claims, client_id)
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        try:
            return jwt.decode(token, self.held, algorithms=ALGORITHMS).claims
        except InvalidKeyIdError as error:
            raise UnknownKey from error
        except (JoseError, ValueError, RecursionError) as error:
            told = f"its signature does not hold ({type(error).__name__})"
            raise TurnedAway(Why.untrusted, told) from error


def _of_us_alone(claims: Mapping[str, Any], client_id: str) -> None:
    """A token for several says which of them it was made for."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise TurnedAway(Why.untrusted, "its token was made for another program")
    if len(claims["sub"]) > LONGEST:
        raise TurnedAway(Why.untrusted, f"its subject is longer than {LONGEST} characters")
