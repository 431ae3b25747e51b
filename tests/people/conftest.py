"""A store of people whose clock the test moves."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from fleetcast.people.roles import Role
from fleetcast.people.store import People

WORDS = "four plain words here"


class Clock:
    """The moment that a test says it is."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 18, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A store in which nobody is yet: made once, copied for each test."""
    path = tmp_path_factory.mktemp("people") / "people.db"
    People.open(path, Clock()).close()
    return path


@pytest.fixture
def people(empty, tmp_path, clock):
    folder = tmp_path / "state"
    folder.mkdir()
    store = People.open(shutil.copy(empty, folder / "people.db"), clock)
    yield store
    store.close()


@pytest.fixture
def ana(people) -> str:
    """A scientist of ohio and iowa, with a password."""
    people.add("ana", Role.scientist, frozenset({"ohio", "iowa"}), password=WORDS, actor="root")
    return "ana"
