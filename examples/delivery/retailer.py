"""The chain of kiosks that the story is about: a workspace in Git, and raw files as they come in week by week."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from fleetcast.delivery import lock
from fleetcast.domain.week import monday
from fleetcast.testing.kiosks import LAST, SETTINGS, kiosks, write_file, write_workspace

READY = timedelta(days=10)  # the newest week of the story is over, and all of it came in

PYPROJECT = """[project]
name = "kiosks"
version = "1.0.0"
description = "A chain of kiosks."
requires-python = ">=3.11"
dependencies = ["fleetcast"]

[tool.ruff]
line-length = 110

[tool.ruff.lint.isort]
known-first-party = ["fleetcast", "kiosks"]

[tool.mypy]
files = ["src"]
strict = true

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["src"]

[tool.coverage.report]
fail_under = 90
"""

TESTS = '''"""What the conditioners make of the rows of a file."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from fleetcast import workspace
from fleetcast.conditioning.standard import Context

KIOSKS = workspace.open(Path(__file__).parents[1])


@pytest.mark.parametrize("source", list(KIOSKS.settings.sources))
def test_rows_that_are_standard_already_stay_as_they_are(source: str) -> None:
    rows = pl.DataFrame({"store": ["east-1"], "product": ["00001"]})
    settings = KIOSKS.settings.sources[source]
    context = Context(source, settings, datetime(2026, 1, 1, tzinfo=UTC), initial=True, file="a.csv")
    assert KIOSKS.conditioner_of(source).condition(rows, context).tables[source].equals(rows)
'''

IGNORED = "/data/\n/.fleetcast/\n/dist/\n/report*/\n__pycache__/\n.coverage\n.*_cache/\n"


def tables(*, until: date, **size: int) -> dict[str, pl.DataFrame]:
    """The chain's tables, moved in time so that `until` is their newest week."""
    later = until - LAST
    moved = {}
    for name, frame in kiosks(**size).items():
        dates = [column for column, kind in frame.schema.items() if kind == pl.Date]
        moved[name] = frame.with_columns(pl.col(dates) + later) if dates else frame
    return moved


def newest(today: datetime) -> date:
    """The newest week of the story."""
    return monday((today - READY).date())


def write(folder: Path, policy: str, *, settings: str = SETTINGS) -> None:
    """The workspace, its sample and its first raw files; the newest week is still to come."""
    until = newest(datetime.now(UTC))
    frames = tables(until=until)
    arrived = frames | {"deliveries": frames["deliveries"].filter(pl.col("week") < until)}
    write_workspace(folder, arrived, settings=settings)
    for name, frame in tables(until=until, stores=1, products=4, weeks=50).items():
        write_file(folder / "sample", name, frame, "sample")
    (folder / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (folder / "policy.toml").write_text(policy, "utf-8")
    (folder / ".gitignore").write_text(IGNORED, "utf-8")
    for package in ("kiosks", "kiosks/conditioners"):
        (folder / "src" / package / "__init__.py").write_text(
            f'"""{package.split("/")[-1].title()}."""\n', "utf-8"
        )
    (folder / "tests").mkdir()
    (folder / "tests" / "test_conditioners.py").write_text(TESTS, "utf-8")
    lock.make(folder)


def next_week(folder: Path) -> Path:
    """The file of the newest week comes in."""
    until = newest(datetime.now(UTC))
    rows = tables(until=until)["deliveries"].filter(pl.col("week") == until)
    return write_file(folder, "deliveries", rows, f"week-{until}")


def correction(folder: Path) -> Path:
    """A late file corrects two weeks of one store."""
    until = newest(datetime.now(UTC))
    week = pl.col("week")
    rows = tables(until=until)["deliveries"].filter(
        (pl.col("store") == "east-1") & (week < until) & (week >= until - timedelta(weeks=3))
    )
    return write_file(folder, "deliveries", rows.with_columns(pl.col("delivered") + 1), "correction")
