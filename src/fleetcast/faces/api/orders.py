"""The route of order quantities: what to bring in the next week."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fleetcast.domain.tables import ORDERS
from fleetcast.faces.api.asking import (
    LIMIT,
    Env,
    Limit,
    Offset,
    Page,
    Regions,
    page,
    standing,
    tag,
    unchanged,
)
from fleetcast.faces.api.problems import NOT_MODIFIED
from fleetcast.reading.orders import OrderRow, worklist
from fleetcast.workspace import Workspace

Name = Annotated[str, Query(max_length=200)]


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["forecasts"])

    @router.get("/{env}/orders", responses=NOT_MODIFIED)
    def orders(
        request: Request,
        response: Response,
        env: Env,
        regions: Regions,
        region: Name = "",
        store: Name = "",
        product: Name = "",
        limit: Limit = LIMIT,
        offset: Offset = 0,
    ) -> Page[OrderRow]:
        """Recommended orders of the next week, the largest change from what was brought last first."""
        w = standing(open_, env)
        version = w.lake.version(ORDERS)
        if same := unchanged(request, version):
            return same  # type: ignore[return-value]  # a response as it is
        response.headers.update(tag(version))
        found = worklist(w, regions, region=region, store=store, product=product)
        return page(found.rows, offset, limit)

    return router
