"""`[serve.oidc]`: a provider that can be used and trusted, or what to write instead."""

import pytest

from fleetcast.domain.errors import SettingsError
from fleetcast.settings import OidcGroupSettings, load
from fleetcast.settings.oidc import protected

HEAD = 'schema = 1\n[workspace]\nname = "shop"\npackage = "shop"\n'
PROVIDER = {
    "issuer": '"https://login.example.com/fleet"',
    "client_id": '"fleet"',
    "groups": '[{ group = "planners", role = "planner", regions = ["ohio"] }, { group = "ops", role = "operator" }]',
}


@pytest.fixture
def written(tmp_path):
    """The settings with these in the branch of the provider; a value None leaves one out."""

    def of(**changed: str | None):
        path = tmp_path / "fleetcast.toml"
        keys = {name: value for name, value in (PROVIDER | changed).items() if value is not None}
        lines = "".join(f"{name} = {value}\n" for name, value in keys.items())
        path.write_text(f"{HEAD}[serve.oidc]\n{lines}")
        return load(path).serve

    return of


def test_a_provider_needs_its_address_our_name_and_groups(written):
    serve = written()
    assert serve.oidc.groups == (
        OidcGroupSettings(group="planners", role="planner", regions=("ohio",)),
        OidcGroupSettings(group="ops", role="operator"),
    )
    assert (serve.oidc.scopes, serve.oidc.claim, serve.passwords) == (
        ("openid", "profile", "email"),
        "groups",
        True,
    )


@pytest.mark.parametrize(
    ("changed", "key", "problem", "instead"),
    [
        ({"issuer": '"http://login.example.com"'}, "issuer", "is no address of a provider", "https://"),
        ({"issuer": '"login.example.com"'}, "issuer", "is no address of a provider", "https://"),
        ({"issuer": '"https://login.example.com/?a=b"'}, "issuer", "is no address of a provider", "https://"),
        ({"issuer": None}, "issuer", "is missing", "text in quotation marks"),
        ({"client_secret": '"hunter2"'}, "client_secret", "is written out", '"env:NAME"'),
        ({"scopes": '["profile"]'}, "scopes", "lacks openid", '"openid"'),
        ({"groups": "[]"}, "groups", "nobody is let in", "group ="),
        ({"groups": '[{ group = "a", role = "boss" }]'}, "groups[0].role", "none of the choices", '"admin"'),
        (
            {"groups": '[{ group = "a", role = "admin", regions = [] }]'},
            "groups[0].regions",
            "no region",
            "all",
        ),
        ({"secret": "1"}, "secret", "unknown key", ""),
    ],
    ids=str,
)
def test_what_could_not_be_used_or_not_be_trusted_is_told_with_what_to_write(
    written, changed, key, problem, instead
):
    with pytest.raises(SettingsError) as caught:
        written(**changed)
    found = {one.key: one for one in caught.value.problems}[f"serve.oidc.{key}"]
    assert problem in found.problem
    assert instead in found.instead


def test_a_secret_that_is_written_out_is_not_repeated(written):
    with pytest.raises(SettingsError) as caught:
        written(client_secret='"hunter2"')  # noqa: S106 — the test's own
    assert "hunter2" not in str(caught.value)


def test_some_way_in_is_left(tmp_path):
    path = tmp_path / "fleetcast.toml"
    path.write_text(f"{HEAD}[serve]\npasswords = false\n")
    with pytest.raises(SettingsError, match="no other way in"):
        load(path)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example.com:8443/a/b?c=d", True),
        ("http://[::1]:3000/token", True),
        ("http://localhost", True),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1@evil.example", False),
        ("https://user:pass@login.example.com", False),
        ("https://login.example.com/#x", False),
        ("https://", False),
        ("https://login.example.com:port", False),
        ("https://[::1", False),
        ("//login.example.com", False),
        ("", False),
    ],
)
def test_what_others_could_read_on_the_way_is_no_address_of_a_provider(url, safe):
    assert protected(url) is safe
