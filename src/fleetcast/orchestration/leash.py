"""A leash: runs a program, and ends it and all it has started when whoever holds the other end is gone.

`python leash.py FD PROGRAM WORD…`, as the leader of a process group; FD is the reading end of a pipe, and the holder keeps the
writing end. It imports nothing of Fleetcast: it has to be there at once, and to be small.
"""

import os
import select
import signal
import subprocess
import sys
import time

PATIENCE = 8.0  # seconds that a group has to end by itself
ENDINGS = (signal.SIGTERM, signal.SIGINT)


def main(held: int, command: list[str]) -> int:
    """Exits as the program did."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    for sign in (*ENDINGS, signal.SIGCHLD):
        signal.signal(sign, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # the holder waits for these, and a mask is inherited
    program = subprocess.Popen(command)  # noqa: S603 — what the holder says
    while program.poll() is None:
        ready, _, _ = select.select([held, told], [], [])
        signals = os.read(told, 64) if told in ready else b""
        if held in ready or any(sign in signals for sign in ENDINGS):
            _end(program)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


def _end(program: "subprocess.Popen[bytes]") -> None:
    """End the whole group, kindly at first; this process is of the group, and goes with it."""
    os.killpg(0, signal.SIGTERM)
    until = time.monotonic() + PATIENCE
    while program.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
