"""Where it may be served."""

from datetime import UTC, datetime

import pytest

from fleetcast.domain.errors import PolicyRefusal
from fleetcast.faces.exposure import refuse_exposed
from fleetcast.people.accounts import Account
from fleetcast.people.roles import Role
from fleetcast.settings import ServeSettings

ANA = Account(
    "ana", Role.viewer, None, disabled=False, created=datetime(2026, 11, 18, tzinfo=UTC), local=True
)
TLS = {"certificate": "fleet.pem", "key": "fleet.key"}
NAMED = {"names": ("fleet.example.com",)}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_this_machine_alone_always(host):
    refuse_exposed(host, ServeSettings(), [])


@pytest.mark.parametrize("how", [TLS, {"proxies": ("10.0.0.5",)}])
def test_for_others_with_people_tls_and_a_name(how):
    refuse_exposed("0.0.0.0", ServeSettings(**how, **NAMED), [ANA])  # noqa: S104 — what is refused otherwise


def test_for_others_where_a_provider_says_who_they_are():
    oidc = {"issuer": "https://login.example.com", "client_id": "fleet", "groups": ()}
    refuse_exposed("0.0.0.0", ServeSettings(oidc=oidc, **TLS, **NAMED), [])  # noqa: S104


@pytest.mark.parametrize(
    ("settings", "people", "told"),
    [
        (TLS | NAMED, [], "nobody can sign in"),
        (NAMED, [ANA], "no TLS"),
        ({"certificate": "fleet.pem"} | NAMED, [ANA], "no TLS"),
        (TLS, [ANA], "no name"),
    ],
)
def test_for_others_not_while_anything_is_missing(settings, people, told):
    with pytest.raises(PolicyRefusal, match=told) as refusal:
        refuse_exposed("0.0.0.0", ServeSettings(**settings), people)  # noqa: S104
    assert refusal.value.exit_code == 4
