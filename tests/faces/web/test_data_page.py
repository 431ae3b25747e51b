"""Pages of data: what sources brought, what was set aside of it, and a version that waits for somebody."""

import shutil
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from tests.faces.asked import LOCAL, ask
from tests.faces.web.visitors import pages_for, pages_of
from tests.faces.web.waiting import BOOKS, prod, received, with_books, with_waiting_data

from fleetcast.faces import server
from fleetcast.fleet import pins
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import LAST, WEDNESDAY, opened

FORM = {"origin": LOCAL, "content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="session")
def waiting(first_week, tmp_path_factory):
    """Only to be looked at."""
    folder = shutil.copytree(first_week[0], tmp_path_factory.mktemp("waiting") / "chain")
    return with_waiting_data(folder)


@pytest.fixture
def shown(waiting) -> TestClient:
    return pages_of(prod(waiting))


def test_a_source_is_listed_with_its_rows_against_the_usual_ones_and_what_was_set_aside(shown):
    rows = {row["source"]: row for row in shown.get("/prod/data.json").json()}
    deliveries = rows["deliveries"]
    assert (deliveries["rows"], deliveries["expected"], deliveries["quarantined"]) == (16, 16.0, 2)
    assert deliveries["accepted"] == 961
    assert rows["stores"]["rows"] is None


def test_rows_that_were_set_aside_are_shown_as_they_came_by_the_check_they_failed(shown):
    rows = shown.get("/prod/data/deliveries/quarantine.json").json()
    assert [(row["line"], row["check"]) for row in rows] == [(3, "not_a_number"), (4, "unknown_store")]
    assert rows[0]["text"] == f"{BOOKS},east-1,00001,fifteen"
    chosen = shown.get("/prod/data/deliveries", params={"check": "unknown_store"}).text
    assert "store nowhere is in no master data" in chosen
    assert "east-1,00001,fifteen" not in chosen


def test_whoever_may_see_some_regions_sees_counts_and_no_row(waiting):
    theirs = pages_for(prod(waiting), Role.engineer, "east")
    page = theirs.get("/prod/data/deliveries").text
    assert "not_a_number" in page
    assert "fifteen" not in page
    assert "books.csv" not in page
    assert theirs.get("/prod/data/deliveries/quarantine.csv").status_code == 404


def test_two_versions_of_a_table_are_held_against_each_other(waiting, shown):
    review = pins.review(prod(waiting))
    query = {
        "table": "deliveries",
        "from": dict(review.before.tables)["deliveries"],
        "to": dict(review.new.tables)["deliveries"],
    }
    page = shown.get("/prod/data/deliveries", params=query).text
    assert "correction, 960 rows before, 961 now" in page
    assert f"961 now, week {BOOKS}, east" in page


def test_a_source_that_nobody_declared_is_not_there(shown):
    assert shown.get("/prod/data/nothing").status_code == 404


def test_a_version_that_waits_is_shown_above_all_with_what_has_to_be_looked_at(shown):
    page = shown.get("/prod/data").text
    assert "They are not read before somebody has looked at them." in page
    assert f"week {BOOKS} changed, more than 13 weeks back" in page


def test_an_engineer_acknowledges_it_with_a_reason_that_the_audit_log_keeps(waiting, tmp_path):
    folder = shutil.copytree(waiting, tmp_path / "chain")
    w = prod(folder)
    app = server.application(w.people, lambda _: w, server.limits_of(w, "127.0.0.1"))
    tokens = {}
    for role in (Role.engineer, Role.scientist):
        w.people.add(str(role), role, None, password=None, actor="test")
        _, tokens[role] = w.people.add_token(
            str(role), purpose="t", role=None, regions=None, days=1, actor="test"
        )

    def sent(role: Role, data: str, reason: str):
        body = f"data={data}&reason={reason}".encode()
        return ask(app, "POST", "/prod/acknowledge", token=tokens[role], headers=FORM, body=[body])

    waits = pins.latest(w).digest
    assert sent(Role.scientist, waits, "looked").status == 403
    assert b"Please fill in" in sent(Role.engineer, waits, "").body
    older = sent(Role.engineer, "0" * 64, "looked")
    assert older.status == 400
    assert b"look at them with" in older.body
    assert w.ledger.audit(action=pins.ACKNOWLEDGED) == []

    done = sent(Role.engineer, waits, "the+depot+found+its+old+books")
    assert (done.status, done.headers["location"]) == (303, "/prod/data?done=looked_at")
    (record,) = w.ledger.audit(action=pins.ACKNOWLEDGED)
    assert (record.actor, record.reason) == ("engineer", "the depot found its old books")
    assert pins.admit(w, actor="timer").digest == waits
    w.people.close()


def test_as_of_a_week_only_files_count_that_had_come_when_its_run_ended(first_week, tmp_path):
    folder = shutil.copytree(first_week[0], tmp_path / "chain")
    with_books(folder)
    w = received(opened(folder, WEDNESDAY + timedelta(minutes=10)))
    shown = pages_of(w)

    def asked(path, **query):
        return shown.get(f"/dev/data{path}.json", params=query).json()

    then = {"asof": str(LAST)}
    before, now = (
        next(row for row in asked("", **query) if row["source"] == "deliveries") for query in (then, {})
    )
    assert (before["quarantined"], now["quarantined"]) == (0, 2)
    assert before["accepted"] == now["accepted"] - 1
    files = ([row["file"] for row in asked("/deliveries", **query)] for query in (then, {}))
    assert [len(of) for of in files] == [1, 2]
    assert asked("/deliveries/quarantine", **then) == []
    page = shown.get("/dev/data/deliveries", params=then).text
    assert "books.csv" not in page
    assert "not_a_number" not in page
    assert asked("", asof="2020-01-06")[0]["accepted"] == 0
