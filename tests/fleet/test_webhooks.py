"""A webhook rings when its message is genuine and new, and says nothing else that is used."""

import base64
import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from fleetcast.domain.errors import SettingsError, UsageError
from fleetcast.fleet import webhooks
from fleetcast.fleet.listening import Bell
from fleetcast.fleet.webhooks import Accepted, Refusal, accepted
from fleetcast.settings import Settings, load
from fleetcast.testing.kiosks import SETTINGS, kiosks, write_workspace

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
KEY = b"a secret of thirty-two bytes ..."
BODY = b'{"object": "deliveries/w47.csv"}'


def signed(body=BODY, *, key=KEY, at=NOW, name="msg_1") -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signature = base64.b64encode(
        hmac.digest(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256)
    ).decode()
    return {"Webhook-Id": name, "Webhook-Timestamp": stamp, "Webhook-Signature": f"v1,{signature}"}


def test_a_message_signed_with_the_secret_is_believed():
    assert accepted(BODY, signed(), KEY, NOW + timedelta(minutes=4)) == Accepted("msg_1", NOW)


def test_the_example_of_the_specification_is_believed():
    key = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    headers = {
        "webhook-id": "msg_loFOjxBNrRLzqYUf",
        "webhook-timestamp": "1731705121",
        "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    }
    sent = datetime.fromtimestamp(1731705121, UTC)
    body = b'{"event_type":"ping","data":{"success":true}}'
    assert accepted(body, headers, key, sent) == Accepted("msg_loFOjxBNrRLzqYUf", sent)


def test_while_a_secret_is_changed_either_signature_will_do():
    both = signed(key=b"the secret that was in use before") | {}
    both["Webhook-Signature"] += " v1a,of-another-kind " + signed()["Webhook-Signature"]
    assert isinstance(accepted(BODY, both, KEY, NOW), Accepted)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (BODY + b" ", signed(), 401),  # another body
        (BODY, signed(key=b"another secret of some bytes"), 401),
        (BODY, signed() | {"Webhook-Id": "msg_2"}, 401),  # another name, so that it would look new
        (BODY, signed() | {"Webhook-Timestamp": str(int(NOW.timestamp()) + 1)}, 401),
        (BODY, signed(at=NOW - timedelta(minutes=6)), 401),  # replayed
        (BODY, signed(at=NOW + timedelta(minutes=6)), 401),
        (BODY, signed() | {"Webhook-Signature": "v1,"}, 401),
        (BODY, signed() | {"Webhook-Signature": "v1,ünsigned"}, 401),
        (BODY, {}, 400),
        (BODY, signed() | {"Webhook-Timestamp": "now"}, 400),
        (BODY, signed() | {"Webhook-Timestamp": "٣"}, 400),
        (BODY, signed() | {"Webhook-Timestamp": "9" * 30}, 400),
        (b"x" * 70_000, signed(b"x" * 70_000), 413),
    ],
)
def test_whatever_is_not_genuine_or_not_new_is_refused(body, headers, status):
    said = accepted(body, headers, KEY, NOW)
    assert isinstance(said, Refusal)
    assert said.status == status


# ------------------------------------------------------------- as a server takes it


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("SHOP_HOOK", "whsec_" + base64.b64encode(KEY).decode())
    hooks = '\n[webhooks.deliveries]\nsecret = "env:SHOP_HOOK"\n'
    return load(write_workspace(tmp_path, kiosks(weeks=2), settings=SETTINGS + hooks) / "fleetcast.toml")


@contextmanager
def serving(settings: Settings, bell: Bell) -> Iterator[str]:
    class Hooks(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            source = self.path.removeprefix("/hooks/data/")
            said = webhooks.received(settings, bell, source, body, dict(self.headers), NOW)
            self.send_response(said.status if isinstance(said, Refusal) else 202)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Hooks)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks/data"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(url: str, headers: dict[str, str]) -> int:
    asked = urllib.request.Request(url, BODY, headers, method="POST")  # noqa: S310 — this machine
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_genuine_request_rings_for_its_source_and_no_other_request_does(settings):
    bell = Bell()
    with serving(settings, bell) as url:
        assert post(f"{url}/deliveries", signed(at=NOW - timedelta(hours=1))) == 401
        assert post(f"{url}/stores", signed()) == 401  # it has no webhook
        assert post(f"{url}/nothing", signed()) == 401
        assert bell.answer(0) == frozenset()
        assert post(f"{url}/deliveries", signed()) == post(f"{url}/deliveries", signed()) == 202
    assert bell.answer(0) == {"deliveries"}
    assert bell.answer(0) == frozenset()


@pytest.mark.parametrize(
    ("value", "message"),
    [("", "SHOP_HOOK, which is not set"), ("whsec_~~~", "no base64"), ("short", "5 bytes are too few")],
)
def test_a_secret_that_is_none_is_an_error_that_names_its_setting(settings, monkeypatch, value, message):
    monkeypatch.setenv("SHOP_HOOK", value)
    with pytest.raises(UsageError, match=rf"\[webhooks\.deliveries\] secret.*{message}"):
        webhooks.secret(settings, "deliveries")


def test_a_secret_is_never_written_out_and_a_webhook_belongs_to_a_source(tmp_path):
    hooks = '\n[webhooks.nothing]\nsecret = "hunter2 hunter2"\n'
    folder = write_workspace(tmp_path, kiosks(weeks=2), settings=SETTINGS + hooks)
    with pytest.raises(SettingsError) as refused:
        load(folder / "fleetcast.toml")
    assert "webhooks.nothing: is no source" in str(refused.value)
    assert "hunter2" not in str(refused.value)
