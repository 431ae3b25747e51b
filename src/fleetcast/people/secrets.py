"""Secrets that are drawn, not chosen: of sessions, tokens and one-time links. Only their digests are stored."""

import hashlib
import secrets

BYTES = 32  # of chance: 256 bits, which nobody guesses, so that a plain digest keeps them
PREFIX = "fleetcast_"  # of an API token, so that scanners of repositories find a lost one


def drawn() -> str:
    """A new secret, fit for URLs and headers."""
    return secrets.token_urlsafe(BYTES)


def kept(secret: str) -> str:
    """What the store keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
