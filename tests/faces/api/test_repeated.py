"""Idempotency keys: what is sent again is answered by the first answer, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faces.api.test_examples import DOCUMENT
from tests.faces.api.test_versions import other_release
from tests.faces.asked import Answer, ask

from fleetcast.faces.api.repeated import Answered
from fleetcast.fleet.uploads import KeyReused
from fleetcast.people.roles import Role

MINE = {"stores": ["east-1"], "products": ["00001"]}


def score(served, question: object, key: str, regions: str = "all") -> Answer:
    headers = {"content-type": "application/json", "idempotency-key": key}
    token, body = served.tokens[Role.engineer, regions], [json.dumps(question).encode()]
    return ask(served.app, "POST", "/api/v1/dev/score", token=token, headers=headers, body=body)


def test_every_post_takes_a_key():
    posts = {path: methods["post"] for path, methods in DOCUMENT["paths"].items() if "post" in methods}
    assert len(posts) == 2
    for path, post in posts.items():
        assert "Idempotency-Key" in {one["name"] for one in post["parameters"]}, path


def test_the_same_key_is_answered_alike_though_the_fleet_says_something_else_by_now(serving):
    first = score(serving, MINE, "k1")
    other_release(serving.w)
    assert first.status == 200
    assert score(serving, MINE, "k1").body == first.body
    assert score(serving, MINE, "k2").body != first.body


def test_a_key_serves_no_other_question_and_nobody_else(served):
    assert score(served, MINE, "k1").status == 200
    refused = score(served, MINE | {"products": ["00002"]}, "k1")
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert "make a new one" in refused.json["detail"]
    assert score(served, MINE | {"products": ["00002"]}, "k1", "east").status == 200
    assert score(served, MINE, "k" * 101).status == 422


def test_a_refusal_is_not_kept(served):
    wrong = MINE | {"stores": ["nowhere"]}
    assert score(served, wrong, "k3").status == 400
    assert score(served, MINE, "k3").status == 200


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 40)), max_size=30))
def test_what_is_kept_is_the_first_answer_and_no_more_than_was_said(asked):
    answers, first = Answered(most=100), {}
    for key, number, length in asked:
        question, answer = {"n": number}, {"said": "x" * length}
        try:
            told = answers.keep(key, question, answer)
        except KeyReused:
            assert first[key][0] != question
            continue
        held = first.setdefault(key, (question, answer))
        assert told in (answer, held[1])
        first[key] = question, told
        assert sum(len(written) for _, written in answers._kept.values()) <= 100


def test_an_answer_that_is_too_large_to_be_kept_is_given_all_the_same():
    answers = Answered(most=10)
    assert answers.keep("k", {}, {"said": "x" * 20}) == {"said": "x" * 20}
    assert answers.before("k", {}) is None


def test_another_question_under_a_kept_key_is_refused():
    answers = Answered()
    answers.keep("k", {"n": 1}, {"said": "one"})
    with pytest.raises(KeyReused, match="sent before with something else"):
        answers.before("k", {"n": 2})
