"""Who looks at the pages of an environment: anybody, or somebody of a role who may see some regions."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.testclient import TestClient

from fleetcast.faces.web import routes
from fleetcast.people.principal import Principal
from fleetcast.people.roles import Role
from fleetcast.workspace import Workspace


@dataclass(frozen=True)
class SignedIn:
    """An application behind a sign-in that has found out who asks."""

    app: Starlette
    principal: Principal

    async def __call__(self, scope, receive, send):
        scope.setdefault("state", {})["principal"] = self.principal
        await self.app(scope, receive, send)


def pages_of(w: Workspace) -> TestClient:
    return TestClient(Starlette(routes=routes(lambda _: w)))


def pages_for(w: Workspace, role: Role, region: str) -> TestClient:
    """The pages as somebody sees them who may see one region."""
    app = Starlette(routes=routes(lambda _: w))
    return TestClient(SignedIn(app, Principal("ann", role, frozenset({region}))))
