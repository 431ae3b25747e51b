"""A real server on this machine, asked by programs that mean no good; `make test-api` runs these."""

import gzip
import http.client
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fleet.conftest import first_week  # noqa: F401 — the fleet that tests of the fleet make too

from fleetcast import workspace
from fleetcast.faces import listening
from fleetcast.people.roles import Role
from fleetcast.testing import served as made_fleet

pytestmark = pytest.mark.served

MEGABYTE = 1024 * 1024
PATIENCE = 2  # seconds that the server has for a client
SETTINGS = f"\n[serve]\nseconds = {PATIENCE}\nconnections = 300\n"
PROGRAMS = Path(sys.executable).parent
FORECAST = "/api/v1/dev/forecasts/east-1/00001"
ORDERS = "/dev/orders"


@dataclass(frozen=True)
class Server:
    """A running `fleetcast serve`, and a token that may everything."""

    process: subprocess.Popen[str]
    port: int
    token: str

    @property
    def megabytes(self) -> float:
        """What it holds in memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE

    @property
    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def get(self, path: str = FORECAST) -> int:
        return self.answer(path)[0].status

    def answer(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            return answer, answer.read()

    def send(self, head: str, pieces: Iterator[bytes]) -> int:
        """Send a request for as long as it is taken; the status of the answer, 0 where the connection just ended."""
        with closing(self.connect()) as line:
            with suppress(OSError):
                line.sendall(head.replace("\n", "\r\n").encode())
                for piece in pieces:
                    line.sendall(piece)
            with suppress(OSError):
                answer = line.recv(65_536)
                return int(answer.split(b" ", 2)[1]) if answer else 0
            return 0


@pytest.fixture(scope="module")
def server(first_week, tmp_path_factory):  # noqa: F811 — pytest's way to name what it gives
    folder = Path(shutil.copytree(first_week[0], tmp_path_factory.mktemp("served") / "chain"))
    with serving(folder) as running:
        assert running.get() == 200  # it has read what it keeps
        yield running


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The same of a fleet of 5,000 series, each with an order."""
    folder = tmp_path_factory.mktemp("served") / "large"
    made_fleet.served(folder, made_fleet.Size(regions=5, series=250, weeks=8))
    with serving(folder) as running:
        assert running.get(ORDERS) == 200
        yield running


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server over a workspace; nothing that it is asked may end it."""
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8") + SETTINGS, "utf-8")
    with workspace.open(folder).people as people:
        people.add("ana", Role.admin, None, password=None, actor="test")
        _, token = people.add_token("ana", purpose="test", role=None, regions=None, days=1, actor="test")
    command = [PROGRAMS / "fleetcast", "serve", "--workspace", folder, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        yield Server(process, int(url.rpartition(":")[2]), token)
        assert process.poll() is None
        process.terminate()
        process.wait(60)


@contextmanager
def bounded(server: Server, path: str = FORECAST) -> Iterator[None]:
    """Whatever is sent meanwhile: the server answers afterwards, and holds at most 64 MB more."""
    before = server.megabytes
    yield
    assert server.get(path) == 200
    assert server.megabytes - before <= 64


@pytest.mark.parametrize("size", [40, 60, 500])
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("path", ["/sign-in", FORECAST, "/static/x"])
def test_a_huge_body_is_refused(server, size, announced, path):
    length = f"Content-Length: {size * MEGABYTE}" if announced else "Transfer-Encoding: chunked"
    head = f"POST {path} HTTP/1.1\nHost: localhost\nOrigin: http://localhost\n{length}\n\n"
    piece = bytes(MEGABYTE)
    pieces = (piece if announced else b"100000\r\n" + piece + b"\r\n" for _ in range(size))
    with bounded(server):
        assert server.send(head, pieces) in {0, 401, 413}  # 0: it ended while we still sent


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_without_end_is_refused_where_it_is_too_large(server, announced):
    length = f"Content-Length: {500 * MEGABYTE}" if announced else "Transfer-Encoding: chunked"
    head = (
        "POST /api/v1/dev/condition/deliveries?name=huge.csv HTTP/1.1\nHost: localhost\n"
        f"Authorization: Bearer {server.token}\n{length}\n\n"
    )
    piece = bytes(MEGABYTE)
    pieces = (piece if announced else b"100000\r\n" + piece + b"\r\n" for _ in range(500))
    with bounded(server):
        assert server.send(head, pieces) in {0, 413}  # 0: it ended while we still sent


def test_a_bomb_is_not_unpacked(server):
    bomb = gzip.compress(bytes(100 * MEGABYTE))
    head = (
        "POST /sign-in HTTP/1.1\nHost: localhost\nOrigin: http://localhost\nContent-Encoding: gzip\n"
        f"Content-Length: {len(bomb)}\n\n"
    )
    with bounded(server):
        assert server.send(head, iter([bomb])) == 415


@pytest.mark.parametrize("body", [b"[" * 900_000, b'{"a":' * 150_000, b"a=b&" * 200_000, b"\x00" * 900_000])
def test_a_body_of_a_million_levels_or_fields_is_refused(server, body):
    kind = (
        "Content-Type: application/json"
        if body[:1] in b"[{"
        else "Content-Type: application/x-www-form-urlencoded"
    )
    head = f"POST /sign-in HTTP/1.1\nHost: localhost\nOrigin: http://localhost\n{kind}\nContent-Length: {len(body)}\n\n"
    with bounded(server):
        assert server.send(head, iter([body])) in {400, 403, 429}


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\nHost: localhost\nX: " + "x" * 100_000 + "\n\n",
        "GET /" + "a" * 100_000 + " HTTP/1.1\nHost: localhost\n\n",
        "GET / HTTP/1.1\nHost: localhost\nContent-Length: 4\nTransfer-Encoding: chunked\n\n",
        "\x00\x01\x02\n\n",
        "GET / HTTP/1.1\nHost: a\nHost: localhost\n\n",
        "GET / HTTP/1.1\n\n",
    ],
)
def test_a_head_that_is_none_is_refused(server, head):
    with bounded(server):
        assert server.send(head, iter([])) in {0, 400, 401, 421, 431}


SLOW = {
    "say nothing": "",
    "never end their head": "GET / HTTP/1.1\nHost: localhost\nX: ",
    "never send their body": "POST /sign-in HTTP/1.1\nHost: localhost\nOrigin: http://localhost\nContent-Length: 9\n\n",
}


@pytest.mark.parametrize("head", SLOW.values(), ids=SLOW)
def test_two_hundred_clients_that_wait_keep_nobody_waiting(server, head):
    with bounded(server), ExitStack() as lines:
        slow = [lines.enter_context(closing(server.connect())) for _ in range(200)]
        for line in slow:
            line.sendall(head.replace("\n", "\r\n").encode())
        assert server.get() == 200
        for _ in range(2):  # a byte now and then does not help them
            time.sleep(PATIENCE)
            for line in slow:
                with suppress(OSError):
                    line.sendall(b"x")
        for line in slow:
            assert ended(line)


def test_clients_that_never_read_are_left(server):
    ask = f"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    with bounded(server), ExitStack() as lines:
        for _ in range(50):
            line = lines.enter_context(closing(server.connect()))
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.sendall(ask.encode() * 20)
        time.sleep(PATIENCE)
        assert server.get() == 200


def test_more_clients_than_are_served_are_told_to_come_again_and_then_served(server):
    with ExitStack() as lines:
        for _ in range(320):
            lines.enter_context(closing(server.connect()))
        assert server.get() == 503
    time.sleep(PATIENCE)
    assert server.get() == 200


def test_thirty_two_files_of_five_thousand_rows_at_once_are_written_in_turn_or_refused_in_words(large):
    with bounded(large, ORDERS), ThreadPoolExecutor(32) as clients:
        asked = [clients.submit(large.answer, f"{ORDERS}.xlsx") for _ in range(32)]
        assert large.get(ORDERS) == 200  # pages go on
        told = [one.result() for one in asked]
    files = [content for answer, content in told if answer.status == 200]
    assert {rows_of(content) for content in files} == {5001}  # and the head
    refused = [(answer, content) for answer, content in told if answer.status != 200]
    assert len(files) + len(refused) == 32
    assert refused
    for answer, content in refused:
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert b"ask again in 5 seconds" in content


def test_thirty_two_pages_at_once_are_made_by_a_few_threads(large):
    before = large.threads
    with bounded(large, ORDERS), ThreadPoolExecutor(32) as clients:
        asked = [clients.submit(large.get, ORDERS) for _ in range(32)]
        assert large.get("/api/v1/me") == 200
        assert {one.result() for one in asked} == {200}
        assert large.threads - before <= listening.THREADS


def rows_of(workbook: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        return parts.read("xl/worksheets/sheet1.xml").count(b"<row ")


def test_what_the_document_says_is_what_programs_find(server):
    examples = os.environ.get("EXAMPLES") or "20"
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    where = f"http://127.0.0.1:{server.port}/api/v1/openapi.json"
    command = [PROGRAMS / "st", "run", where, "-H", f"Authorization: Bearer {server.token}", "--no-color"]
    command += [
        "--checks",
        checks,
        "--max-examples",
        examples,
        "--generation-database",
        "none",
        "--seed",
        "1",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def ended(line: socket.socket) -> bool:
    """Whether the server ended a connection, with or without an answer."""
    try:
        while line.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
