"""A chain of kiosks whose sample data lie in its repository; a workspace as `fleetcast init` begins one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.delivery.test_starting import last_week, semicolons

from fleetcast.testing.repositories import commit, git, write_repository

FLEETCAST = Path(sys.executable).with_name("fleetcast")


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


@pytest.fixture(scope="session")
def begun(tmp_path_factory) -> Path:
    source = semicolons(tmp_path_factory.mktemp("sales") / "sales.csv", last_week())
    folder = tmp_path_factory.mktemp("begun") / "chain"
    subprocess.run([FLEETCAST, "init", folder, "--from", source], check=True, capture_output=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.com")
    commit(folder, "A new workspace")
    return folder


@pytest.fixture
def chain(begun, tmp_path) -> Path:
    """A repository of the test's own, of a new workspace with three stores."""
    return Path(shutil.copytree(begun, tmp_path / "chain"))
