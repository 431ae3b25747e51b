"""The two steps of a sign-in with a provider, which may be anybody."""

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oidc.conftest import NOON
from tests.oidc.pretender import CLIENT, key, unsigned

from fleetcast.domain.errors import UsageError
from fleetcast.oidc.asking import LARGEST
from fleetcast.oidc.provider import FRESH, Provider
from fleetcast.people.arrivals import Arrival, Grant, TurnedAway, Why
from fleetcast.people.departures import Departure
from fleetcast.people.roles import Role

BACK = "https://fleet.example.com/sign-in/back"
AWAY = Departure("a secret that only the browser has")
CAME = {"code": AWAY.nonce, "state": AWAY.state}
DISCOVERY = "/.well-known/openid-configuration"


def arrived(provider, **said: str) -> Arrival:
    return provider.arrived(AWAY, BACK, CAME | said)


def turned_away(provider, **said: str) -> Why:
    with pytest.raises(TurnedAway) as refusal:
        arrived(provider, **said)
    return refusal.value.why


def times(pretender, path: str) -> int:
    return [asked for asked, _, _ in pretender.asked].count(path)


def test_somebody_is_sent_with_a_challenge_and_without_what_answers_it(pretender, provider):
    there = urlsplit(provider.leave(AWAY, BACK))
    asked = {name: value for name, (value,) in parse_qs(there.query).items()}
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{pretender.issuer}/auth"
    assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", CLIENT, BACK)
    assert (asked["state"], asked["nonce"], asked["scope"]) == (
        AWAY.state,
        AWAY.nonce,
        "openid profile email",
    )
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (AWAY.challenge, "S256")
    assert not any(secret in there.query for secret in (AWAY.secret, AWAY.verifier))


def test_an_address_that_has_a_query_keeps_it(pretender, provider):
    pretender.description = {"authorization_endpoint": f"{pretender.issuer}/auth?policy=b2c"}
    assert provider.leave(AWAY, BACK).startswith(f"{pretender.issuer}/auth?policy=b2c&response_type=code&")


@given(st.text(min_size=1))
def test_all_that_a_provider_is_told_differs_and_fits(secret):
    departure = Departure(secret)
    told = {departure.state, departure.nonce, departure.verifier, departure.challenge, secret}
    assert len(told) == 5
    assert 43 <= len(departure.verifier) <= 128
    digest = hashlib.sha256(departure.verifier.encode()).digest()
    assert departure.challenge == urlsafe_b64encode(digest).decode().rstrip("=")


def test_whoever_comes_back_is_who_the_provider_says(pretender, provider):
    who = arrived(provider)
    planner = Grant(Role.planner, frozenset({"east", "west"}))
    assert who == Arrival(pretender.issuer, "4711", "ana", planner, frozenset({"planners"}))
    form = next(form for path, form, _ in pretender.asked if path == "/token")
    assert form["code_verifier"] == AWAY.verifier
    assert (form["redirect_uri"], form["client_id"]) == (BACK, CLIENT)


def test_a_secret_is_sent_in_a_header_unless_the_provider_wants_it_in_the_form(pretender):
    secretly = Provider(pretender.settings, "a secret/of ours+", lambda: NOON)
    arrived(secretly)
    _, form, headers = next(asked for asked in pretender.asked if asked[0] == "/token")
    assert b64decode(headers["authorization"].removeprefix("Basic ")) == b"fleet:a+secret%2Fof+ours%2B"
    assert "client_secret" not in form
    pretender.description = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    pretender.asked.clear()
    arrived(replace(secretly))
    _, form, headers = next(asked for asked in pretender.asked if asked[0] == "/token")
    assert form["client_secret"] == "a secret/of ours+"  # noqa: S105 — the test's own
    assert "authorization" not in headers


def test_a_secret_is_in_no_error_and_in_no_picture_of_the_provider(pretender):
    secretly = Provider(pretender.settings, "a secret of ours", lambda: NOON)
    assert "a secret" not in repr(secretly)
    pretender.replies["/token"] = (401, b'{"error": "invalid_client"}')
    with pytest.raises(TurnedAway) as refusal:
        arrived(secretly)
    assert "a secret" not in str(refusal.value)
    assert "invalid_client" in str(refusal.value)


def test_groups_that_are_told_only_who_asks_are_asked_for(pretender, provider):
    pretender.claims = {"groups": None, "preferred_username": None}
    pretender.userinfo = {"sub": "4711", "groups": ["admins"], "email": "ana@example.com"}
    who = arrived(provider)
    assert (who.called, who.grant) == ("ana@example.com", Grant(Role.admin, None))
    _, _, headers = next(asked for asked in pretender.asked if asked[0] == "/userinfo")
    assert headers["authorization"] == "Bearer opaque"


def test_what_is_told_of_somebody_else_is_not_taken(pretender, provider):
    pretender.claims = {"groups": None}
    pretender.userinfo = {"sub": "another", "groups": ["admins"]}
    assert turned_away(provider) is Why.untrusted


def test_what_was_signed_holds_over_what_was_only_told(pretender, provider):
    pretender.claims = {"preferred_username": None}
    pretender.userinfo = {"sub": "4711", "groups": ["admins"], "preferred_username": "ana"}
    assert arrived(provider).grant.role is Role.planner


@pytest.mark.parametrize("groups", [[], ["strangers"], None, "x", {"admins": True}, 7])
def test_somebody_in_no_mapped_group_arrives_without_a_grant(pretender, provider, groups):
    pretender.claims = {"groups": groups}
    pretender.userinfo = {"sub": "4711"}
    assert arrived(provider).grant is None


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}, {"sub": None}],
    ids=str,
)
def test_a_token_that_does_not_hold_lets_nobody_in(pretender, provider, claims):
    pretender.claims = claims
    assert turned_away(provider) is Why.untrusted


