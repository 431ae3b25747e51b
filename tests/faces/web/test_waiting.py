"""A release that waits for approvals, on the operations page."""

import shutil
from datetime import timedelta
from html import unescape

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fleetcast.faces.web import routes
from fleetcast.testing.kiosks import WEDNESDAY, opened, run_week

POLICY = """schema = 1
[promotion.dev]
approvals = 2
people = ["ben", "cyd"]
[signers.ben]
key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN2vLpBQKNKzeYMvXbxUr9mHdvAEHRKBsFDUPbvjJ0lU"
"""


@pytest.fixture
def chain(first_week, tmp_path):
    return shutil.copytree(first_week[0], tmp_path / "chain")


@pytest.fixture
def w(chain):
    """A chain whose changed code waits for two people."""
    (chain / "policy.toml").write_text(POLICY, "utf-8")
    code = chain / "src" / "kiosks" / "conditioners" / "stores.py"
    run_week(chain, WEDNESDAY + timedelta(minutes=1))
    code.write_text(code.read_text("utf-8") + "\n# now\n", "utf-8")
    run_week(chain, WEDNESDAY + timedelta(minutes=5))
    return opened(chain, WEDNESDAY + timedelta(minutes=10))


def test_operations_show_what_waits_for_whom_what_is_new_and_what_to_type(w):
    pages = TestClient(Starlette(routes=routes(lambda _: w)))
    page = unescape(pages.get("/dev/ops").text)
    waits = page.split("A release waits for approvals", 1)[1].split("</section>")[0]
    newest = w.registry.releases.list()[-1].id
    assert "code changed: it needs 2 approvals, and has 0" in waits
    assert "Approved by 0 of 2" in waits
    assert "Who may still approve it: ben, cyd." in waits
    assert f"fleetcast release approve {newest[:12]} --env dev --key FILE" in waits
    assert f"/dev/compare?r={w.ledger.pointer()[:12]}&r={newest[:12]}" in waits
    assert "a server must not have the key" in waits
    assert "<form" not in waits


def test_nothing_waits_where_policy_asks_nobody(chain):
    pages = TestClient(Starlette(routes=routes(lambda _: opened(chain))))
    assert "A release waits" not in pages.get("/dev/ops").text
