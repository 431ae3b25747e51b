"""Routes of what serves and served: models and releases."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query

from fleetcast.domain.models import ModelState
from fleetcast.faces.api.asking import LIMIT, Env, Limit, Offset, Page, Regions, page, standing
from fleetcast.faces.api.versioned import Versioned
from fleetcast.fleet.report import ReleaseLine, ReleaseView
from fleetcast.reading import models as reading
from fleetcast.reading.models import ModelLine, ModelPage
from fleetcast.workspace import Workspace


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["models and releases"], route_class=Versioned)

    @router.get("/{env}/models")
    def models(
        env: Env,
        regions: Regions,
        segment: Annotated[str | None, Query(max_length=200)] = None,
        state: ModelState | None = None,
        limit: Limit = LIMIT,
        offset: Offset = 0,
    ) -> Page[ModelLine]:
        """Model versions, the newest first."""
        found = reading.models(standing(open_, env), regions, segment=segment, state=state)
        return page(found, offset, limit)

    @router.get("/{env}/models/{name:path}")
    def model(env: Env, name: str, regions: Regions) -> ModelPage:
        """One model version, by its whole name, and what it was made from."""
        return reading.model(standing(open_, env), regions, name)

    @router.get("/{env}/releases")
    def releases(env: Env, limit: Limit = LIMIT, offset: Offset = 0) -> Page[ReleaseLine]:
        """Every release, the newest first; one of them is live."""
        return page(reading.release_lines(standing(open_, env)), offset, limit)

    @router.get("/{env}/releases/{release}")
    def release(env: Env, release: str, regions: Regions) -> ReleaseView:
        """One release: which model serves each segment, and the digests of what made it."""
        return reading.release(standing(open_, env), regions, release)

    return router
