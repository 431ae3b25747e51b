"""Accounts, sessions, links and tokens: who is let in, and when no more."""

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from tests.people.conftest import WORDS

import fleetcast.people
from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.ledger import database
from fleetcast.people import attempts, schema
from fleetcast.people.principal import Principal
from fleetcast.people.roles import Role
from fleetcast.people.store import SCHEMA, People

HERE = "127.0.0.1"
REGIONS = frozenset({"ohio", "iowa"})


def test_only_its_owner_may_read_the_file(people, tmp_path):
    assert stat.S_IMODE((tmp_path / "state" / "people.db").stat().st_mode) == 0o600


def test_the_newest_migration_is_the_one_the_code_expects():
    folder = Path(fleetcast.people.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_current_head() == SCHEMA.head


def test_the_migrations_make_the_schema_that_the_code_uses(people):
    with database.reading(people._engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_people_are_kept_on_a_server_as_in_a_file(postgresql, clock):
    store = People.open(postgresql.database(), clock)
    store.add("ana", Role.viewer, REGIONS, password=WORDS, actor="root")
    session = store.sign_in("ana", WORDS, address=HERE)
    assert store.session(session) == Principal("ana", Role.viewer, REGIONS)
    assert store.verify().ok
    store.close()


def test_a_password_lets_in_and_another_does_not(people, ana):
    session = people.sign_in(ana, WORDS, address=HERE)
    assert people.session(session) == Principal("ana", Role.scientist, REGIONS)
    assert people.sign_in(ana, "four other words here", address=HERE) is None
    assert people.sign_in("nobody", WORDS, address=HERE) is None


def test_neither_passwords_nor_secrets_are_kept_as_they_are(people, ana, tmp_path):
    session = people.sign_in(ana, WORDS, address=HERE)
    link = people.link(ana, actor="root")
    _, token = people.add_token(ana, purpose="nightly", role=None, regions=None, days=1, actor=ana)
    people.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert not any(secret.encode() in kept for secret in (WORDS, session, link, token))


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_a_password_has_a_length(people, password):
    with pytest.raises(UsageError, match="12 to 256"):
        people.add("ben", Role.viewer, None, password=password, actor="root")


@pytest.mark.parametrize(
    "end",
    [
        lambda people, session: people.sign_out(session),
        lambda people, _: people.grant("ana", Role.viewer, None, actor="root"),
        lambda people, _: people.set_password("ana", "another few words", actor="root"),
        lambda people, _: people.disable("ana", actor="root"),
    ],
    ids=["sign-out", "role", "password", "disable"],
)
def test_a_session_ends_with(people, ana, end):
    session, other = (people.sign_in(ana, WORDS, address=HERE) for _ in range(2))
    end(people, session)
    assert people.session(session) is None
    signed_out = people.audit()[-1].action == "sign_out"
    assert (people.session(other) is not None) == signed_out  # the other device stays signed in only then


def test_a_session_ends_by_itself(people, ana, clock):
    session = people.sign_in(ana, WORDS, address=HERE)
    clock.pass_(hours=12)
    assert people.session(session) is None


def test_a_link_signs_in_once_and_soon(people, ana, clock):
    link, late = (people.link(ana, actor="root") for _ in range(2))
    session = people.redeem(link, address=HERE)
    assert people.session(session).name == ana
    assert people.redeem(link, address=HERE) is None
    clock.pass_(minutes=15)
    assert people.redeem(late, address=HERE) is None


def test_a_link_ends_when_the_account_does(people, ana):
    link = people.link(ana, actor="root")
    people.disable(ana, actor="root")
    assert people.redeem(link, address=HERE) is None


def test_after_ten_failures_an_account_waits_whatever_the_password_and_wherever_from(people, ana, clock):
    for number in range(attempts.MOST["account"]):
        assert people.sign_in(ana, "not the password", address=f"10.0.0.{number}") is None
    with pytest.raises(PolicyRefusal, match="15 minutes"):
        people.sign_in(ana, WORDS, address=HERE)
    clock.pass_(minutes=15)
    assert people.sign_in(ana, WORDS, address=HERE)


def test_an_address_that_tries_many_accounts_waits(people, ana, monkeypatch):
    monkeypatch.setitem(attempts.MOST, "address", 3)  # thirty passwords take a second
    for number in range(3):
        people.sign_in(f"person-{number}", WORDS, address=HERE)
    with pytest.raises(PolicyRefusal):
        people.sign_in(ana, WORDS, address=HERE)
    assert people.sign_in(ana, WORDS, address="10.0.0.1")


def test_all_addresses_of_one_subscriber_are_counted_together(people, ana, monkeypatch):
    monkeypatch.setitem(attempts.MOST, "address", 3)
    for number in range(3):
        people.sign_in(f"person-{number}", WORDS, address=f"2001:db8:0:7::{number:x}")
    with pytest.raises(PolicyRefusal):
        people.sign_in(ana, WORDS, address="2001:db8:0:7:ffff::1")
    assert people.sign_in(ana, WORDS, address="2001:db8:0:8::1")


def test_a_token_stands_for_its_account_and_no_more(people, ana):
    _, secret = people.add_token(
        ana, purpose="nightly", role=Role.viewer, regions=frozenset({"ohio"}), days=1, actor=ana
    )
    assert people.bearer(secret) == Principal("ana", Role.viewer, frozenset({"ohio"}))
    people.grant(ana, Role.viewer, frozenset({"iowa"}), actor="root")
    assert people.bearer(secret).regions == frozenset()


@pytest.mark.parametrize(
    "more", [{"role": Role.operator, "regions": None}, {"role": None, "regions": frozenset({"utah"})}]
)
def test_a_token_cannot_reach_further_than_its_account(people, ana, more):
    with pytest.raises(PolicyRefusal):
        people.add_token(ana, purpose="nightly", **more, days=1, actor=ana)


def test_a_token_made_for_a_role_that_was_taken_away_is_worth_nothing(people, ana):
    _, secret = people.add_token(ana, purpose="nightly", role=None, regions=None, days=1, actor=ana)
    people.grant(ana, Role.planner, None, actor="root")
    assert people.bearer(secret) is None


def test_a_token_ends_when_it_is_revoked_runs_out_or_its_account_is_closed(people, ana, clock):
    made = [
        people.add_token(ana, purpose="nightly", role=None, regions=None, days=days, actor=ana)
        for days in (1, 2, 3)
    ]
    (first, one), (_, two), (_, three) = made
    people.revoke_token(first.id, actor=ana)
    assert people.bearer(one) is None
    assert people.bearer(two)
    clock.pass_(days=2)
    assert people.bearer(two) is None
    people.disable(ana, actor="root")
    assert people.bearer(three) is None


def test_two_accounts_differ_by_more_than_capitals(people, ana):
    with pytest.raises(UsageError, match="already"):
        people.add("Ana", Role.viewer, None, password=None, actor="root")


def test_whatever_is_done_is_audited_in_a_chain_and_what_failed_too(people, ana):
    people.sign_in("tYped-password", "x" * 12, address=HERE)
    people.grant(ana, Role.viewer, None, actor="root")
    records = people.audit()
    assert [(one.actor, one.action) for one in records] == [
        ("root", "user.add"),
        ("unknown", "sign_in.failed"),
        ("root", "user.role"),
    ]
    assert records[-1].before == '{"regions":["iowa","ohio"],"role":"scientist"}'
    assert "tYped" not in str(records)
    assert people.verify().ok


def test_a_change_that_fails_leaves_no_event(people, ana):
    with pytest.raises(UsageError):
        people.grant("nobody", Role.viewer, None, actor="root")
    assert len(people.audit()) == 1


def test_who_is_remembered_is_forgotten_with_the_next_change_whoever_makes_it(people, ana, clock, tmp_path):
    session = people.sign_in(ana, WORDS, address=HERE)
    assert people.remembered(session, bearer=False) is None
    assert people.session(session) == people.remembered(session, bearer=False)
    with People.open(tmp_path / "state" / "people.db", clock) as another:
        another.disable(ana, actor="root")
    assert people.remembered(session, bearer=False) is None
    assert people.session(session) is None


def test_who_is_remembered_is_so_no_longer_than_the_session_lasts(people, ana, clock):
    session = people.sign_in(ana, WORDS, address=HERE)
    people.session(session)
    clock.pass_(hours=12)
    assert people.remembered(session, bearer=False) is None


def test_a_session_is_no_token_and_a_token_no_session(people, ana):
    session = people.sign_in(ana, WORDS, address=HERE)
    _, token = people.add_token(ana, purpose="nightly", role=None, regions=None, days=1, actor=ana)
    assert people.session(session)
    assert people.bearer(token)
    assert people.bearer(session) is people.remembered(session, bearer=True) is None
    assert people.session(token) is people.remembered(token, bearer=False) is None
