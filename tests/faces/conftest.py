"""A small fleet after its week, served without a server, and tokens of every role and region."""

import itertools
from dataclasses import dataclass, field

import pytest
from starlette.types import ASGIApp
from tests.fleet.conftest import first_week  # noqa: F401 — the fleet that tests of the fleet make too

from fleetcast.faces import server
from fleetcast.people.roles import Role
from fleetcast.people.store import People
from fleetcast.testing.kiosks import opened
from fleetcast.workspace import Workspace

REGIONS = {"all": None, "east": frozenset({"east"}), "none": frozenset({"elsewhere"})}


@dataclass(frozen=True)
class Served:
    """What is served, and what to ask it with: tokens by role and regions."""

    w: Workspace
    app: ASGIApp
    people: People
    tokens: dict[tuple[Role, str], str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def served(first_week):  # noqa: F811 — pytest's way to name what it gives
    """A chain of kiosks in two regions, east and west; only to be looked at."""
    w = opened(first_week[0])
    made = Served(
        w, server.application(w.people, server.opener(w), server.limits_of(w, "127.0.0.1")), w.people
    )
    for role, (name, regions) in itertools.product(Role, REGIONS.items()):
        account = f"{role}-{name}"
        w.people.add(account, role, regions, password=None, actor="test")
        _, made.tokens[role, name] = w.people.add_token(
            account, purpose="tests", role=None, regions=None, days=1, actor="test"
        )
    yield made
    w.people.close()
