"""Seeds, derived from what is fitted: never from order or worker."""

import hashlib


def seed(root: int, *parts: object) -> int:
    """A seed below 2³¹ for the fit that `parts` name (segment, member, origin).

    >>> seed(1, "north-texas/large/fast", "net") == seed(1, "north-texas/large/fast", "net")
    True
    """
    text = "\0".join(map(str, (root, *parts))).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1
