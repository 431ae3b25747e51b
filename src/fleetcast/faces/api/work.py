"""Routes of what was done, what went wrong, and what was read: runs, incidents, the audit log, data, lineage."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query

from fleetcast.faces.api.asking import LIMIT, MOST, Env, Limit, Offset, Page, Regions, page, standing
from fleetcast.faces.api.versioned import Versioned
from fleetcast.fleet.lineage import Graph
from fleetcast.fleet.report import IncidentLine, TableVersion
from fleetcast.ledger.audit import AuditRecord
from fleetcast.reading import origins
from fleetcast.reading import runs as reading
from fleetcast.reading.runs import Quality, RunLine, StepLine
from fleetcast.workspace import Workspace


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["work"], route_class=Versioned)

    @router.get("/{env}/runs")
    def runs(env: Env, limit: Limit = LIMIT, offset: Offset = 0) -> Page[RunLine]:
        """Every cycle, the newest first."""
        return page(reading.runs(standing(open_, env)), offset, limit)

    @router.get("/{env}/runs/{cycle}/steps")
    def steps(
        env: Env, cycle: str, regions: Regions, limit: Limit = LIMIT, offset: Offset = 0
    ) -> Page[StepLine]:
        """The steps of a cycle, in order."""
        return page(reading.steps(standing(open_, env), regions, cycle), offset, limit)

    @router.get("/{env}/incidents")
    def incidents(
        env: Env,
        regions: Regions,
        all: Annotated[bool, Query(description="Also those that are closed.")] = False,  # noqa: A002
        limit: Limit = LIMIT,
        offset: Offset = 0,
    ) -> Page[IncidentLine]:
        """Incidents that stand, the newest first."""
        found = reading.incident_lines(standing(open_, env), regions, standing=not all)
        return page(found, offset, limit)

    @router.get("/{env}/incidents/{incident}")
    def incident(env: Env, incident: str, regions: Regions) -> IncidentLine:
        """One incident: its cause, its evidence, its notes."""
        return reading.incident(standing(open_, env), regions, incident)

    @router.get("/{env}/audit")
    def audit(
        env: Env,
        regions: Regions,
        action: Annotated[str | None, Query(max_length=100)] = None,
        limit: Limit = LIMIT,
    ) -> list[AuditRecord]:
        """The newest records of the audit chain, the newest first."""
        return reading.records(standing(open_, env), regions, action=action, limit=min(limit, MOST))

    @router.get("/{env}/data")
    def data(env: Env) -> list[TableVersion]:
        """Every table of the lake: its content version, its rows and weeks."""
        return reading.data(standing(open_, env))

    @router.get("/{env}/data/quality")
    def quality(env: Env, regions: Regions) -> list[Quality]:
        """Source by source, how many rows it brought, and how many of them were not taken."""
        return reading.quality(standing(open_, env), regions)

    @router.get("/{env}/lineage")
    def lineage(env: Env, regions: Regions, of: Annotated[str, Query(min_length=1, max_length=300)]) -> Graph:
        """Where something comes from and what came of it: a forecast (WEEK/STORE/PRODUCT), a model, a release, a table."""
        return origins.lineage(standing(open_, env), regions, of)

    return router
