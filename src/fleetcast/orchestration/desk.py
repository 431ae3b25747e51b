"""The desk of an environment: one process at a time works there, whoever started it, and whoever comes later finds it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from fleetcast.delivery import delegating, running
from fleetcast.domain.errors import InfrastructureError
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

TRIES = 3  # of a work whose process was killed
LOOK = 0.5  # seconds between two looks at who is there
TAIL = 4  # lines of what a work said last, when it failed

# Runs what follows with no signal blocked: `fleetcast up` has those blocked that end it, and a mask is inherited.
UNMASKED = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv(sys.argv[1], sys.argv[1:])"

How = Literal["already done", "joined", "done"]

_started: "list[subprocess.Popen[bytes]]" = []  # to be asked how they ended: an unasked dead child looks alive


@dataclass(frozen=True, slots=True)
class Work:
    """What sits at the desk: a verb, in a process that leads a session of its own."""

    verb: tuple[str, ...]
    pid: int


class Desk:
    """Whoever starts work for an environment does it here.

    A process at work holds the ledger's lease. From its start until it has that, and ever after, it holds a lock on a
    file: the kernel lets go of it when the process is gone, and not when the one that started it is.
    """

    def __init__(self, w: Workspace) -> None:
        self._w = w
        self._folder = w.state / "work"
        self._lock, self._note = self._folder / "lock", self._folder / "work.json"
        self.said = self._folder / "said.log"  # what the work at the desk says on its way

    @property
    def taken(self) -> bool:
        """Whether anybody is at work, or on the way to it."""
        _ask_the_ended()
        with self._locked(fcntl.LOCK_SH) as free:
            return not free or self._w.ledger.holder("cycle") is not None

    @property
    def work(self) -> Work | None:
        """What was started here and goes on; None of nothing, and of what somebody started by hand."""
        with self._locked(fcntl.LOCK_SH) as free:
            if free or not self._note.is_file():
                return None
        noted = json.loads(self._note.read_text("utf-8"))
        return Work(tuple(noted["verb"]), noted["pid"])

    def start(self, verb: Sequence[str]) -> "subprocess.Popen[bytes] | None":
        """Start a verb in a session of its own, so that it outlives who starts it; None where somebody was quicker."""
        program = _program(self._w)
        with self._locked(fcntl.LOCK_EX) as lock:
            if not lock or self._w.ledger.holder("cycle"):
                return None
            words = [*verb, "--workspace", str(self._w.home), "--env", self._w.environment]
            with self.said.open("wb") as said:
                process = subprocess.Popen(  # noqa: S603 — our own program, words of ours
                    [sys.executable, "-ISc", UNMASKED, program, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    env=_surroundings(self._w),
                    pass_fds=[lock],
                    start_new_session=True,
                )
            self._note.write_text(json.dumps({"verb": list(verb), "pid": process.pid}), "utf-8")
        _started.append(process)
        log.info("work_started", verb=" ".join(verb), pid=process.pid)
        return process

    def clear(self, patience: float = 10.0) -> Work | None:
        """End what was started here, if it goes on: the next one takes it up where it stopped."""
        work = self.work
        if work is None:
            return None
        for sign in (signal.SIGTERM, signal.SIGKILL):
            _kill_session(work.pid, sign)
            until = time.monotonic() + patience
            while self.work == work and time.monotonic() < until:
                _ask_the_ended()
                time.sleep(0.05)
        return work

    def last_words(self) -> str:
        """The end of what the work said, without its log lines."""
        if not self.said.is_file():
            return ""
        lines = self.said.read_text("utf-8", errors="replace").splitlines()
        return "\n".join([line for line in lines if line and not line.startswith("{")][-TAIL:])

    @contextmanager
    def _locked(self, how: int) -> Iterator[int | None]:
        """The lock's descriptor; None where somebody has it. Only who inherits it holds it beyond the block."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield descriptor if _flock(descriptor, how) else None
        finally:
            os.close(descriptor)


def _never() -> bool:
    return False


def see_to(
    desk: Desk,
    verb: Sequence[str],
    done: Callable[[], bool] = _never,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> How:
    """Come back when something is `done`: by whoever is at work already, else by a process that is started for it.

    Where nobody says what that is, the verb is done, which finds out by itself whether there is anything to do.
    One that is killed is started again, and goes on by the ledger; one that fails is an error, in its own words.
    """
    how: How = "already done"
    tries = 0
    mine: subprocess.Popen[bytes] | None = None
    while not done():
        if desk.taken:
            how = how if mine else "joined"
            sleep(LOOK)
        elif mine is not None and mine.returncode is not None and mine.returncode >= 0:
            _judge(desk, verb, mine.returncode)
            break
        elif tries == TRIES:
            raise InfrastructureError(f"`fleetcast {' '.join(verb)}` was killed {tries} times; {desk.said}")
        elif started := desk.start(verb):
            mine, tries, how = started, tries + 1, "done"
    return how


def _judge(desk: Desk, verb: Sequence[str], code: int) -> None:
    """A gate that failed is an outcome of the work, and told by it; all else is told here."""
    if code not in (0, 1):
        words = desk.last_words() or f"see {desk.said}"
        raise InfrastructureError(f"`fleetcast {' '.join(verb)}` ended with exit code {code}: {words}")


def _program(w: Workspace) -> str:
    """What works in the environment: the program of the artifact that its live release pins, else this one."""
    pinned = None
    if w.artifact or not w.runs_checkouts:
        pinned = delegating.elsewhere(
            w.home, w.environment, None, of="live", actor="orchestrator", clock=w.clock
        )
    return str(pinned.program) if pinned else running.program()


def _surroundings(w: Workspace) -> dict[str, str]:
    """Where work is done nothing of this process's Python counts, nor of its orchestrator."""
    ours = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "DAGSTER_")
    data = {"FLEETCAST_DATA": str(w.address.data)} if w.address.data else {}
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | data


def _ask_the_ended() -> None:
    _started[:] = [process for process in _started if process.poll() is None]


def _flock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _kill_session(leader: int, sign: signal.Signals) -> None:
    try:
        os.killpg(leader, sign)
    except ProcessLookupError:
        return
