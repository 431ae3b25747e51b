"""What every route asks for in the same way: an environment, whose regions, which page of a list."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel

from fleetcast.domain.errors import NotFound
from fleetcast.people.principal import Principal
from fleetcast.workspace import Workspace

Item = TypeVar("Item")
LIMIT = 100  # items, where nobody says how many
MOST = 1000
FARTHEST = 10_000_000  # that a list is looked into

Env = Annotated[Literal["dev", "prod"], Path(description="The environment.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Items at most.")]
Offset = Annotated[int, Query(ge=0, le=FARTHEST, description="Items to pass over.")]


class Page(BaseModel, Generic[Item]):
    """A piece of a list; `total` counts all of it."""

    items: list[Item]
    total: int
    offset: int


def page(items: Sequence[Item], offset: int, limit: int) -> Page[Item]:
    return Page(items=list(items[offset : offset + limit]), total=len(items), offset=offset)


async def whose(request: Request) -> frozenset[str] | None:
    """The regions that whoever asks was granted; a coroutine, because anything else would be sent to a thread."""
    who: Principal = request.state.principal
    return who.regions


Regions = Annotated[frozenset[str] | None, Depends(whose)]


def standing(open_: Callable[[str], Workspace], name: str) -> Workspace:
    """An environment; NotFound where it has not done anything yet."""
    w = open_(name)
    if not w.state.is_dir():
        raise NotFound(f"{name} has not done anything yet")
    return w
