"""Who asks: what a program may do with the token it has."""

from dataclasses import dataclass

from fastapi import APIRouter, Request

from fleetcast.people.principal import Principal
from fleetcast.people.roles import MAY, Action, Role

router = APIRouter(tags=["account"])


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks; `regions` null: all of them."""

    name: str
    role: Role
    regions: list[str] | None
    actions: list[Action]


@router.get("/me")
async def me(request: Request) -> Me:
    """Who asks, in which role, for which regions."""
    who: Principal = request.state.principal
    regions = None if who.regions is None else sorted(who.regions)
    return Me(who.name, who.role, regions, [action for action in MAY if who.role.may(action)])
