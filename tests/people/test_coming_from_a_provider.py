"""People who come from a provider: who gets an account, which, and what holds from then on."""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.people.conftest import WORDS, Clock

from fleetcast.domain.errors import PolicyRefusal
from fleetcast.ledger import database
from fleetcast.people import accounts, attempts, departures
from fleetcast.people.accounts import NAME
from fleetcast.people.arrivals import Arrival, Grant, TurnedAway, Why, named
from fleetcast.people.departures import Departure
from fleetcast.people.principal import Principal
from fleetcast.people.roles import Role
from fleetcast.people.store import SCHEMA, People

HERE = "127.0.0.1"
ISSUER = "https://login.example.com"
PLANNER = Grant(Role.planner, frozenset({"ohio"}))


def coming(subject: str = "4711", called: str = "ana", grant: Grant | None = PLANNER) -> Arrival:
    return Arrival(ISSUER, subject, called, grant)


def turned_away(people, arrival: Arrival) -> Why:
    with pytest.raises(TurnedAway) as refusal:
        people.arrive(arrival, address=HERE)
    return refusal.value.why


def records(people, action: str) -> list:
    return [record for record in people.audit() if record.action == action]


def test_who_was_never_here_gets_an_account_with_what_the_provider_says(people):
    session = people.arrive(coming(), address=HERE)
    assert people.session(session) == Principal("ana", Role.planner, frozenset({"ohio"}))
    (account,) = people.accounts()
    assert (account.local, account.identity, account.signs_in) == (False, f"{ISSUER} 4711", True)
    (added,) = records(people, "user.add")
    assert (added.actor, added.subject, added.after) == (
        ISSUER,
        "ana",
        '{"regions":["ohio"],"role":"planner"}',
    )
    assert [(one.actor, one.reason) for one in records(people, "sign_in")] == [("ana", "provider")]


def test_a_local_account_is_never_taken_over(people):
    people.add("Ana", Role.admin, None, password=WORDS, actor="root")
    session = people.arrive(coming(), address=HERE)
    assert people.session(session) == Principal("ana-2", Role.planner, frozenset({"ohio"}))
    assert people.session(people.sign_in("Ana", WORDS, address=HERE)).role is Role.admin


def test_whoever_is_called_the_same_is_another_and_whoever_is_called_otherwise_is_the_same(people):
    people.arrive(coming("1"), address=HERE)
    people.arrive(coming("2"), address=HERE)
    people.arrive(coming("1", called="Ana Maria"), address=HERE)
    assert [account.name for account in people.accounts()] == ["ana", "ana-2"]


def test_the_same_subject_of_another_issuer_is_another(people):
    people.arrive(coming(), address=HERE)
    people.arrive(Arrival("https://elsewhere.example.com", "4711", "ana", PLANNER), address=HERE)
    assert len(people.accounts()) == 2


def test_what_the_provider_says_otherwise_holds_at_once_and_ends_the_other_sessions(people):
    before = people.arrive(coming(), address=HERE)
    now = people.arrive(coming(grant=Grant(Role.viewer, None)), address=HERE)
    assert people.session(before) is None
    assert people.session(now) == Principal("ana", Role.viewer, None)
    (changed,) = records(people, "user.role")
    assert (changed.actor, changed.subject) == (ISSUER, "ana")
    assert (changed.before, changed.after) == (
        '{"regions":["ohio"],"role":"planner"}',
        '{"regions":null,"role":"viewer"}',
    )


def test_what_the_provider_says_as_before_ends_no_session(people):
    before = people.arrive(coming(), address=HERE)
    people.arrive(coming(), address=HERE)
    assert people.session(before) is not None
    assert records(people, "user.role") == []


def test_whoever_is_in_no_group_any_more_is_turned_away_and_what_they_had_ends(people):
    session = people.arrive(coming(), address=HERE)
    _, token = people.add_token("ana", purpose="x", role=None, regions=None, days=1, actor="ana")
    assert turned_away(people, coming(grant=None)) is Why.unmapped
    assert people.session(session) is None
    assert people.bearer(token) is None
    assert [record.actor for record in records(people, "user.sign_out")] == [ISSUER]
    assert [record.reason for record in records(people, "sign_in.failed")] == ["provider: unmapped"]


def test_a_stranger_in_no_group_gets_no_account(people):
    assert turned_away(people, coming(grant=None)) is Why.unmapped
    assert people.accounts() == []
    assert [record.actor for record in records(people, "sign_in.failed")] == ["unknown"]


def test_who_finds_out_why_somebody_is_not_let_in_sees_which_groups_were_named(people):
    for groups, told in (({"strangers", "guests"}, "guests, strangers"), (set(), "none")):
        with pytest.raises(TurnedAway, match=f"{ISSUER} 4711, in the groups: {told}"):
            people.arrive(replace(coming(grant=None), groups=frozenset(groups)), address=HERE)
    many = frozenset(f"{number} {'x' * 1000}" for number in range(1000))
    assert len(replace(coming(), groups=many).told) <= 500


def test_what_is_changed_here_holds_until_the_next_sign_in(people):
    people.arrive(coming(), address=HERE)
    people.grant("ana", Role.admin, None, actor="root")
    session = people.arrive(coming(), address=HERE)
    assert people.session(session) == Principal("ana", Role.planner, frozenset({"ohio"}))


def test_an_account_that_is_disabled_here_stays_so_whatever_the_provider_says(people):
    people.arrive(coming(), address=HERE)
    people.disable("ana", actor="root")
    assert turned_away(people, coming(grant=Grant(Role.admin, None))) is Why.disabled
    assert people.accounts()[0].role is Role.planner
    people.enable("ana", actor="root")
    assert people.arrive(coming(), address=HERE)


