"""Passwords: which are taken, and how they are kept and compared (argon2id)."""

from functools import cache
from typing import TYPE_CHECKING

from fleetcast.domain.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 256  # characters; NIST SP 800-63B asks for length, and for no classes of characters
PASSES, MEMORY, LANES = 2, 19 * 1024, 1  # the memory in KiB: OWASP's choice, 40 ms of CPU


def hashed(password: str) -> str:
    """What is kept of a password; UsageError for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"a password has {SHORTEST} to {LONGEST} characters, and this has {len(password)}; take a few words"
        )
    return _hasher().hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether it is the password; takes as long where there is none to compare with, so that names cannot be tried."""
    from argon2.exceptions import VerificationError

    try:
        _hasher().verify(kept or _nobody(), password[: LONGEST + 1])
        return kept is not None
    except VerificationError:
        return False


@cache
def _nobody() -> str:
    return _hasher().hash("nobody's password")


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)
