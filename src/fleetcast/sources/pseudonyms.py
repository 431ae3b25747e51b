"""Names, factors and noise drawn from a secret key: the same for the same thing everywhere, and of no use without the key."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from math import exp, floor
from string import ascii_uppercase, digits

TRIES = 1000  # draws for a name that nobody has, before it is given a longer one
NEAR, FAR = (
    0.18,
    0.79,
)  # of the logarithm of a hidden factor: never so near to 1 that numbers stay what they were
SOUNDS = ("bdfghklmnprstvwz", "aeiou")
NOISE = 0.05  # standard deviation of the logarithm of what every number is jittered by


@dataclass(frozen=True)
class Secret:
    """What everything is drawn with."""

    key: bytes
    seed: int

    def stream(self, *about: object) -> bytes:
        """32 bytes that belong to something."""
        message = "\x1f".join(str(part) for part in (self.seed, *about))
        return hmac.new(self.key, message.encode(), hashlib.sha256).digest()

    def chance(self, *about: object) -> float:
        """A number of [0, 1) that belongs to something."""
        return int.from_bytes(self.stream("chance", *about)[:7], "big") / 2**56

    def factor(self, *about: object) -> float:
        """A hidden factor between 1.2 and 2.2: small counts become larger, so that none has to be lost in rounding."""
        return exp(NEAR + (FAR - NEAR) * self.chance("factor", *about))

    def noise(self, *about: object) -> float:
        """A factor near 1; the sum of four draws, so that it is near a normal one and never far out."""
        drawn = sum(self.stream("noise", *about)[:4]) / 255 - 2
        return exp(NOISE * drawn * 3**0.5)

    def rounded(self, value: float, *about: object) -> int:
        """A whole number, up or down by chance; of two values of one thing the order stays, and something stays something."""
        return max(1, floor(value + self.chance("rounded", *about))) if value > 0 else floor(value)


@dataclass(frozen=True)
class Pseudonyms:
    """One name for each name of a kind: of the same shape, letters for letters and digits for digits, and never a real one."""

    secret: Secret
    taken: frozenset[str]  # every real name of any kind
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, secret: Secret, names: Mapping[str, Iterable[str]]) -> "Pseudonyms":
        """Pseudonyms for all names of all kinds.

        >>> made = Pseudonyms.of(Secret(b"key", 1), {"store": ["TX-01", "TX-02"], "product": ["00042"]})
        >>> sorted(len(name) for kind in made.kinds.values() for name in kind.values())
        [5, 5, 5]
        """
        real = {kind: sorted(set(all_of)) for kind, all_of in names.items()}
        taken = frozenset(name for all_of in real.values() for name in all_of)
        return cls(
            secret, taken, {kind: _drawn(secret, kind, all_of, taken) for kind, all_of in real.items()}
        )

    def of_kind(self, kind: str) -> Mapping[str, str]:
        return self.kinds.get(kind, {})


def _drawn(secret: Secret, kind: str, names: list[str], taken: frozenset[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        for attempt in count():
            longer = name + "0" * (attempt // TRIES)  # where all names of its shape are in use
            drawn = _shaped(longer, secret.stream("name", kind, name, attempt))
            if drawn not in taken and drawn not in used:
                break
        given[name] = drawn
        used.add(drawn)
    return given


def _shaped(name: str, stream: bytes) -> str:
    """Another name of the same shape; a first digit that is not 0 stays none."""
    drawn = []
    for place, sign in enumerate(name):
        byte = stream[place % len(stream)] + 7 * (place // len(stream))
        if sign in digits:
            from_zero = place > 0 or sign == "0"
            drawn.append(digits[byte % 10] if from_zero else digits[1 + byte % 9])
        elif "a" <= sign <= "z":
            drawn.append(SOUNDS[place % 2][byte % len(SOUNDS[place % 2])])  # a word that can be said
        elif "A" <= sign <= "Z":
            drawn.append(ascii_uppercase[byte % 26])
        else:
            drawn.append(sign)
    return "".join(drawn)
