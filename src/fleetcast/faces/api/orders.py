"""The route of order quantities: what to bring in the next week."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query

from fleetcast.faces.api.asking import LIMIT, Env, Limit, Offset, Page, Regions, page, standing
from fleetcast.faces.api.versioned import Versioned
from fleetcast.reading.orders import OrderRow, worklist
from fleetcast.workspace import Workspace

Name = Annotated[str, Query(max_length=200)]


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["forecasts"], route_class=Versioned)

    @router.get("/{env}/orders")
    def orders(
        env: Env,
        regions: Regions,
        region: Name = "",
        store: Name = "",
        product: Name = "",
        limit: Limit = LIMIT,
        offset: Offset = 0,
    ) -> Page[OrderRow]:
        """Recommended orders of the next week, the largest change from what was brought last first."""
        found = worklist(standing(open_, env), regions, region=region, store=store, product=product)
        return page(found.rows, offset, limit)

    return router
