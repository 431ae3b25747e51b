"""How far ahead a model forecasts: a fleet has short-term models, and where it is asked for, long-term ones beside them."""

from typing import Literal

Reach = Literal["short-term", "long-term"]

_FAR = "/long-term"


def called(segment: str, reach: Reach) -> str:
    """What a segment's model of a reach is called in the registry and in a release.

    >>> called("north/large/fast", "short-term"), called("north/large/fast", "long-term")
    ('north/large/fast', 'north/large/fast/long-term')
    """
    return segment if reach == "short-term" else segment + _FAR


def reach_of(name: str) -> Reach:
    """The reach of the model that is called so."""
    return "long-term" if name.endswith(_FAR) else "short-term"


def segment_of(name: str) -> str:
    """The segment of the model that is called so.

    >>> segment_of("north/large/fast/long-term")
    'north/large/fast'
    """
    return name.removesuffix(_FAR)
