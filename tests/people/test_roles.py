"""What each role may do."""

from fleetcast.people.roles import MAY, Action, Role

EXPERTS = (Role.scientist, Role.engineer, Role.operator)


def test_every_action_is_somebodys():
    assert set(MAY) == set(Action)


def test_a_role_may_do_what_those_below_it_may():
    assert Role.planner.covers(Role.viewer)
    assert all(role.covers(Role.planner) and Role.admin.covers(role) for role in EXPERTS)


def test_no_expert_may_do_all_that_another_may():
    assert not any(one.covers(other) for one in EXPERTS for other in EXPERTS if one is not other)


def test_only_admins_manage_people():
    assert MAY[Action.manage_people] == {Role.admin}
