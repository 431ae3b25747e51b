"""Routes of published forecasts: of one series, and of many."""

import asyncio
import json
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from fleetcast.domain.versions import digest_of
from fleetcast.faces.api.asking import LIMIT, Env, Limit, Offset, Page, Regions, standing
from fleetcast.faces.api.versioned import Versioned, tag, unchanged
from fleetcast.reading.forecasts import Newest, SeriesForecast, chosen, dicts, of_series
from fleetcast.workspace import Workspace

Name = Annotated[str | None, Query(max_length=200)]


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["forecasts"], route_class=Versioned)
    newest = Newest()

    @router.get("/{env}/forecasts/{store}/{product}", response_model=SeriesForecast)
    async def forecast(request: Request, env: Env, store: str, product: str, regions: Regions) -> Response:
        """What is forecast of a product in a store, week by week, as it was published last."""
        w = standing(open_, env)
        published = newest.held(w)
        if published is None:
            published = await asyncio.to_thread(newest.read, w)
        found = of_series(published, regions, store, product)
        same = unchanged(request, published.version)
        return same or Response(_json(found), headers=tag(published.version), media_type="application/json")

    @router.get("/{env}/forecasts")
    def forecasts(
        request: Request,
        response: Response,
        env: Env,
        regions: Regions,
        store: Name = None,
        product: Name = None,
        region: Name = None,
        week: Annotated[date | None, Query(description="The week forecast, named by its Monday.")] = None,
        limit: Limit = LIMIT,
        offset: Offset = 0,
    ) -> Page[dict[str, Any]]:
        """Rows of the forecasts that were published last, by store, product and week."""
        w = standing(open_, env)
        published = newest.held(w) or newest.read(w)
        version = digest_of({"forecasts": published.version, "regions": regions and sorted(regions)})
        if same := unchanged(request, version):
            return same  # type: ignore[return-value]  # a response as it is
        response.headers.update(tag(version))
        rows = chosen(published, regions, store=store, product=product, week=week, region=region)
        return Page(items=dicts(rows, offset=offset, limit=limit), total=rows.height, offset=offset)

    return router


def _json(found: SeriesForecast) -> str:
    value = {name: getattr(found, name) for name in found.__slots__}  # `asdict` copies every row: 0.1 ms
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"), allow_nan=False)
