"""Asking the fleet over the API: the published numbers, what would be, and nothing of regions that were not granted."""

import json

import pytest
from tests.faces.asked import Answer, ask

from fleetcast.people.roles import Role

MINE = {"stores": ["east-1"], "products": ["00001"]}


def post(served, question: object, regions: str = "all", role: Role = Role.viewer) -> Answer:
    body = question if isinstance(question, bytes) else json.dumps(question).encode()
    headers = {"content-type": "application/json"}
    token = served.tokens[role, regions]
    return ask(served.app, "POST", "/api/v1/dev/score", token=token, headers=headers, body=[body])


def test_what_is_asked_is_answered_by_the_published_numbers(served):
    told = post(served, MINE).json
    assert told["release"] == served.w.ledger.pointer()
    assert [row["week"] for row in told["rows"]] == ["2026-11-16", "2026-11-23"]
    assert all(row["forecast"]["median"] == row["published"] for row in told["rows"])


def test_a_store_of_another_region_is_told_as_one_that_is_nowhere(served):
    refused, missing = (post(served, MINE | {"stores": [name]}, "east") for name in ("west-1", "west-9"))
    assert (refused.status, missing.status) == (400, 400)
    assert refused.body.replace(b"west-1", b"west-9") == missing.body
    assert post(served, MINE, "east").status == 200


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({}, 422),
        (MINE | {"colour": "red"}, 422),
        (MINE | {"suppose": {"price": "low"}}, 422),
        (b'{"stores": ["east-1"], "suppose": {"price": NaN}}', 422),
        (MINE | {"suppose": {"price": 1.0}}, 400),
        (MINE | {"weeks": ["2026-11-17"]}, 400),
        (MINE | {"release": "zz"}, 400),
        ({"stores": ["east-1"] * 501}, 400),
        (b"[" * 500_000, 400),
        (b'{"stores": ["\xff"]}', 400),
        (b"stores=east-1", 422),
    ],
)
def test_a_question_that_is_none_is_a_problem_in_words(served, question, status):
    answer = post(served, question)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), (
        answer.body
    )
