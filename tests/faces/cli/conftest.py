"""Builders of a small fleet's week: two regions, one segment over its gate, one whose run failed."""

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from fleetcast.fleet.report import CycleReport, RegionLine, SegmentVerdict, SeriesCounts, SourceLine


@pytest.fixture
def verdicts() -> tuple[SegmentVerdict, ...]:
    return (
        SegmentVerdict("north-texas/large/fast", True, "", "champion", 0.31, 0.52, 0.4, 0.02),
        SegmentVerdict(
            "north-texas/small/slow", False, "mape 0.4504 is over 0.45", "baseline", 0.4504, 0.5, 0.1, 0.01
        ),
        SegmentVerdict(
            "ohio/large/fast", False, "its worker process was killed", "last_known_good", ran=False
        ),
    )


@pytest.fixture
def report(verdicts) -> CycleReport:
    return CycleReport(
        environment="dev",
        cycle=date(2026, 11, 16),
        weeks=(date(2026, 11, 23), date(2026, 12, 14)),
        release="ab" * 32,
        promoted=True,
        quorum=True,
        resumed=False,
        seconds=252.0,
        regions=(
            RegionLine(
                "north-texas",
                ("passed", "over_gate"),
                480,
                479,
                0.38,
                0.3,
                0.01,
                {"champion": 459, "baseline": 20},
            ),
            RegionLine("ohio", ("failed",), 5000, 5000, None, None, None, {"last_known_good": 5000}),
        ),
        verdicts=verdicts,
        baselines=2,
        sources=(SourceLine("deliveries_us", 12, 1000, 990, 7, 3), SourceLine("returns", 3, 100, 90, 7, 0)),
        series=SeriesCounts(active=5480, published=5479, coded=1, missing=0),
        failover={"champion": 459, "baseline": 20, "last_known_good": 5000},
        metrics={"mape": 0.38},
        files={"forecasts": Path("demo/.fleetcast/dev/lake/forecasts")},
    )


@pytest.fixture
def printed() -> Callable[..., str]:
    """What a picture looks like on paper of this many columns."""

    def print_(picture: RenderableType, width: int = 140) -> str:
        paper = io.StringIO()
        Console(width=width, file=paper).print(picture)
        return paper.getvalue()

    return print_
