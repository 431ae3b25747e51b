"""How the state of a model, or of work, is shown: a shape, a word and a colour, each enough by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleetcast.reading.states import State


@dataclass(frozen=True, slots=True)
class Look:
    """`css` names both the colour of app.css and the shape drawn in the page; `word` is a key of the text catalogue."""

    css: str
    word: str


LOOKS: Mapping[State, Look] = {
    "failed": Look("failed", "state.failed"),
    "over_gate": Look("over", "state.over_gate"),
    "stale": Look("stale", "state.stale"),
    "watch": Look("watch", "state.watch"),
    "ok": Look("ok", "state.ok"),
    "unknown": Look("none", "state.unknown"),
}

WORK: Mapping[str, Look] = {
    "done": Look("ok", "state.done"),
    "running": Look("running", "state.running"),
    "broken_off": Look("over", "state.broken_off"),
}

ALL: Mapping[str, Look] = {str(name): look for name, look in LOOKS.items()} | dict(WORK)

HEAT = (0.0, 0.2, 0.4, 0.6, 0.8)  # shares of models from which the next shade begins


def heat(share: float) -> str:
    """The shade of a share of models that need work; none at all where there is none.

    >>> heat(0.0), heat(0.1), heat(0.67), heat(1.0)
    ('', 'heat-1', 'heat-4', 'heat-5')
    """
    return "" if share <= 0 else f"heat-{sum(share > least for least in HEAT)}"
