"""The route that asks the fleet: what it forecasts of some series, and what it would if something were otherwise."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from fleetcast.faces.api.asking import Env, Regions, standing
from fleetcast.faces.api.repeated import Answered, Key
from fleetcast.faces.api.versioned import Versioned
from fleetcast.faces.turns import Turns
from fleetcast.fleet.scorer import Scorer
from fleetcast.fleet.scoring_service import answered
from fleetcast.fleet.what_if import Answer
from fleetcast.people.principal import Principal
from fleetcast.workspace import Workspace

AT_ONCE, WAITING = 2, 62  # questions; each works on features of a whole partition


class Question(BaseModel):
    """Series are stores × products, else all that is forecast in these stores; without weeks, all short-term ones ahead."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    stores: list[str]
    products: list[str] = []
    weeks: list[str] = Field([], description="Mondays, as 2026-11-30.")
    suppose: dict[str, float] = Field({}, description="By column, what is otherwise in these weeks.")
    release: str | None = Field(None, description="Who answers; else the live release.")


def routes(open_: Callable[[str], Workspace]) -> APIRouter:
    router = APIRouter(tags=["scoring"], route_class=Versioned)
    answers = Answered()
    turns = Turns("what the fleet would forecast", at_once=AT_ONCE, waiting=WAITING)

    @cache
    def scorer(environment: str) -> Scorer:
        return Scorer(standing(open_, environment))

    def ask(environment: str, question: Question, regions: frozenset[str] | None) -> dict[str, Any]:
        return answered(scorer(environment), question.model_dump(), regions=regions)

    @router.post("/{env}/score", response_model=Answer)
    async def score(
        request: Request, env: Env, question: Question, regions: Regions, key: Key = ""
    ) -> dict[str, Any]:
        """What the fleet forecasts of some series, and what it would if something were otherwise. Nothing is published."""
        who: Principal = request.state.principal
        whose, asked = (who.name, regions, env, key), question.model_dump()
        if key and (answer := answers.before(whose, asked)):
            return dict(answer)
        async with turns.taken():
            answer = await asyncio.to_thread(ask, env, question, regions)
        return dict(answers.keep(whose, asked, answer)) if key else answer

    return router
