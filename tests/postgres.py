"""A real PostgreSQL for tests: a cluster in a temporary folder, reached by a socket in it, and a database for each test."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

SETTINGS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -k {folder}"


def programs() -> Path | None:
    """The folder of the newest PostgreSQL on this machine; Debian keeps it off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    return folders[-1] if folders else Path(found).parent if found else None


class Server:
    """Databases of one server, by URL."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self.folder, self._numbers = programs, folder, count(1)

    def database(self) -> str:
        """A new, empty one."""
        name = f"test_{next(self._numbers)}"
        self.run("createdb", "-h", str(self.folder), "-U", "fleet", name)
        return f"postgresql+psycopg://fleet@/{name}?host={self.folder}"

    def run(self, *words: str) -> None:
        """Run one of its programs, as somebody who is not root: as root it refuses to start."""
        _run([str(self._programs / words[0]), *words[1:]])


@contextmanager
def server() -> Iterator[Server]:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL here (Debian, Ubuntu: apt install postgresql)")
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("postgres")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        running = Server(found, folder)
        data = str(folder / "data")
        running.run("initdb", "--pgdata", data, "--auth=trust", "--username=fleet", "--no-sync")
        started = SETTINGS.format(folder=folder)
        running.run(
            "pg_ctl", "--pgdata", data, "--wait", "--log", str(folder / "log"), "-o", started, "start"
        )
        try:
            yield running
        finally:
            running.run("pg_ctl", "--pgdata", data, "--mode=immediate", "stop")


def _run(words: Sequence[str]) -> None:
    user = "postgres" if os.geteuid() == 0 else None
    done = subprocess.run(words, user=user, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
