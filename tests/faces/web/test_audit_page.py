"""The audit log as a page: chosen, page by page, one record, and whether the chain holds."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from starlette.testclient import TestClient
from tests.faces.web.visitors import pages_for, pages_of

from fleetcast.ledger.audit import AuditEvent
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import opened


@pytest.fixture
def w(first_week, tmp_path):
    """A ledger in which Ann did sixty things."""
    w = opened(shutil.copytree(first_week[0], tmp_path / "chain"))
    for number in range(60):
        w.ledger.append(AuditEvent("ann", "incident.noted", f"thing {number}", "=looked", "before", "after"))
    return w


@pytest.fixture
def log(w) -> TestClient:
    return pages_of(w)


def test_records_are_listed_the_newest_first_a_page_at_a_time(w, log):
    head = w.ledger.head()[0]
    first, second = (log.get("/dev/audit", params={"page": page}).text for page in ("1", "2"))
    assert f'href="/dev/audit/{head}"' in first
    assert "Page 1 of 2" in first
    assert 'href="/dev/audit/1"' in second
    assert 'href="/dev/audit/1"' not in first


def test_a_filter_chooses_by_who_did_what_since_when(log):
    mine = log.get("/dev/audit.json", params={"actor": "test"}).json()
    assert {one["actor"] for one in mine} == {"test"}
    promoted = log.get("/dev/audit.json", params={"action": "release.promote"}).json()
    assert [one["action"] for one in promoted] == ["release.promote"]
    assert log.get("/dev/audit.json", params={"from": "2026-11-19"}).json() == []
    assert len(log.get("/dev/audit.json", params={"from": "2026-11-18", "actor": "ann"}).json()) == 60
    assert "Nothing meets what is chosen above." in log.get("/dev/audit", params={"actor": "nobody"}).text


def test_a_download_has_every_record_and_no_cell_that_a_spreadsheet_runs(log):
    text = log.get("/dev/audit.csv", params={"actor": "ann"}).text
    assert text.count("'=looked") == 60


def test_a_record_says_what_it_changed_name_by_name(log):
    (moved,) = log.get("/dev/audit.json", params={"action": "model.transition"}).json()
    changed = log.get(f"/dev/audit/{moved['seq']}.json").json()
    assert {(one["before"], one["after"]) for one in changed} == {("registered", "promoted")}
    assert {one["name"] for one in changed} >= {"dev/east/large/slow/2026w46-1"}
    for number in ("0", "1000", "x", "9" * 40):
        assert log.get(f"/dev/audit/{number}").status_code == 404


def test_the_chain_is_checked_when_asked_and_a_record_that_was_changed_is_named(w, log):
    assert "The chain holds." not in log.get("/dev/audit").text
    assert "The chain holds." in log.get("/dev/audit", params={"check": "chain"}).text
    w.ledger.close()
    with closing(sqlite3.connect(w.state / "ledger.db")) as database:
        triggers = database.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f"drop trigger {name}")
        database.execute("update audit set reason = 'never' where seq = 20")
        database.commit()
    page = log.get("/dev/audit", params={"check": "chain"}).text
    assert "The chain is broken at record 20." in page


def test_whoever_may_see_some_regions_finds_no_audit_log(w):
    theirs = pages_for(w, Role.operator, "east")
    for path in ("/dev/audit", "/dev/audit.csv", "/dev/audit/1", "/dev/audit?check=chain"):
        assert theirs.get(path).status_code == 404
