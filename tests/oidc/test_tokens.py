"""Which tokens hold, and that no other does."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.oidc.conftest import NOON
from tests.oidc.pretender import key, unsigned

from fleetcast.oidc.tokens import SKEW, Keys, UnknownKey
from fleetcast.people.arrivals import TurnedAway, Why

ISSUER, US, NONCE = "https://login.example.com", "fleet", "n-0S6_WzA2Mj"
NOW = int(NOON.timestamp())
OURS = key("one")
GOOD = {"iss": ISSUER, "sub": "4711", "aud": US, "exp": NOW + 300, "iat": NOW, "nonce": NONCE}
PUBLISHED = {"keys": [OURS.as_dict(private=False)]}


def signed(claims: dict, by: ECKey = OURS, **header: str) -> str:
    return jwt.encode({"alg": "ES256", "kid": by.kid} | header, claims, by)


def verified(token: str, document: dict = PUBLISHED) -> dict:
    return Keys.of(document).verified(token, issuer=ISSUER, client_id=US, nonce=NONCE, now=NOON)


def refused(token: str, document: dict = PUBLISHED) -> None:
    with pytest.raises(TurnedAway) as refusal:
        verified(token, document)
    assert refusal.value.why is Why.untrusted


def test_a_token_that_the_issuer_signed_for_us_holds():
    assert verified(signed(GOOD))["sub"] == "4711"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://login.example.com/"},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [US, "another"]},
        {"aud": [US, "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": [[US]]},
        {"nonce": "another"},
        {"nonce": ""},
        {"exp": NOW - SKEW},
        {"exp": 0},
        {"exp": "2099-01-01"},
        {"exp": float("nan")},
        {"iat": NOW + SKEW + 1},
        {"nbf": NOW + SKEW + 1},
        {"sub": ""},
        {"sub": 4711},
        {"sub": "x" * 256},
    ],
    ids=str,
)
def test_a_token_of_another_or_of_another_time_does_not_hold(wrong):
    refused(signed(GOOD | wrong))


@pytest.mark.parametrize("claim", GOOD)
def test_a_token_that_leaves_something_out_does_not_hold(claim):
    refused(signed({name: value for name, value in GOOD.items() if name != claim}))


@pytest.mark.parametrize(
    "right", [{"aud": [US]}, {"aud": [US, "another"], "azp": US}, {"exp": NOW - SKEW + 1}]
)
def test_a_token_for_several_that_was_made_for_us_holds_and_a_clock_may_be_a_little_off(right):
    assert verified(signed(GOOD | right))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "ES256"])
def test_a_token_that_nobody_signed_does_not_hold(alg):
    refused(unsigned(GOOD, {"alg": alg, "kid": "one"}))


def test_what_is_published_is_no_secret_to_sign_by():
    text = json.dumps(PUBLISHED["keys"][0])
    refused(jwt.encode({"alg": "HS256", "kid": "one"}, GOOD, OctKey.import_key(text)))
    symmetric = OctKey.generate_key(256, {"kid": "two"})
    token = jwt.encode({"alg": "HS256", "kid": "two"}, GOOD, symmetric)
    refused(token, {"keys": [*PUBLISHED["keys"], symmetric.as_dict(private=True)]})


def test_a_key_that_a_token_brings_along_is_not_believed():
    theirs = key("one")
    header = {"alg": "ES256", "kid": "one", "jwk": theirs.as_dict(private=False)}
    refused(jwt.encode(header, GOOD, theirs))


def test_a_key_of_another_kind_does_not_hold():
    rsa = RSAKey.generate_key(2048, {"kid": "one"})
    with pytest.raises(UnknownKey):
        verified(jwt.encode({"alg": "RS256", "kid": "one"}, GOOD, rsa))


def test_a_token_by_a_key_that_is_not_published_is_told_apart():
    with pytest.raises(UnknownKey):
        verified(signed(GOOD, key("another")))


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.b.c.d.e", "." * 10_000, "e30.e30.", "é.é.é"])
def test_what_is_no_token_does_not_hold(token):
    refused(token)


def test_a_payload_nested_without_end_does_not_hold():
    deep = urlsafe_b64encode(b"[" * 200_000).decode()
    refused(f"{signed(GOOD).partition('.')[0]}.{deep}.{'A' * 86}")


@settings(max_examples=60)
@given(st.data())
def test_no_bit_of_a_token_can_be_changed(data):
    parts = signed(GOOD).split(".")
    index = data.draw(st.integers(1, 2))
    raw = bytearray(urlsafe_b64decode(parts[index] + "=="))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parts[index] = urlsafe_b64encode(raw).rstrip(b"=").decode()
    refused(".".join(parts))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"keys": None},
        {"keys": ["x", 7, {}]},
        {"keys": [{"kty": "RSA", "n": "!", "e": 1}]},
        {"keys": [{"kty": "EC"}]},
    ],
    ids=str,
)
def test_a_document_without_keys_has_none(document):
    with pytest.raises(UnknownKey):
        verified(signed(GOOD), document)


def test_one_broken_key_spoils_no_other():
    broken = {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "odd"}
    assert verified(signed(GOOD), {"keys": [broken, {"kty": "AKP", "kid": "new"}, *PUBLISHED["keys"]]})
