"""What `trigger data --watch` does: stays, tells of each week, and ends when it is asked to."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from fleetcast.faces.cli.options import Environment, actor, opened

if TYPE_CHECKING:
    from fleetcast.domain.errors import FleetcastError
    from fleetcast.fleet.listening import Bell
    from fleetcast.workspace import Workspace


def listen(folder: Path, env: Environment, data: Path | None, *, every: float, as_json: bool) -> None:
    """Listen until somebody ends it."""
    from fleetcast.faces.cli import render, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import listening

    def do(w: "Workspace", sources: frozenset[str]) -> None:
        say(f"new: {', '.join(sorted(sources))}")
        with progress(log=w.log) as shown:
            fired = listening.came(w, sources, progress=shown, actor=actor())
        terminal.show(fired, render.fired(fired, workspace=str(folder)), as_json=as_json)

    def failed(error: "FleetcastError") -> None:
        say(f"✕ {error}")

    def say(words: str) -> None:
        terminal.messages().print(words, markup=False)

    bell = listening.Bell()
    with _ending(bell):
        say(f"watching the sources of {folder}, every {every:g} s; Ctrl-C ends it")
        listening.listen(lambda: opened(folder, env, data), bell, do, failed=failed, every=every)


@contextmanager
def _ending(bell: "Bell") -> Iterator[None]:
    """The first signal ends it when the week is done; a second one at once."""

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, before[number])
        bell.stop()

    before = {int(number): signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
