"""A chain of kiosks whose sample data lie in its repository."""

import shutil
from pathlib import Path

import pytest

from fleetcast.testing.repositories import git, write_repository


@pytest.fixture(scope="session")
def sampled(tmp_path_factory) -> Path:
    folder = write_repository(tmp_path_factory.mktemp("sampled") / "shop", sample=True)
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.com")
    return folder


@pytest.fixture
def shop(sampled, tmp_path) -> Path:
    """A repository of the test's own, whose raw files are gone: there are the sample's."""
    folder = Path(shutil.copytree(sampled, tmp_path / "shop"))
    shutil.rmtree(folder / "data")
    return folder
