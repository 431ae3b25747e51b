"""Roles, and what each of them may do: one table."""

from enum import StrEnum


class Action(StrEnum):
    """Something that is asked of the fleet; every request is one of these."""

    read = "read"  # forecasts, orders, models, runs, data: of the regions granted
    override_orders = "override_orders"
    handle_incidents = "handle_incidents"
    judge_models = "judge_models"  # approve, promote
    send_data = "send_data"  # a file of a source
    quarantine_models = "quarantine_models"
    retrain = "retrain"
    acknowledge_data = "acknowledge_data"  # and what was set aside of them
    roll_back = "roll_back"
    read_audit = "read_audit"
    manage_people = "manage_people"


class Role(StrEnum):
    """What a person is to the fleet: viewer < planner < scientist, engineer, operator < admin."""

    viewer = "viewer"
    planner = "planner"
    scientist = "scientist"
    engineer = "engineer"
    operator = "operator"
    admin = "admin"

    def may(self, action: Action) -> bool:
        """Whether this role allows an action.

        >>> Role.planner.may(Action.override_orders), Role.planner.may(Action.roll_back)
        (True, False)
        """
        return self in MAY[action]

    def covers(self, other: "Role") -> bool:
        """Whether everything the other role may do is allowed to this one too.

        >>> Role.scientist.covers(Role.planner), Role.scientist.covers(Role.operator)
        (True, False)
        """
        return all(self in roles for roles in MAY.values() if other in roles)


_EXPERTS = frozenset({Role.scientist, Role.engineer, Role.operator, Role.admin})

MAY = {
    Action.read: frozenset(Role),
    Action.override_orders: _EXPERTS | {Role.planner},
    Action.handle_incidents: _EXPERTS,
    Action.read_audit: _EXPERTS,
    Action.judge_models: frozenset({Role.scientist, Role.admin}),
    Action.send_data: frozenset({Role.engineer, Role.admin}),
    Action.quarantine_models: frozenset({Role.scientist, Role.operator, Role.admin}),
    Action.retrain: _EXPERTS,
    Action.acknowledge_data: frozenset({Role.engineer, Role.admin}),
    Action.roll_back: frozenset({Role.operator, Role.admin}),
    Action.manage_people: frozenset({Role.admin}),
}