def test_nobody_signs_in_by_a_password_to_an_account_of_the_provider(people):
    people.arrive(coming(), address=HERE)
    for password in ("", WORDS):
        assert people.sign_in("ana", password, address=HERE) is None


def test_the_chain_of_what_was_done_holds(people):
    people.arrive(coming(), address=HERE)
    people.arrive(coming(grant=Grant(Role.admin, None)), address=HERE)
    turned_away(people, coming(grant=None))
    assert people.verify().ok


@given(st.text(), st.sets(st.text(), max_size=5))
def test_every_name_becomes_one_that_fits_and_that_nobody_has(called, taken):
    found = named(called, taken)
    assert NAME.fullmatch(found)
    assert found.lower() not in {name.lower() for name in taken}


@given(st.lists(st.sampled_from(["ana", "Ana", "ANA", "ana-2", "äna", "x" * 200]), max_size=8))
def test_names_stay_apart_however_many_are_called_alike(called):
    taken: set[str] = set()
    for one in called:
        taken.add(named(one, taken))
    assert len({name.lower() for name in taken}) == len(called)


def leads_nowhere(people, departure: Departure | None) -> None:
    with pytest.raises(TurnedAway) as refusal:
        people.come_back(departure, address=HERE)
    assert refusal.value.why is Why.expired
    assert records(people, "sign_in.failed")[-1].reason == "provider: expired"


GRANTS = st.none() | st.builds(Grant, st.sampled_from(Role), st.none() | st.just(frozenset({"ohio"})))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("123"), st.sampled_from(["root", "ROOT", "ana"]), GRANTS), max_size=8)
)
def test_whoever_comes_in_whatever_order_has_what_was_said_last_and_no_local_account_changes(empty, comings):
    with TemporaryDirectory() as folder, People.open(Path(shutil.copy(empty, folder)), Clock()) as people:
        root = people.add("root", Role.operator, frozenset({"utah"}), password=None, actor="test")
        last: dict[str, str] = {}
        for subject, called, granted in comings:
            if granted is None:
                turned_away(people, coming(subject, called, granted))
                last.pop(subject, None)
            else:
                last[subject] = people.arrive(coming(subject, called, granted), address=HERE)
                who = people.session(last[subject])
                assert (who.role, who.regions) == (granted.role, granted.regions)
        assert [one for one in people.accounts() if one.name == "root"] == [root]
        identities = [one.identity for one in people.accounts() if one.identity]
        assert sorted(identities) == sorted({f"{ISSUER} {who}" for who, _, grant in comings if grant})
        assert sum(people.sessions().values()) >= len(last)
        assert all(people.session(session) for session in last.values())
        assert people.verify().ok


def test_a_store_of_an_earlier_version_keeps_its_people_and_learns_of_providers(tmp_path, clock):
    engine = database.connect(tmp_path / "people.db", schema=replace(SCHEMA, head="0001"))
    with database.writing(engine) as connection:
        accounts.add(
            connection, accounts.Account("root", Role.admin, None, disabled=False, created=clock()), None
        )
    engine.dispose()
    with People.open(tmp_path / "people.db", clock) as people:
        people.arrive(coming(), address=HERE)
        assert [one.name for one in people.accounts()] == ["ana", "root"]
        assert people.come_back(people.depart("/", address=HERE), address=HERE) == "/"


def test_a_sign_in_under_way_leads_on_once(people):
    departure = people.depart("/dev/fleet", address=HERE)
    assert people.come_back(departure, address=HERE) == "/dev/fleet"
    leads_nowhere(people, departure)


def test_a_sign_in_that_takes_too_long_leads_nowhere(people, clock):
    departure = people.depart("/dev/fleet", address=HERE)
    clock.pass_(minutes=10)
    leads_nowhere(people, departure)


def test_a_sign_in_that_nobody_began_leads_nowhere(people):
    people.depart("/dev/fleet", address=HERE)
    leads_nowhere(people, Departure("made up"))
    leads_nowhere(people, None)


def test_neither_the_secret_nor_what_follows_from_it_is_kept(people, tmp_path):
    departure = people.depart("/dev/fleet", address=HERE)
    people.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert not any(one.encode() in kept for one in (departure.secret, departure.verifier, departure.nonce))


def test_after_too_many_that_failed_an_address_waits_and_others_do_not(people, clock):
    for _ in range(attempts.MOST["address"]):
        people.turn_away(Why.expired, address=HERE)
    with pytest.raises(PolicyRefusal, match="15 minutes"):
        people.depart("/", address=HERE)
    assert people.depart("/", address="10.0.0.1")
    clock.pass_(minutes=16)
    assert people.depart("/", address=HERE)


def test_an_address_has_only_so_many_under_way(people, clock):
    for _ in range(departures.MOST):
        people.depart("/", address=HERE)
    with pytest.raises(PolicyRefusal, match="10 minutes"):
        people.depart("/", address=HERE)
    clock.pass_(minutes=11)
    assert people.depart("/", address=HERE)


def test_people_of_a_provider_are_kept_on_a_server_as_in_a_file(postgresql, clock):
    store = People.open(postgresql.database(), clock)
    departure = store.depart("/dev/fleet", address=HERE)
    assert store.come_back(departure, address=HERE) == "/dev/fleet"
    assert store.session(store.arrive(coming(), address=HERE)).name == "ana"
    store.close()
