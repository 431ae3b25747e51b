"""The client itself: a method for each thing that is asked, lists page by page."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from fleetcast.client.asking import Asking
from fleetcast.client.shapes import (
    Answer,
    Forecast,
    Me,
    Model,
    Order,
    Quality,
    Run,
    SeriesForecast,
    TableVersion,
    Taken,
)

PAGE = 1000  # items asked for at once


class Client:
    """One environment of a server, as a token may see it.

    A refusal is an error of `fleetcast.domain.errors`: NotFound, PolicyRefusal, UsageError, ConflictError, and
    InfrastructureError where the server cannot be asked.

    Args:
        url: Where the server is, as https://fleet.example.com.
        token: What `fleetcast token create` has shown.
        environment: dev or prod.
        seconds: That an answer may take.
    """

    def __init__(self, url: str, token: str, *, environment: str = "dev", seconds: float = 60.0) -> None:
        self._asking, self._here = Asking(url, token, seconds=seconds), f"/{environment}"

    def me(self) -> Me:
        """Who the token stands for."""
        return cast(Me, self._asking.ask("GET", "/me", {}))

    def forecast(self, store: str, product: str) -> SeriesForecast:
        """What is forecast of one series."""
        where = f"/forecasts/{quote(store, safe='')}/{quote(product, safe='')}"
        return cast(SeriesForecast, self._get(where))

    def forecasts(
        self,
        *,
        store: str | None = None,
        product: str | None = None,
        region: str | None = None,
        week: str | None = None,
    ) -> Iterator[Forecast]:
        """Rows that were published last, page by page."""
        return self._pages("/forecasts", store=store, product=product, region=region, week=week)

    def orders(
        self, *, region: str | None = None, store: str | None = None, product: str | None = None
    ) -> Iterator[Order]:
        """What to bring in the next week."""
        return cast(Iterator[Order], self._pages("/orders", region=region, store=store, product=product))

    def models(self, *, segment: str | None = None, state: str | None = None) -> Iterator[Model]:
        """Model versions, the newest first."""
        return cast(Iterator[Model], self._pages("/models", segment=segment, state=state))

    def runs(self) -> Iterator[Run]:
        """Cycles, the newest first."""
        return cast(Iterator[Run], self._pages("/runs"))

    def tables(self) -> list[TableVersion]:
        """The tables of the lake and their content versions."""
        return cast(list[TableVersion], self._get("/data"))

    def quality(self) -> list[Quality]:
        """What each source brought, when its files were conditioned last."""
        return cast(list[Quality], self._get("/data/quality"))

    def score(
        self,
        stores: Sequence[str],
        products: Sequence[str] = (),
        *,
        weeks: Sequence[str] = (),
        suppose: Mapping[str, float] | None = None,
        release: str | None = None,
    ) -> Answer:
        """What is forecast of stores × products, and what would be if `suppose` were so."""
        question = {
            "stores": list(stores),
            "products": list(products),
            "weeks": list(weeks),
            "suppose": dict(suppose or {}),
            "release": release,
        }
        body, headers = json.dumps(question).encode(), {"Content-Type": "application/json"} | _key()
        return cast(Answer, self._asking.ask("POST", f"{self._here}/score", {}, body, headers))

    def condition(self, source: str, file: Path, *, name: str | None = None, key: str = "") -> Taken:
        """Send a file of a source; what became of its rows. Without a `key` one is made up, so that a try again has no effect."""
        headers = {"Content-Type": "application/octet-stream"} | _key(key)
        fields, where = {"name": name or file.name}, f"{self._here}/condition/{quote(source, safe='')}"
        return cast(Taken, self._asking.ask("POST", where, fields, file.read_bytes(), headers))

    def _get(self, path: str, **fields: object) -> Any:
        return self._asking.ask("GET", self._here + path, fields)

    def _pages(self, path: str, **fields: object) -> Iterator[Any]:
        offset, total = 0, 1
        while offset < total:
            page = self._get(path, **fields, limit=PAGE, offset=offset)
            yield from page["items"]
            offset, total = offset + PAGE, page["total"]


def _key(given: str = "") -> dict[str, str]:
    """By which a request that is sent again is known; one that is made up, where none is given."""
    return {"Idempotency-Key": given or str(uuid.uuid4())}
