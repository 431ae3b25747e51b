"""Builders of raw files: a source's declaration, and bytes as a sender would have written them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from fleetcast.domain.errors import SourceError
from fleetcast.domain.versions import digest
from fleetcast.settings import SourceSettings
from fleetcast.sources.asking import Limits
from fleetcast.sources.question import Question
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import Reading, read
from fleetcast.sources.secrets import Secrets
from fleetcast.sources.standing import Standing
from fleetcast.testing.server import Server, serving

RECEIVED = datetime(2026, 11, 17, 6, 0, tzinfo=UTC)
COLUMNS = {
    "week": {"type": "date"},
    "store": {"type": "text"},
    "product": {"type": "text"},
    "delivered": {"type": "number"},
}

Read = Callable[..., Reading]


def declared(columns: dict[str, dict[str, object]] | None = None, **settings: object) -> SourceSettings:
    given = {"path": "*", "format": "csv", "conditioner": "deliveries", "columns": columns or COLUMNS}
    return SourceSettings.model_validate(given | settings)


@pytest.fixture
def reading(tmp_path: Path) -> Read:
    """Reads bytes (or text in UTF-8) as a source with the given settings declares them."""

    def read_bytes(content: bytes | str, settings: SourceSettings | None = None, **given: object) -> Reading:
        content = content.encode() if isinstance(content, str) else content
        path = tmp_path / "received"
        path.write_bytes(content)
        file = RawFile(digest(content), "deliveries.csv", RECEIVED, initial=False, bytes=len(content))
        return read(file, path, settings or declared(**given), source="deliveries")

    return read_bytes


@pytest.fixture
def refused(reading: Read) -> Callable[..., tuple[str, str]]:
    """The reason and the detail with which a whole file is set aside."""

    def reason_of(content: bytes | str, **given: object) -> tuple[str, str]:
        with pytest.raises(SourceError) as caught:
            reading(content, **given)
        return caught.value.reason, caught.value.detail

    return reason_of


def reasons(result: Reading) -> list[tuple[int, str]]:
    return list(result.quarantined.select("line", "reason").iter_rows())


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def question(tmp_path: Path) -> Callable[..., Question]:
    """What a source is asked: of its settings, where it stands, and when."""
    numbers = count()

    def asks(
        settings: SourceSettings,
        *,
        marks: Mapping[str, str] | None = None,
        now: datetime = RECEIVED,
        environment: Mapping[str, str] | None = None,
        **limits: float,
    ) -> Question:
        scratch = tmp_path / f"scratch-{next(numbers)}"
        scratch.mkdir()
        standing = Standing(None if marks is None else RECEIVED, "", marks or {})
        secrets, patience = Secrets(environment or {}), Limits(**{"pause": 0.001, **limits})  # type: ignore[arg-type]
        return Question("sales", settings, standing, now, scratch, tmp_path, secrets=secrets, limits=patience)

    return asks
