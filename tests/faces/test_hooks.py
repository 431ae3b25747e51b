"""A signed message has the week looked at; anything else changes nothing."""

import time

import pytest
from tests.faces.asked import ask
from tests.fleet.test_webhooks import BODY, KEY, signed

from fleetcast.faces import server
from fleetcast.orchestration.desk import Desk
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, write_workspace

HOOK = "/hooks/dev/data/deliveries"
WAIT = 120  # seconds for a process to start and look


@pytest.fixture
def chain(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_HOOK", KEY.decode())
    settings = SETTINGS + '\n[webhooks.deliveries]\nsecret = "env:SHOP_HOOK"\n'
    return opened(write_workspace(tmp_path / "chain", kiosks(stores=1, weeks=50), settings=settings))


def served(w):
    return server.application(w.people, server.opener(w), server.limits_of(w, "127.0.0.1"))


def test_a_message_that_is_not_signed_for_a_source_of_an_environment_is_refused(chain):
    app, now = served(chain), signed(at=chain.clock())
    for path in ("/hooks/dev/data/stores", "/hooks/dev/data/nothing", "/hooks/elsewhere/data/deliveries"):
        assert ask(app, "POST", path, headers=now, body=(BODY,)).status == 401
    assert ask(app, "POST", HOOK, headers=now, body=(b"something else",)).status == 401
    assert ask(app, "GET", HOOK, headers=now).status == 401
    assert chain.ledger.audit(limit=1, action="trigger.data") == []


@pytest.mark.served
def test_a_signed_message_has_the_data_taken_in_by_a_process_of_its_own(chain):
    app = served(chain)
    assert ask(app, "POST", HOOK, headers=signed(at=chain.clock()), body=(BODY,)).status == 202
    until = time.monotonic() + WAIT
    while not (found := chain.ledger.audit(limit=1, action="trigger.data")) and time.monotonic() < until:
        time.sleep(0.5)
    Desk(chain).clear()  # the week itself is not waited for
    assert found[0].reason == "there are data that no cycle has read"
