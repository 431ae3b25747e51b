"""A ledger of its own for every test, in both databases that may hold one, and a clock that tests set."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests import postgres

from fleetcast.ledger.store import Ledger


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dev" / "ledger.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is a fact about ledgers holds in each database; a test that asks for the `path` is about the file."""
    if "where" in metafunc.fixturenames:
        databases = ["sqlite"] if "path" in metafunc.fixturenames else ["sqlite", "postgresql"]
        metafunc.parametrize("where", databases, indirect=True)


@pytest.fixture
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a ledger is: a file, or the URL of a database."""
    if request.param == "sqlite":
        return tmp_path / "dev" / "ledger.db"
    server: postgres.Server = request.getfixturevalue("postgresql")
    return server.database()


@pytest.fixture
def ledger(where: Path | str, clock: Clock) -> Iterator[Ledger]:
    with Ledger.open(where, clock) as ledger:
        yield ledger
