"""A chain of kiosks that is a test's own, served, an hour after its week."""

import itertools
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.faces.conftest import Served

from fleetcast import workspace
from fleetcast.faces import server
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import WEDNESDAY

LATER = WEDNESDAY + timedelta(hours=1)


@pytest.fixture
def serving(first_week, tmp_path) -> Iterator[Served]:
    """Two seconds pass between any two looks at the clock, so that nothing is held as looked at just now."""
    ticks = itertools.count()
    folder = Path(shutil.copytree(first_week[0], tmp_path / "chain"))
    w = workspace.open(folder, clock=lambda: LATER + timedelta(seconds=2 * next(ticks)))
    app = server.application(w.people, server.opener(w), server.limits_of(w, "127.0.0.1"))
    made = Served(w, app, w.people)
    for name, regions in (("all", None), ("east", frozenset({"east"}))):
        w.people.add(f"eva-{name}", Role.engineer, regions, password=None, actor="test")
        _, made.tokens[Role.engineer, name] = w.people.add_token(
            f"eva-{name}", purpose="test", role=None, regions=None, days=1, actor="test"
        )
    yield made
    w.people.close()
