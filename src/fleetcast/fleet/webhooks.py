"""A webhook says that a source has something new. It is believed by its signature, and says nothing else that is used.

Signed as the Standard Webhooks specification has it (https://www.standardwebhooks.com), which has libraries in ten languages: an
HMAC-SHA256 over id, time and body. It can only ring; what is taken in comes from where the settings say.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fleetcast.domain.errors import UsageError
from fleetcast.fleet.listening import Bell
from fleetcast.settings import Settings
from fleetcast.settings.references import resolved

WINDOW = timedelta(minutes=5)  # within which a message counts, before and after its time
LARGEST = 64 * 1024  # bytes of a body
SHORTEST = 24  # bytes of a secret, as the specification has it
UNBELIEVED = "the signature is not that of this message, or there is no such webhook"
PREFIX = "whsec_"  # of a secret in base64


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that is genuine and new enough; sent again within the window, it rings again, which changes nothing."""

    id: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not believed, with the HTTP status that says so."""

    status: int
    reason: str


def accepted(body: bytes, headers: Mapping[str, str], secret: bytes, now: datetime) -> Accepted | Refusal:
    """Whether whoever knows the secret has sent this, now. Names of headers are read in any case."""
    if len(body) > LARGEST:
        return Refusal(413, f"the body has more than {LARGEST} bytes")
    given = {name.lower(): value for name, value in headers.items()}
    message, stamp, signatures = (
        given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not (message and signatures and stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return Refusal(400, "webhook-id, webhook-timestamp (in seconds) or webhook-signature is missing")
    if not _signed(f"{message}.{stamp}.".encode() + body, signatures, secret):
        return Refusal(401, UNBELIEVED)
    seconds = int(stamp) - now.timestamp()
    if abs(seconds) > WINDOW.total_seconds():
        return Refusal(401, f"the message is of another time: {abs(seconds):.0f} seconds from now")
    return Accepted(message, datetime.fromtimestamp(int(stamp), UTC))


def _signed(content: bytes, signatures: str, secret: bytes) -> bool:
    """Whether one of the signatures is right; there are several while a secret is being changed."""
    right = base64.b64encode(hmac.digest(secret, content, hashlib.sha256))
    found = [one.removeprefix("v1,").encode() for one in signatures.split(" ") if one.startswith("v1,")]
    return any([hmac.compare_digest(right, one) for one in found])  # noqa: C419 — all are compared, whichever is right


def secret(settings: Settings, source: str) -> bytes | None:
    """The secret of a source's webhook; None where it has none."""
    declared = settings.webhooks.get(source)
    if declared is None:
        return None
    where = f"[webhooks.{source}] secret"
    text = resolved(declared.secret, where)
    try:
        key = (
            base64.b64decode(text.removeprefix(PREFIX), validate=True)
            if text.startswith(PREFIX)
            else text.encode()
        )
    except binascii.Error:
        raise UsageError(f"{where}: what follows {PREFIX} is no base64; make a new one") from None
    if len(key) < SHORTEST:
        raise UsageError(
            f"{where}: {len(key)} bytes are too few for a secret; make one of at least {SHORTEST}"
        )
    return key


def received(
    settings: Settings, bell: Bell, source: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> Accepted | Refusal:
    """What a server does with `POST /hooks/<environment>/data/<source>`: the bell is rung, if the message is genuine."""
    key = secret(settings, source)
    said = Refusal(401, UNBELIEVED) if key is None else accepted(body, headers, key, now)
    if isinstance(said, Accepted):
        bell.ring(source)
    return said
