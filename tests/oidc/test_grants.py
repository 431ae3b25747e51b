"""From groups to a role and regions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.oidc.grants import grant, groups_of
from fleetcast.people.arrivals import Grant
from fleetcast.people.roles import Role
from fleetcast.settings import OidcGroupSettings

GROUPS = st.sampled_from("abcdef")
REGIONS = st.none() | st.sets(st.sampled_from(["ohio", "iowa", "utah"]), min_size=1).map(tuple)
MAPPED = st.lists(
    st.builds(
        OidcGroupSettings, group=GROUPS, role=st.sampled_from([role.value for role in Role]), regions=REGIONS
    ),
    max_size=6,
)


def mapped(group: str, role: str, *regions: str) -> OidcGroupSettings:
    return OidcGroupSettings(group=group, role=role, regions=regions or None)


@given(MAPPED, st.sets(GROUPS))
def test_nobody_gets_more_than_a_group_of_theirs_was_given(all_mapped, theirs):
    found = grant(theirs, all_mapped)
    given_role = [one for one in all_mapped if one.group in theirs and found and one.role == found.role]
    assert (found is None) == (not any(one.group in theirs for one in all_mapped))
    if found is not None:
        everywhere = any(one.regions is None for one in given_role)
        regions = frozenset(region for one in given_role for region in one.regions or ())
        assert found.regions == (None if everywhere else regions)


@given(MAPPED, st.sets(GROUPS))
def test_no_role_of_theirs_is_higher_than_the_one_they_get(all_mapped, theirs):
    found = grant(theirs, all_mapped)
    for one in all_mapped:
        if one.group in theirs:
            assert found.role == one.role or not Role(one.role).covers(found.role)


@given(MAPPED, st.sets(GROUPS))
def test_groups_that_nobody_mapped_change_nothing(all_mapped, theirs):
    assert grant(theirs, all_mapped) == grant(theirs | {"g", "A", ""}, all_mapped)


def test_regions_of_a_lower_role_are_not_added_to_a_higher_one():
    both = [mapped("a", "viewer"), mapped("b", "planner", "ohio"), mapped("c", "planner", "iowa")]
    assert grant({"a", "b", "c"}, both) == Grant(Role.planner, frozenset({"ohio", "iowa"}))


def test_of_roles_beside_each_other_the_one_written_first_holds():
    sides = [mapped("a", "operator"), mapped("b", "scientist")]
    assert grant({"a", "b"}, sides).role is Role.operator
    assert grant({"a", "b"}, sides[::-1]).role is Role.scientist


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({"groups": ["a", "b"]}, {"a", "b"}),
        ({"groups": "a"}, {"a"}),
        ({"groups": ["a", 7, None, ["b"]]}, {"a"}),
        ({"groups": {"a": True}}, set()),
        ({}, set()),
    ],
)
def test_a_claim_names_a_list_or_one_and_anything_else_names_none(claims, groups):
    assert groups_of(claims, "groups") == groups


@pytest.mark.parametrize(
    ("verified", "groups"), [(True, {"ana@example.com"}), ("true", set()), (None, set())]
)
def test_an_address_that_the_provider_has_not_seen_to_counts_for_nothing(verified, groups):
    assert groups_of({"email": "ana@example.com", "email_verified": verified}, "email") == groups


def test_the_settings_name_the_roles_that_there_are():
    field = OidcGroupSettings.model_fields["role"]
    assert set(field.annotation.__args__) == set(Role)
