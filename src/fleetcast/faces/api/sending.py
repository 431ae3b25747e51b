"""The route that takes a file of a source in: conditioned by the code that conditions received files."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from fleetcast.domain.errors import UsageError
from fleetcast.faces.api.asking import Env, Regions, standing
from fleetcast.faces.api.repeated import Key
from fleetcast.faces.api.versioned import Versioned
from fleetcast.fleet import uploads
from fleetcast.fleet.uploads import Taken
from fleetcast.people.principal import Principal
from fleetcast.reading.grants import everything
from fleetcast.workspace import Workspace

NAME = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"  # relative, and nothing hidden
FILE = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

File = Annotated[
    str | None, Query(pattern=NAME, max_length=200, description="The body is a file, of this name.")
]
Reference = Annotated[
    str | None, Query(max_length=1000, description="A file where its source has its files.")
]


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["data"], route_class=Versioned)
    turn = asyncio.Lock()  # a second file waits here, and not for a thread

    @router.post("/{env}/condition/{source}", response_model=Taken, openapi_extra={"requestBody": FILE})
    async def condition(
        request: Request,
        env: Env,
        source: str,
        regions: Regions,
        name: File = None,
        reference: Reference = None,
        key: Key = "",
    ) -> dict[str, Any]:
        """Take in one file of a source: `name` it and send it as the body, or give its `reference`.

        Answers when its rows are in the tables: what was taken, what was set aside, and why. A file that cannot be read
        as its source declares it changes nothing.
        """
        everything(regions, f"source {source!r}")
        if (name is None) == (reference is None):
            raise UsageError("send a file and its name, or the reference of one: either, not both")
        w, who = standing(open_, env), _who(request)
        with tempfile.TemporaryDirectory(prefix="fleetcast-") as scratch:
            path = Path(scratch) / "file"
            if name is not None:
                await _received(request, path)
            async with turn:
                return await asyncio.to_thread(_taken, w, source, name, reference, path, who, key)

    return router


def _taken(
    w: Workspace, source: str, name: str | None, reference: str | None, path: Path, who: str, key: str
) -> dict[str, Any]:
    if reference is not None:
        name, path = reference, uploads.referred(w, source, reference)
    return uploads.take_in(w, source, str(name), path, actor=who, key=key)


def _who(request: Request) -> str:
    who: Principal = request.state.principal
    return who.name


async def _received(request: Request, path: Path) -> None:
    with path.open("wb") as file:
        async for piece in request.stream():
            file.write(piece)
