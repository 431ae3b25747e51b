"""Asking over HTTP, against a server that is not always well."""

import gzip
import socket
import threading
from datetime import UTC, datetime

import pytest

from fleetcast.domain.errors import InfrastructureError, SourceError
from fleetcast.sources.asking import Limits, Web
from fleetcast.testing.server import Reply

NOW = datetime(2026, 11, 18, 6, tzinfo=UTC)
BUSY = Reply(status=503)


@pytest.fixture
def ask(server, tmp_path):
    """Asks the server for a path, sleeping only in a list, and returns the body."""

    def of(path="/sales", *, naps=None, headers=None, url=None, **limits):
        slept = [] if naps is None else naps
        web = Web(url or server.url, Limits(**limits), slept.append, lambda: 0.0, lambda: NOW)
        answer = web.ask(f"{url or server.url}{path}", headers or {}, tmp_path / "body")
        return None if answer.unchanged else (tmp_path / "body").read_bytes()

    return of


def test_a_server_that_is_busy_is_asked_again_with_longer_and_longer_pauses(server, ask):
    server.at("/sales", BUSY, BUSY, BUSY, Reply(b"rows"))
    naps = []
    assert ask(naps=naps) == b"rows"
    assert naps == [0.5, 1.0, 2.0]


def test_a_server_that_says_when_it_can_be_asked_again_is_asked_then(server, ask):
    limited = [
        Reply(status=429, headers={"Retry-After": wait}) for wait in ("7", "Wed, 18 Nov 2026 06:00:20 GMT")
    ]
    server.at("/sales", *limited, Reply(b"rows"))
    naps = []
    assert ask(naps=naps) == b"rows"
    assert naps == [7.0, 20.0]


def test_a_server_that_wants_hours_of_peace_is_left_to_the_next_run(server, ask):
    server.at("/sales", Reply(status=429, headers={"Retry-After": "7200"}))
    with pytest.raises(InfrastructureError, match="left alone for 7200 s"):
        ask()
    assert len(server.asked) == 1


def test_after_some_tries_it_is_enough(server, ask):
    server.at("/sales", BUSY)
    with pytest.raises(InfrastructureError, match="it answers 503; tried 3 times"):
        ask(tries=3)
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_server_that_refuses_is_not_asked_again(server, ask, status):
    server.at("/sales", Reply(b"no", status))
    with pytest.raises(SourceError, match=f"refused: it answers {status}"):
        ask()
    assert len(server.asked) == 1


def test_nobody_there_is_told_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InfrastructureError, match="it cannot be reached; tried 2 times"):
            Web(url, Limits(tries=2), lambda _: None).ask(url, {}, None)


def test_an_answer_that_breaks_off_is_asked_for_again_and_never_taken_short(server, ask):
    server.at("/sales", Reply(b"half", promised=8), Reply(b"the whole"))
    assert ask() == b"the whole"
    server.at("/sales", Reply(b"half", promised=8))
    with pytest.raises(InfrastructureError, match="breaks off"):
        ask(tries=2)


def test_a_silent_server_is_not_waited_for_forever(server, ask):
    over = threading.Event()

    def silent(_):
        over.wait(60)
        return Reply()

    server.answers("/sales", silent)
    with pytest.raises(InfrastructureError, match="it falls silent"):
        ask(tries=1, silence=0.1)
    over.set()


def test_where_the_machine_has_a_proxy_it_is_gone_through(server, ask, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    server.at("/sales", Reply(b"rows"))
    assert ask(url="http://shop.example") == b"rows"
    assert server.asked[0].headers["host"] == "shop.example"


def test_a_redirect_on_the_same_server_is_followed(server, ask):
    server.at("/sales", Reply(status=302, headers={"Location": "/v2/sales"}))
    server.at("/v2/sales", Reply(b"rows"))
    assert ask() == b"rows"


@pytest.mark.parametrize(
    "there",
    ["http://127.0.0.2:{port}/x", "https://127.0.0.1:{port}/x", "http://127.0.0.1:1/x", "//elsewhere/x"],
)
def test_a_redirect_to_another_server_is_refused(server, ask, there):
    location = there.format(port=server.url.rsplit(":", 1)[1])
    server.at("/sales", Reply(status=302, headers={"Location": location}))
    with pytest.raises(SourceError, match="elsewhere: it refers to"):
        ask(headers={"Authorization": "Bearer s3cret"})
    assert len(server.asked) == 1


def test_redirects_in_a_circle_end(server, ask):
    server.at("/sales", Reply(status=301, headers={"Location": "/sales"}))
    with pytest.raises(SourceError, match="from address to address"):
        ask()


def test_what_is_packed_is_unpacked(server, ask):
    server.at("/sales", Reply(gzip.compress(b"rows"), headers={"Content-Encoding": "gzip"}))
    assert ask() == b"rows"


def test_a_small_answer_that_unpacks_to_much_is_refused(server, ask, tmp_path):
    bomb = gzip.compress(bytes(50_000_000))
    server.at("/sales", Reply(bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SourceError, match="too_large"):
        ask(size=1_000_000)
    assert len(bomb) < 100_000
    assert (tmp_path / "body").stat().st_size < 3_000_000


def test_what_cannot_be_unpacked_is_refused(server, ask):
    server.at("/sales", Reply(b"rows", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SourceError, match="cannot be unpacked"):
        ask()


def test_what_has_not_changed_is_not_sent_again(server, ask):
    server.at("/sales", Reply(b"rows", headers={"ETag": '"1"'}))
    assert ask(headers={"If-None-Match": '"1"'}) is None


def test_a_server_that_says_nothing_changed_to_whoever_has_nothing_is_refused(server, ask):
    server.at("/sales", Reply(status=304))
    with pytest.raises(SourceError, match="it answers 304"):
        ask()


def test_no_content_is_an_empty_answer(server, ask):
    server.at("/sales", Reply(status=204))
    assert ask() == b""
