"""A segment: the cell trained and scored as one model."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

_VALUE = re.compile(r"[^\s/]+")


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """The cell trained and scored as one: ordered key–value pairs, printed north-texas/large/fast.

    >>> str(Segment.of({"region": "north-texas", "store_format": "large", "mover": "fast"}))
    'north-texas/large/fast'
    """

    pairs: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for key, value in self.pairs:
            if not _VALUE.fullmatch(value):
                raise ValueError(f"segment value {key}={value!r} is empty or has a space or slash")

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        return cls(tuple(values.items()))

    @classmethod
    def parse(cls, text: str, keys: Iterable[str]) -> Self:
        """Read what `str` printed, given the ordered keys.

        >>> Segment.parse("north-texas/large", ["region", "store_format"])["store_format"]
        'large'
        """
        keys = tuple(keys)
        values = text.split("/")
        if len(values) != len(keys):
            raise ValueError(f"{text!r} has {len(values)} parts; expected {'/'.join(keys)}")
        return cls(tuple(zip(keys, values, strict=True)))

    def __getitem__(self, key: str) -> str:
        return dict(self.pairs)[key]

    def only(self, keys: Iterable[str]) -> Self:
        """The coarser segment that keeps these keys, as a baseline's segment does."""
        values = dict(self.pairs)
        return type(self)(tuple((key, values[key]) for key in keys))

    def __str__(self) -> str:
        return "/".join(value for _, value in self.pairs)
