"""The admin page: people, what they may, and what is done about them."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.faces.web.conftest import Somebody

from fleetcast.faces.web import routes
from fleetcast.people.arrivals import Arrival, Grant
from fleetcast.people.roles import Role
from fleetcast.testing.served import Size, served


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    found = served(tmp_path_factory.mktemp("served") / "fleet", Size(regions=1, series=1))
    for name, role in (("ana", Role.admin), ("paul", Role.planner)):
        found.people.add(name, role, None, password=None, actor="test")
    return found


@pytest.fixture
def ana(w):
    return _asked_by(w, None)


def _asked_by(w, regions: frozenset[str] | None) -> TestClient:
    app = Starlette(routes=routes(lambda _: w))

    async def signed_in(scope, receive, send):
        scope.setdefault("state", {})["principal"] = Somebody("ana", "admin", regions)
        await app(scope, receive, send)

    return TestClient(signed_in)


def test_people_are_listed_with_what_each_role_may_do_and_the_thresholds_in_force(ana):
    page = ana.get("/dev/admin").text
    assert all(
        said in page for said in (">paul</a>", "Roll back, lift a hold", "[gate] mape", "fleetcast.toml")
    )
    assert [row["name"] for row in ana.get("/dev/admin/people.json").json()][:2] == ["ana", "paul"]


def test_who_manages_some_regions_is_shown_nobody(w):
    assert _asked_by(w, frozenset({"region-01"})).get("/dev/admin").status_code == 404


def test_somebody_gets_another_role_and_other_regions_with_a_reason(w, ana):
    sent = {"role": "operator", "regions": "region-01, region-02", "reason": "she moved to operations"}
    assert "The role was changed" in ana.post("/dev/admin/people/paul/role", data=sent).text
    paul = next(one for one in w.people.accounts() if one.name == "paul")
    assert (paul.role, paul.regions) == (Role.operator, frozenset({"region-01", "region-02"}))
    last = w.people.audit()[-1]
    assert (last.actor, last.action, last.reason) == ("ana", "user.role", "she moved to operations")


def test_of_who_signs_in_with_a_provider_it_says_that_its_groups_decide(w, ana):
    grant = Grant(Role.viewer, None)
    arrival = Arrival("https://login.example.com", "4711", "zoe", grant)
    w.people.sign_out(w.people.arrive(arrival, address="127.0.0.1"))
    assert "Signs in with a provider" in ana.get("/dev/admin/people/zoe").text
    assert "Signs in with a provider" not in ana.get("/dev/admin/people/paul").text


def test_a_role_that_is_none_is_refused(ana):
    sent = {"role": "emperor", "regions": "", "reason": "x"}
    assert "emperor is no role" in ana.post("/dev/admin/people/paul/role", data=sent).text


def test_nobody_takes_their_own_rights_away(w, ana):
    answer = ana.post("/dev/admin/people/ana/disable", data={"reason": "by mistake"})
    assert (answer.status_code, "ask another admin" in answer.text) == (400, True)
    assert not next(one for one in w.people.accounts() if one.name == "ana").disabled


def test_an_account_is_made_kept_out_and_let_in_again(w, ana):
    ana.post("/dev/admin/add", data={"name": "eve", "role": "viewer", "regions": ""})
    ana.post("/dev/admin/people/eve/disable", data={"reason": "she left"})
    assert next(one for one in w.people.accounts() if one.name == "eve").disabled
    ana.post("/dev/admin/people/eve/enable", data={"reason": "she is back"})
    assert not next(one for one in w.people.accounts() if one.name == "eve").disabled
    assert "there is an account" in ana.post("/dev/admin/add", data={"name": "Eve", "role": "viewer"}).text


def test_sessions_are_counted_and_ended(w, ana):
    w.people.redeem(w.people.link("paul", actor="test"), address="127.0.0.1")
    assert w.people.sessions() == {"paul": 1}
    ana.post("/dev/admin/people/paul/sign-out", data={"reason": "a laptop was lost"})
    assert w.people.sessions() == {}


def test_a_token_is_revoked_and_its_secret_is_nowhere(w, ana):
    token, secret = w.people.add_token("ana", purpose="export", role=None, regions=None, days=1, actor="test")
    assert secret not in ana.get("/dev/admin").text + ana.get("/dev/admin/tokens.csv").text
    assert "worth nothing" in ana.post(f"/dev/admin/tokens/{token.id}/revoke", data={"reason": "leaked"}).text
    assert w.people.bearer(secret) is None
