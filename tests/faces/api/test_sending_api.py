"""A file that is sent: read, conditioned and kept as one that had lain where its source says."""

import json
from datetime import timedelta

import pytest
from tests.faces.asked import Answer, ask

from fleetcast.domain.tables import DELIVERIES
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import LAST

WEEK_MORE = LAST + timedelta(days=7)
GOOD = f"week,store,product,delivered\n{WEEK_MORE},east-1,00001,7.0\n{WEEK_MORE},west-1,00001,9.0\n".encode()
MIXED = GOOD + f"{WEEK_MORE},east-2,00001,seven\n{WEEK_MORE},nowhere,00001,3.0\n".encode()
DELIVERED = "/deliveries?name=second.csv"


def send(served, to: str, *pieces: bytes, regions: str = "all", **headers: str) -> Answer:
    token = served.tokens[Role.engineer, regions]
    path = f"/api/v1/dev/condition{to}"
    return ask(served.app, "POST", path, token=token, headers=headers, body=pieces or [b""])


def known(served) -> tuple[int, str]:
    """What the chain has: files of deliveries, and the version of their table."""
    return len(served.w.raw.files("deliveries")), served.w.lake.version(DELIVERIES)


def test_a_file_that_is_sent_is_in_the_tables_when_it_is_answered(serving):
    answer = send(serving, DELIVERED, GOOD[:20], GOOD[20:])
    told = answer.json
    assert answer.status == 200, answer.body
    assert (told["rows"], told["quarantined"], told["new"]) == (2, 0, True)
    assert told["tables"] == {"deliveries": serving.w.lake.version(DELIVERIES)}
    rows = serving.w.lake.read(DELIVERIES).filter(week=WEEK_MORE).sort("store")
    assert rows["delivered"].to_list() == [7.0, 9.0]
    (event,) = serving.w.ledger.audit(action="data.send")
    assert (event.actor, event.subject, event.after) == ("eva-all", "deliveries", told["digest"])


def test_rows_that_are_not_what_they_should_be_are_set_aside_and_told(serving):
    told = send(serving, DELIVERED, MIXED).json
    assert (told["rows"], told["quarantined"]) == (4, 2)
    assert [(row["line"], row["reason"]) for row in told["set_aside"]] == [
        (4, "not_a_number"),
        (5, "unknown_store"),
    ]
    account = told["account"]
    assert account["rows"] == account["accepted"] + account["quarantined"] + account["duplicates"]


HOSTILE = {
    "nothing": b"",
    "no text": b"\x00\x01\x02" * 1000,
    "other columns": b"week,store\n2026-11-16,east-1\n",
    "a web page": b"<html><script>alert(1)</script></html>",
    "one endless line": b"week,store,product,delivered" + b"," * 500_000,
    "a packed file": b"\x1f\x8b\x08" + bytes(100),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_its_source_does_not_declare_changes_nothing(serving, content):
    before = known(serving)
    answer = send(serving, DELIVERED, content)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json"), answer.body
    assert known(serving) == before
    assert serving.w.ledger.audit(action="data.send") == []


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("/deliveries", 400),
        ("/deliveries?name=a.csv&reference=first.csv", 400),
        ("/deliveries?name=../../fleetcast.toml", 422),
        ("/deliveries?name=/etc/passwd", 422),
        ("/deliveries?name=.hidden.csv", 422),
        ("/deliveries?name=a/../b.csv", 422),
        ("/deliveries?name=" + "a" * 201, 422),
        ("/deliveries?reference=third.csv", 404),
        ("/elsewhere?name=a.csv", 404),
    ],
)
def test_what_no_file_can_be_called_is_refused(serving, to, status):
    before = known(serving)
    assert send(serving, to, GOOD).status == status
    assert known(serving) == before


def test_a_file_that_lies_where_its_source_says_is_taken_by_its_name(serving):
    (serving.w.folder / "data" / "deliveries" / "second.csv").write_bytes(GOOD)
    told = send(serving, "/deliveries?reference=data/deliveries/second.csv").json
    assert (told["file"], told["rows"], told["new"]) == ("data/deliveries/second.csv", 2, True)


def test_the_same_file_again_changes_nothing(serving):
    first = send(serving, DELIVERED, GOOD).json
    before = known(serving)
    again = send(serving, DELIVERED, GOOD).json
    assert again == first | {"new": False}
    assert known(serving) == before


def test_a_key_that_comes_again_is_answered_by_the_first_answer_and_serves_no_other_file(serving):
    first = send(serving, DELIVERED, GOOD, **{"Idempotency-Key": "k1"})
    again = send(serving, DELIVERED, GOOD, **{"Idempotency-Key": "k1"})
    assert json.loads(again.body) == json.loads(first.body)
    assert first.json["new"]
    other = send(serving, DELIVERED, MIXED, **{"Idempotency-Key": "k1"})
    assert (other.status, known(serving)[0]) == (422, 2)
    assert send(serving, DELIVERED, MIXED, **{"Idempotency-Key": "k2"}).status == 200


def test_a_key_that_comes_again_is_answered_though_a_run_is_under_way(serving):
    first = send(serving, DELIVERED, GOOD, **{"Idempotency-Key": "k1"})
    with serving.w.ledger.lease("cycle", "timer", 10.0):
        assert send(serving, DELIVERED, GOOD, **{"Idempotency-Key": "k1"}).json == first.json
        assert send(serving, DELIVERED, MIXED, **{"Idempotency-Key": "k1"}).status == 422
        assert send(serving, DELIVERED, GOOD, **{"Idempotency-Key": "k2"}).status == 409


def test_a_file_waits_for_no_run_that_is_under_way(serving):
    with serving.w.ledger.lease("cycle", "timer", 10.0):
        assert send(serving, DELIVERED, GOOD).status == 409
    assert known(serving)[0] == 1


def test_whoever_has_some_regions_only_sends_no_file_of_all(serving):
    assert send(serving, DELIVERED, GOOD, regions="east").status == 404


def test_a_file_may_be_larger_than_other_requests_and_not_endless(serving):
    long = GOOD + b" " * (2 << 20)
    assert send(serving, DELIVERED, long).status != 413
    assert send(serving, DELIVERED, *[bytes(1 << 20)] * 65).status == 413
    assert send(serving, DELIVERED, **{"content-length": str(65 << 20)}).status == 413
    assert send(serving, DELIVERED, b"\x1f\x8b", **{"content-encoding": "gzip"}).status == 415
