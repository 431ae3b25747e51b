"""The provider that the settings name, and the two steps of a sign-in with it: there, and back (authorization code, PKCE)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from fleetcast.oidc.asking import Wire, basic
from fleetcast.oidc.description import PATH, Description, described
from fleetcast.oidc.grants import grant, groups_of
from fleetcast.oidc.tokens import Keys, UnknownKey, installed
from fleetcast.people.arrivals import Arrival, TurnedAway, Why
from fleetcast.people.departures import Departure
from fleetcast.settings import OidcSettings
from fleetcast.settings.references import resolved

FRESH = timedelta(hours=1)  # that what a provider says of itself holds
_SAID_NO = {"access_denied", "login_required", "consent_required", "interaction_required"}
_NAMES = ("preferred_username", "email", "name", "sub")  # what somebody is called: the first that is said


@dataclass
class Provider:
    """Asked by several threads: what it remembers is replaced whole, and asking twice does no harm."""

    settings: OidcSettings
    secret: str | None = field(repr=False)
    clock: Callable[[], datetime]

    def __post_init__(self) -> None:
        self._wire = Wire(self.settings.issuer, self.settings.seconds)
        self._described: tuple[datetime, Description] | None = None
        self._keys: Keys | None = None

    @classmethod
    def open(cls, settings: OidcSettings, clock: Callable[[], datetime]) -> Self:
        """The provider of the settings, with its secret; UsageError where that or a library is missing."""
        installed()
        written = settings.client_secret
        secret = None if written is None else resolved(written, "[serve.oidc] client_secret")
        return cls(settings, secret, clock)

    def leave(self, departure: Departure, back: str) -> str:
        """Where somebody is sent, who is to come back to an address of ours."""
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(self.settings.scopes),
            "state": departure.state,
            "nonce": departure.nonce,
            "code_challenge": departure.challenge,
            "code_challenge_method": "S256",
        }
        there = self._description().authorization
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}"

    def arrived(self, departure: Departure, back: str, said: Mapping[str, str]) -> Arrival:
        """Who came back, by what the address they came by said; TurnedAway for whom the provider does not vouch."""
        self._answered(said)
        answer = self._exchanged(departure, back, said["code"])
        claims = self._verified(str(answer.get("id_token", "")), departure.nonce)
        claims = self._completed(claims, str(answer.get("access_token", "")))
        called = next(str(claims[name]) for name in _NAMES if isinstance(claims.get(name), str))
        groups = groups_of(claims, self.settings.claim)
        granted = grant(groups, self.settings.groups)
        return Arrival(self.settings.issuer, claims["sub"], called, granted, groups)

    def _answered(self, said: Mapping[str, str]) -> None:
        """TurnedAway unless this provider, and no other that somebody could be confused with, sends a code."""
        named = said.get("iss")
        if named != self.settings.issuer and (named is not None or self._description().names_itself):
            raise TurnedAway(Why.untrusted, "another provider than ours sent them back")
        if error := said.get("error"):
            raise TurnedAway(Why.denied if error in _SAID_NO else Why.unreachable, repr(error[:200]))
        if not said.get("code"):
            raise TurnedAway(Why.untrusted, "they came back without a code")

    def _exchanged(self, departure: Departure, back: str, code: str) -> dict[str, Any]:
        """The tokens that a code is worth, once."""
        there, client = self._description(), self.settings.client_id
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": departure.verifier,
        }
        if self.secret is None:
            status, answer = self._wire.post(there.token, fields | {"client_id": client})
        elif there.secret_in_form:
            shown = {"client_id": client, "client_secret": self.secret}
            status, answer = self._wire.post(there.token, fields | shown)
        else:
            status, answer = self._wire.post(there.token, fields, basic(client, self.secret))
        if status == 400 and answer.get("error") == "invalid_grant":
            raise TurnedAway(Why.expired, "the code is worth nothing")
        if status != 200:
            told = f"{there.token} answers {status}: {str(answer.get('error'))[:200]!r}"
            raise TurnedAway(Why.unreachable, told)
        return answer

    def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        """What an ID token says. Keys change, so one that is not known is looked for once more."""

        def held_against(keys: Keys) -> dict[str, Any]:
            us, issuer = self.settings.client_id, self.settings.issuer
            return keys.verified(token, issuer=issuer, client_id=us, nonce=nonce, now=self.clock())

        try:
            return held_against(self._known_keys(again=False))
        except UnknownKey:
            keys = self._known_keys(again=True)
        try:
            return held_against(keys)
        except UnknownKey as error:
            raise TurnedAway(Why.untrusted, "its token is signed by a key that it does not have") from error

    def _completed(self, claims: dict[str, Any], access: str) -> dict[str, Any]:
        """The claims, with those that many providers tell only who asks for them."""
        there = self._description().userinfo
        told = claims.get(self.settings.claim) is not None and any(name in claims for name in _NAMES[:2])
        if told or there is None or not access:
            return claims
        more = self._wire.get(there, access)
        if more.get("sub") != claims["sub"]:
            raise TurnedAway(Why.untrusted, "it speaks of somebody else than its token")
        return more | claims

    def _description(self) -> Description:
        now = self.clock()
        if self._described is None or now - self._described[0] > FRESH:
            issuer = self.settings.issuer
            found = described(self._wire.get(issuer.rstrip("/") + PATH), issuer)
            self._described, self._keys = (now, found), None
        return self._described[1]

    def _known_keys(self, *, again: bool) -> Keys:
        where, known = self._description().keys, self._keys
        if again or known is None:
            known = self._keys = Keys.of(self._wire.get(where))
        return known
