"""Children that are kept alive: started together, started again when one dies, ended together, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fleetcast.orchestration import leash
from fleetcast.telemetry import get_logger

log = get_logger()

ENDINGS = (signal.SIGTERM, signal.SIGINT)
STEADY = 60.0  # seconds after which a child that dies counts as one that had worked
LONGEST = 60.0  # seconds until a child is started again, at most
LOOK = 1.0


@dataclass(frozen=True, slots=True)
class Child:
    """A program that is to run all the time; `where` it can be seen, and what it is for, in words."""

    name: str
    command: tuple[str, ...]
    where: str
    does: str
    environment: Mapping[str, str] = field(default_factory=dict)


def pause(deaths: int) -> float:
    """Seconds until a child is started again that has died so often, each time soon after it was started.

    >>> [pause(deaths) for deaths in (1, 2, 3, 7, 70)]
    [1.0, 2.0, 4.0, 60.0, 60.0]
    """
    return min(2.0 ** min(deaths - 1, 16), LONGEST)


class _Kept:
    """One child: its process while it lives, and when it is started again."""

    def __init__(self, child: Child, output: Path) -> None:
        self.child, self._output = child, output / f"{child.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths, self._began, self._due = 0, 0.0, 0.0

    def keep(self, held: int, now: float) -> None:
        """Start it if it is time, and take note if it has died."""
        if self._process is None:
            if now >= self._due:
                self._start(held, now)
        elif (code := self._process.poll()) is not None:
            self._sweep()
            self._deaths = 1 if now - self._began > STEADY else self._deaths + 1
            self._due, self._process = now + pause(self._deaths), None
            log.warning(
                "child_died",
                child=self.child.name,
                code=code,
                again_in=pause(self._deaths),
                log=str(self._output),
            )

    def _start(self, held: int, now: float) -> None:
        words = [sys.executable, "-IS", leash.__file__, str(held), *self.child.command]
        with self._output.open("ab") as said:
            self._process = subprocess.Popen(  # noqa: S603 — our own words
                words,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=os.environ | self.child.environment,
                pass_fds=[held],
                start_new_session=True,
            )
        self._began = now
        log.info("child_started", child=self.child.name, pid=self._process.pid, where=self.child.where)

    def ask_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def end(self) -> None:
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(leash.PATIENCE + 2)
        self._sweep()
        log.info("child_ended", child=self.child.name)

    def _sweep(self) -> None:
        """Whatever is left of its group, as when the leash itself was killed."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def keep(children: Sequence[Child], *, output: Path, going: Callable[[], bool] = lambda: True) -> str:
    """Keep the children alive until a signal to end comes, or it is not `going` on; says which.

    What they print goes to files in `output`. They end with this process, however it ends. Signals to end must be blocked
    before this process has threads (`block`).
    """
    output.mkdir(parents=True, exist_ok=True)
    held, hold = os.pipe()  # `hold` is closed when this process is gone, which every leash then notices
    kept = [_Kept(child, output) for child in children]
    try:
        while going():
            for one in kept:
                one.keep(held, time.monotonic())
            sign = signal.sigtimedwait([*ENDINGS, signal.SIGCHLD], LOOK)
            if sign is not None and sign.si_signo in ENDINGS:
                return signal.Signals(sign.si_signo).name
        return "over"
    finally:
        for one in kept:
            one.ask_to_end()
        for one in reversed(kept):
            one.end()
        os.close(held)
        os.close(hold)


def block() -> None:
    """From now on signals to end wait until `keep` asks for them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [*ENDINGS, signal.SIGCHLD])
