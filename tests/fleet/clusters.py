"""Ray clusters for tests: each is a head process of our own on loopback, with a token of its own, ended by its process group."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RAY = Path(sys.executable).with_name("ray")
# Read by Ray when it is imported, so it is set before any test imports it: here, and in what is started from here.
ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # a cluster of one machine, which listens on loopback
}


@contextmanager
def head(*options: str, port: int = 0, **environment: str) -> Iterator[str]:
    """The address of a cluster that `ray start --head` with these options makes."""
    os.environ.update(ENVIRONMENT)
    port = port or free_port()
    command = [RAY, "start", "--head", "--block", f"--port={port}", "--include-dashboard=false", *options]
    command.append(f"--object-store-memory={80 * 2**20}")
    with started(command, os.environ | environment):
        yield f"127.0.0.1:{port}"


@contextmanager
def started(command: list[str | Path], environment: dict[str, str]) -> Iterator[None]:
    """A head while the block runs. One that was not up in Ray's own 30 seconds is started again: the machine is busy."""
    for tries in range(3):
        folder = Path(tempfile.mkdtemp(prefix="fc-"))
        out = folder / "out"
        with out.open("w") as file:
            process = subprocess.Popen(
                [*command, f"--temp-dir={folder}"],
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        try:
            while process.poll() is None and "Ray runtime started" not in out.read_text():
                time.sleep(0.2)
            if process.poll() is None:
                yield
                return
            if tries == 2:
                raise RuntimeError(out.read_text())
        finally:
            end(process)
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a head, which ends what it started, and then what it may have left behind in its group."""
    process.terminate()
    process.wait(timeout=60)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
