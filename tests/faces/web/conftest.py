"""Pages of a fleet that was written into the stores, and somebody who asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.faces.web.browser import application

from fleetcast.faces.web import routes
from fleetcast.testing.served import opened, served


@dataclass(frozen=True)
class Somebody:
    """Who asks, as the sign-in layer would say."""

    name: str
    role: str
    regions: frozenset[str] | None


@pytest.fixture(scope="session")
def fleet_folder(tmp_path_factory) -> Path:
    """A fleet of three regions after its week; only to be looked at."""
    return served(tmp_path_factory.mktemp("served") / "fleet").folder


@pytest.fixture(scope="session")
def pages(fleet_folder) -> TestClient:
    return TestClient(application(fleet_folder))


@pytest.fixture(scope="session")
def pages_of(fleet_folder) -> Callable[[str, str], TestClient]:
    """The pages as somebody of a role sees who may see one region."""

    def asked_by(role: str, region: str) -> TestClient:
        somebody = Somebody("Ann", role, frozenset({region}))
        app = Starlette(routes=routes(lambda environment: opened(fleet_folder, environment)))

        async def signed_in(scope, receive, send):
            scope.setdefault("state", {})["principal"] = somebody
            await app(scope, receive, send)

        return TestClient(signed_in)

    return asked_by
