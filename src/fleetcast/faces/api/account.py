"""Who asks, and what there is to ask: what a program may do with the token it has."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request

from fleetcast.faces.api.versioned import Versioned
from fleetcast.people.principal import Principal
from fleetcast.people.roles import MAY, Action, Role
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks; `regions` null: all of them."""

    name: str
    role: Role
    regions: list[str] | None
    actions: list[Action]


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment; `release` null: nothing is live in it."""

    name: str
    release: str | None


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["account"], route_class=Versioned)

    @router.get("/me")
    async def me(request: Request) -> Me:
        """Who asks, in which role, for which regions."""
        who: Principal = request.state.principal
        regions = None if who.regions is None else sorted(who.regions)
        return Me(who.name, who.role, regions, [action for action in MAY if who.role.may(action)])

    @router.get("/environments")
    def environments() -> list[Environment]:
        """The environments, and the release that is live in each."""
        names = open_("dev").settings.environments
        return [Environment(name, _live(open_(name))) for name in names]

    return router


def _live(w: Workspace) -> str | None:
    return w.ledger.pointer() if w.state.is_dir() else None
