"""Chains of kiosks in repositories; code that imports nothing, so that tools look at it in a moment; made-up advisories."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleetcast.testing.repositories import write_repository

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
SETTINGS = """\
schema = 1

[workspace]
name = "shop"
package = "shop"

[sources.deliveries]
path = "data/*.csv"
format = "csv"
conditioner = "deliveries"

[sources.deliveries.columns]
week = { type = "date" }
"""
CONDITIONER = '''\
"""Deliveries as they come."""


def condition(rows: list[int], context: object) -> list[int]:
    return [row for row in rows if row > 0]
'''
TEST = """\
from shop.conditioners.deliveries import condition


def test_nothing_negative_is_delivered() -> None:
    assert condition([1, -1], None) == [1]
"""
PYPROJECT = """\
[project]
name = "shop"
version = "0.1.0"
dependencies = ["fleetcast"]

[tool.ruff]
line-length = 100

[tool.mypy]
strict = true

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["src"]
addopts = ["-p", "no:hypothesispytest"]  # which takes a second to load, and nothing here needs it
"""
FILES = {
    "fleetcast.toml": SETTINGS,
    "pyproject.toml": PYPROJECT,
    "src/shop/__init__.py": '"""A shop."""\n',
    "src/shop/conditioners/__init__.py": '"""Its conditioners."""\n',
    "src/shop/conditioners/deliveries.py": CONDITIONER,
    "tests/test_deliveries.py": TEST,
}


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace of which every check has nothing bad to say."""
    folder = tmp_path / "shop"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@pytest.fixture
def git() -> Callable[..., str]:
    """Git in a folder, as somebody with a name."""

    def run(folder: Path, *words: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    return run


def advisory(name: str = "PYSEC-2026-1", package: str = "numpy", **fields: Any) -> dict[str, Any]:
    """An advisory of yesterday that warns of every version of a package."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
    }
    return {
        "id": name,
        "modified": "2026-11-19T12:00:00Z",
        "summary": "everything of it is wrong",
        "affected": [affected],
    } | fields


@pytest.fixture
def planted(tmp_path: Path) -> Callable[..., Path]:
    """A folder of advisories."""

    def plant(*records: dict[str, Any]) -> Path:
        folder = tmp_path / "advisories"
        folder.mkdir(exist_ok=True)
        for record in records:
            (folder / f"{record['id']}.json").write_text(json.dumps(record), "utf-8")
        return folder

    return plant


@pytest.fixture(scope="session")
def committed(tmp_path_factory) -> Path:
    return write_repository(tmp_path_factory.mktemp("repository") / "shop")


@pytest.fixture
def repository(committed, tmp_path) -> Path:
    """A repository with one commit; the copy is the test's own."""
    return Path(shutil.copytree(committed, tmp_path / "shop"))
