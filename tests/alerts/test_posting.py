import json
import threading

import pytest

from fleetcast.alerts.patience import within
from fleetcast.alerts.posting import post
from fleetcast.alerts.unsent import NotSent

SAID = {"title": "Regal größer"}


def test_json_gets_there_as_it_was_written(web):
    post(web.url, SAID, seconds=5)
    assert [json.loads(body) for body in web.bodies] == [SAID]


@pytest.mark.parametrize(("status", "down"), [(400, False), (404, True), (429, True), (500, True)])
def test_an_answer_that_is_none_says_what_it_was_and_whether_another_could_pass(web, status, down):
    web.status = status
    with pytest.raises(NotSent, match=f"it answered {status}") as caught:
        post(web.url, SAID, seconds=5)
    assert caught.value.down == down


def test_no_redirect_is_followed(serve):
    web, other = serve(), serve()
    web.status, web.location = 307, other.url
    with pytest.raises(NotSent, match="it answered 307 Temporary Redirect"):
        post(web.url, SAID, seconds=5)
    assert other.bodies == []


def test_tls_is_spoken_with_whom_a_trusted_authority_knows(serve, certified, trusting):
    web = serve(certified)
    post(web.url.replace("http:", "https:"), SAID, seconds=5)
    assert len(web.bodies) == 1


def test_a_certificate_of_nobody_known_is_not_trusted(serve, certified):
    with pytest.raises(NotSent, match="its certificate cannot be verified"):
        post(serve(certified).url.replace("http:", "https:"), SAID, seconds=5)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://fleet.example.com/s3cr3t", "does not begin with https"),
        ("file:///etc/s3cr3t", "does not begin with https"),
        ("s3cr3t", "does not begin with https"),
        ("https://[s3cr3t", "does not begin with https"),
        ("https://eva:s3cr3t@fleet.example.com", "has a user name in it"),  # fleetcast: not-a-secret
        ("https://localhost:1/s3cr3t", "Connection refused"),
        ("https://localhost:s3cr3t/", "InvalidURL"),
        ("https://localhost:1/a s3cr3t", "InvalidURL"),
        ("https://s3cr3t.invalid/", "its host is not found"),
    ],
)
def test_why_nothing_was_sent_never_names_the_address(address, said):
    with pytest.raises(NotSent, match=said) as caught:
        post(address, SAID, seconds=5)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nobody_waits_for_a_server_that_never_answers(web):
    web.stalls = True
    with pytest.raises(NotSent, match="no answer in time"):
        post(web.url, SAID, seconds=0.05)


def test_nor_for_anything_else():
    over = threading.Event()
    with pytest.raises(NotSent, match="no answer in time"):
        within(0.05, lambda: bool(over.wait()) or None)
    over.set()


def test_what_nobody_had_foreseen_is_not_lost_on_the_way():
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
