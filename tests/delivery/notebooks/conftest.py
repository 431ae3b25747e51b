"""A chain of kiosks whose sample data lie in its repository; a workspace as `fleetcast init` begins one."""

import itertools
import math
import random
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from tests.delivery.test_starting import last_week

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


def seasonal(path: Path) -> Path:
    """Sales of a clear season and little noise: any sound model passes its gate, whatever the last bits of a machine."""
    chance = random.Random(5)  # noqa: S311 — nothing secret
    lines = ["week,store,product,units,price"]
    for n, (store, number) in itertools.product(
        range(100), itertools.product(("T1", "T2", "T3"), range(1, 7))
    ):
        season = 1 + 0.4 * math.sin(2 * math.pi * n / 26)
        units = (10 + 8 * number) * season * chance.lognormvariate(0, 0.03)
        lines.append(f"{last_week() - timedelta(weeks=99 - n)},{store},{number:04},{units:.1f},2.5")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="session")
def begun(tmp_path_factory) -> Path:
    source = seasonal(tmp_path_factory.mktemp("sales") / "sales.csv")
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
