"""What the API costs and bears: forecasts asked for through every layer by 16 clients, alone and while a week is scored.

python benchmarks/serving.py. A real `fleetcast serve` on the tiny retailer of the demo, asked over loopback. The last line is
one JSON object: requests a second, milliseconds, and the server's CPU milliseconds for each request. Clients run on the same
machine, and take CPU from the server: a quiet machine with two cores or more is what the figures are for.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from fleetcast import workspace
from fleetcast.domain.tables import FORECASTS
from fleetcast.people.roles import Role
from fleetcast.workspace import Workspace

PROGRAM = Path(sys.executable).parent / "fleetcast"
TICKS = os.sysconf("SC_CLK_TCK")  # a second
SERIES = 500  # that are asked for, in turn
WARM = 200  # requests before anything is measured


@dataclass
class Asked:
    """Answers: how long each took, in seconds, and when the last one came."""

    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    cpu: float = 0.0  # of the server

    @property
    def figures(self) -> dict[str, float]:
        ordered = sorted(self.seconds)
        return {
            "requests": len(ordered),
            "per_second": round(len(ordered) / self.wall, 1),
            "p50_ms": round(1e3 * median(ordered), 2),
            "p99_ms": round(1e3 * ordered[int(0.99 * (len(ordered) - 1))], 2),
            "cpu_ms": round(1e3 * self.cpu / len(ordered), 3),
        }


def main() -> int:
    """Ask an idle server, then one beside which a week is scored."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--workspace", type=Path, help="that has published; a copy of it is served")
    arguments.add_argument("--seconds", type=float, default=10.0, help="to ask the idle server for")
    arguments.add_argument("--clients", type=int, default=16)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = _served(chosen.workspace, Path(scratch))
        w = workspace.open(folder)
        paths, token = _paths(w), _token(w)
        with _server(folder) as (process, port):
            answer: dict[str, Any] = {"clients": chosen.clients, "series": len(paths)}
            ask = _Clients(process.pid, port, token, paths)
            asyncio.run(ask.during(1, until=lambda asked: len(asked.seconds) >= WARM))
            answer["one_client"] = asyncio.run(ask.during(1, until=_for(chosen.seconds / 2))).figures
            _told("one client", answer["one_client"])
            answer["idle"] = asyncio.run(ask.during(chosen.clients, until=_for(chosen.seconds))).figures
            _told("idle", answer["idle"])
            answer["scoring"] = _while_scoring(w, ask, chosen.clients)
            _told("scoring", answer["scoring"])
    print(json.dumps(answer))
    return 0


def _served(given: Path | None, scratch: Path) -> Path:
    """A copy of a workspace that has published, else the tiny retailer after its week."""
    if given is not None:
        return Path(shutil.copytree(given, scratch / "copy", symlinks=True))
    from fleetcast.testing.kiosks import run_week
    from fleetcast.testing.retailer import tiny_retailer

    folder = tiny_retailer(scratch, weeks=100).workspace
    run_week(folder)
    return folder


def _paths(w: Workspace) -> list[str]:
    rows = w.lake.read(FORECASTS, columns=["store", "product"]).unique(maintain_order=True)
    return [f"/api/v1/dev/forecasts/{store}/{product}" for store, product in rows.head(SERIES).iter_rows()]


def _token(w: Workspace) -> str:
    with w.people as people:
        people.add("bench", Role.viewer, None, password=None, actor="bench")
        return people.add_token("bench", purpose="bench", role=None, regions=None, days=1, actor="bench")[1]


@contextmanager
def _server(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    command = [PROGRAM, "serve", "--workspace", folder, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = process.stdout.readline() if process.stdout else ""
        port = int(json.loads(told)["url"].rpartition(":")[2])
        yield process, port
        process.terminate()


class _Clients:
    """Clients that keep their connections, and ask again as soon as they are answered."""

    def __init__(self, pid: int, port: int, token: str, paths: Sequence[str]) -> None:
        self._pid, self._port = pid, port
        head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._requests = [f"GET {path} HTTP/1.1\r\n{head}".encode() for path in paths]

    async def during(self, clients: int, *, until: Any) -> Asked:
        """What so many of them were answered until it is enough."""
        asked, began, cpu = Asked(), time.perf_counter(), _cpu(self._pid)
        await asyncio.gather(*(self._one(number, clients, asked, until) for number in range(clients)))
        asked.wall, asked.cpu = time.perf_counter() - began, _cpu(self._pid) - cpu
        return asked

    async def _one(self, number: int, clients: int, asked: Asked, until: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        place = number * len(self._requests) // clients
        while not until(asked):
            began = time.perf_counter()
            writer.write(self._requests[place % len(self._requests)])
            await _answer(reader)
            asked.seconds.append(time.perf_counter() - began)
            place += 1
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> None:
    """Read a whole answer; one that is not what was asked for ends the measurement."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())
    length = head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
    await reader.readexactly(int(length))


def _for(seconds: float) -> Any:
    end = time.perf_counter() + seconds
    return lambda _: time.perf_counter() >= end


def _while_scoring(w: Workspace, ask: _Clients, clients: int) -> dict[str, float]:
    """Asked for as long as another process scores the newest week anew and publishes it."""
    _renew(w)
    command = [PROGRAM, "score", "--workspace", w.folder]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as scoring:
        asked = asyncio.run(ask.during(clients, until=lambda _: scoring.poll() is not None))
    scored = w.publications.list()[-1].release == w.ledger.pointer()
    return asked.figures | {"scored": scored, "seconds": round(asked.wall, 1)}


def _renew(w: Workspace) -> None:
    """The same models as a release of another name: what is published by the old one has to be scored anew."""
    live = w.registry.releases.current()
    if live is None:
        raise SystemExit(f"nothing is live in {w.folder}; run its week first")
    again = replace(live.manifest, kind="full", parent=live.id)
    cut = w.registry.releases.cut(again, actor="bench", segments=list(again.members))
    w.registry.releases.promote(cut.id, actor="bench", reason="bench", expected=live.id)


def _cpu(pid: int) -> float:
    """CPU seconds of a process, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _told(name: str, figures: dict[str, float]) -> None:
    print(f"{name:<12} {figures}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
