"""The environments of a workspace, and what is live in each."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter

from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment; `release` null: nothing is live in it."""

    name: str
    release: str | None


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["environments"])

    @router.get("/environments")
    def environments() -> list[Environment]:
        """The environments, and the release that is live in each."""
        names = open_("dev").settings.environments
        return [Environment(name, _live(open_(name))) for name in names]

    return router


def _live(w: Workspace) -> str | None:
    return w.ledger.pointer() if w.state.is_dir() else None