def test_a_token_that_nobody_signed_lets_nobody_in(pretender, provider):
    now = int(NOON.timestamp())
    claims = {"iss": pretender.issuer, "sub": "4711", "aud": CLIENT, "exp": now + 300, "iat": now}
    pretender.token = unsigned(claims | {"nonce": AWAY.nonce}, {"alg": "none"})
    assert turned_away(provider) is Why.untrusted


def test_a_key_that_is_new_is_looked_for_once(pretender, provider):
    arrived(provider)
    assert times(pretender, "/keys") == 1
    pretender.key = key("two")
    arrived(provider)
    assert times(pretender, "/keys") == 2
    arrived(provider)
    assert times(pretender, "/keys") == 2


def test_a_key_that_the_provider_does_not_have_lets_nobody_in(pretender, provider):
    token = replace(pretender, key=key("theirs")).signed(AWAY.nonce)
    pretender.token = token
    assert turned_away(provider) is Why.untrusted
    assert times(pretender, "/keys") == 2


def test_a_key_that_was_withdrawn_is_forgotten_with_the_description(pretender):
    now = [NOON]
    provider = Provider(pretender.settings, None, lambda: now[0])
    pretender.claims = {"exp": int((NOON + 2 * FRESH).timestamp())}
    arrived(provider)
    pretender.token = pretender.signed(AWAY.nonce)
    pretender.key = key("two")
    assert arrived(provider)
    now[0] += FRESH + timedelta(seconds=1)
    assert turned_away(provider) is Why.untrusted


def test_what_a_provider_says_of_itself_is_asked_once_in_an_hour(pretender, provider):
    for _ in range(3):
        arrived(provider)
    assert times(pretender, DISCOVERY) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"error": "access_denied"}, Why.denied),
        ({"error": "login_required"}, Why.denied),
        ({"error": "temporarily_unavailable"}, Why.unreachable),
        ({"error": "<script>alert(1)</script>"}, Why.unreachable),
        ({"code": ""}, Why.untrusted),
        ({"iss": "https://evil.example"}, Why.untrusted),
    ],
    ids=str,
)
def test_what_comes_back_instead_of_a_code_lets_nobody_in(pretender, provider, said, why):
    assert turned_away(provider, **said) is why
    assert times(pretender, "/token") == 0


def test_a_provider_that_always_says_who_it_is_has_to(pretender, provider):
    pretender.description = {"authorization_response_iss_parameter_supported": True}
    assert turned_away(provider) is Why.untrusted
    assert arrived(provider, iss=pretender.issuer)


def test_a_code_that_is_worth_nothing_is_a_sign_in_that_is_over(pretender, provider):
    pretender.replies["/token"] = (400, b'{"error": "invalid_grant"}')
    assert turned_away(provider) is Why.expired


@pytest.mark.parametrize(
    "reply",
    [
        (500, b"{}"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b""),
        (200, b"[" * 100_000),
        (200, b'{"a":"' + b"x" * LARGEST + b'"}'),
        (200, b"\xff\xfe"),
        (302, b"http://127.0.0.1:1/elsewhere"),
    ],
    ids=lambda reply: f"{reply[0]} {reply[1][:12]!r} {len(reply[1])}",
)
@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/keys", "/userinfo"])
def test_an_answer_that_is_none_lets_nobody_in(pretender, provider, path, reply):
    pretender.claims = {"groups": None}
    pretender.replies[path] = reply
    assert turned_away(provider) is Why.unreachable


@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/keys"])
def test_an_answer_without_end_is_left(pretender, path):
    hasty = Provider(pretender.settings.model_copy(update={"seconds": 0.3}), None, lambda: NOON)
    pretender.endless.add(path)
    assert turned_away(hasty) is Why.unreachable


def test_a_provider_that_is_not_there_lets_nobody_in(pretender):
    nowhere = pretender.settings.model_copy(update={"issuer": "http://127.0.0.1:1"})
    assert turned_away(Provider(nowhere, None, lambda: NOON)) is Why.unreachable


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ["https://login.example.com"]},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "ftp://login.example.com"},
        {"authorization_endpoint": "https://[::1"},
    ],
    ids=str,
)
def test_a_provider_that_says_it_is_another_or_names_what_others_can_read_is_asked_nothing_more(
    pretender, provider, wrong
):
    pretender.description = wrong
    with pytest.raises(TurnedAway) as refusal:
        provider.leave(AWAY, BACK)
    assert refusal.value.why is Why.unreachable
    assert turned_away(provider) is Why.unreachable
    assert times(pretender, "/token") == 0


def test_a_secret_that_is_not_set_is_told_at_the_start(pretender, monkeypatch):
    monkeypatch.delenv("FLEET_SECRET", raising=False)
    settings = pretender.settings.model_copy(update={"client_secret": "env:FLEET_SECRET"})
    with pytest.raises(UsageError, match="FLEET_SECRET"):
        Provider.open(settings, lambda: NOON)
    monkeypatch.setenv("FLEET_SECRET", "x")
    assert Provider.open(settings, lambda: NOON).secret == "x"  # noqa: S105 — the test's own


def test_what_is_written_of_a_strange_answer_is_short(pretender, provider):
    pretender.replies["/token"] = (418, json.dumps({"error": "x" * 100_000}).encode())
    with pytest.raises(TurnedAway) as refusal:
        arrived(provider)
    assert len(str(refusal.value)) < 500
