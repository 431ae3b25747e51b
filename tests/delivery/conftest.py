"""A chain of kiosks in a repository: made once, copied for each test."""

import shutil
from pathlib import Path

import pytest

from fleetcast.testing.repositories import write_repository


@pytest.fixture(scope="session")
def committed(tmp_path_factory) -> Path:
    return write_repository(tmp_path_factory.mktemp("repository") / "shop")


@pytest.fixture
def repository(committed, tmp_path) -> Path:
    """A repository with one commit; the copy is the test's own."""
    return Path(shutil.copytree(committed, tmp_path / "shop"))
