"""Webhooks: whoever sends data says so, and the week is looked at, in a process of its own."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from threading import Lock, Thread

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fleetcast.domain.errors import FleetcastError, UsageError
from fleetcast.faces.guard.rules import HOOKS
from fleetcast.faces.problems import problem
from fleetcast.fleet import webhooks
from fleetcast.fleet.listening import Bell
from fleetcast.orchestration.desk import Desk, see_to
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

QUIET = 3600.0  # seconds that a bell is waited for at a time


class Hooks:
    """The bells of all environments, each with somebody who answers it from its first ring on."""

    def __init__(self, environments: Callable[[str], Workspace]) -> None:
        self._environments = environments
        self._bells: dict[str, Bell] = {}
        self._making = Lock()

    def routes(self) -> list[Route]:
        """Where messages are taken. They are believed by their signature, so nobody has to sign in."""
        return [Route(f"{HOOKS}/{{environment}}/data/{{source}}", self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        environment, source = request.path_params["environment"], request.path_params["source"]
        body = await request.body()
        try:
            w = self._environments(environment)
        except UsageError:
            return problem(HTTPStatus.UNAUTHORIZED, webhooks.UNBELIEVED)
        bell = await asyncio.to_thread(self._bell, w)
        said = webhooks.received(w.settings, bell, source, body, request.headers, w.clock())
        if isinstance(said, webhooks.Refusal):
            return problem(HTTPStatus(said.status), said.reason)
        log.info("rung", environment=environment, source=source, message=said.id)
        return Response(status_code=HTTPStatus.ACCEPTED)

    def _bell(self, w: Workspace) -> Bell:
        with self._making:
            if w.environment not in self._bells:
                bell = self._bells[w.environment] = Bell()
                Thread(target=_answer, args=(w, bell), daemon=True).start()
            return self._bells[w.environment]


def _answer(w: Workspace, bell: Bell) -> None:
    """Have the week looked at whenever the bell was rung, for as long as it is served."""
    desk = Desk(w)
    while True:
        sources = bell.answer(QUIET)
        if not sources:
            continue
        pulled = sorted(name for name in sources if w.settings.sources[name].pull)
        verbs = [("ingest", *pulled, "--again")] if pulled else []
        for verb in [*verbs, ("trigger", "data")]:
            try:
                see_to(desk, verb)
            except FleetcastError as error:  # the next ring, or a scheduler, tries again
                log.warning("not_done", verb=" ".join(verb), error=str(error))
