"""What a change does to the fleet: segments better, worse, failed, the worst five, and what it costs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from fleetcast.fleet.report import CycleReport, SegmentVerdict

WORST = 5
NOTICED = 0.0001  # change of a MAPE from which on a segment is better or worse: a hundredth of a point
SCHEMA = {
    "segment": pl.String,
    "before": pl.Float64,
    "after": pl.Float64,
    "change": pl.Float64,
    "passed_before": pl.Boolean,
    "passed": pl.Boolean,
    "reason": pl.String,
}


@dataclass(frozen=True)
class FleetDiff:
    """Segment by segment the MAPE that the gate read, before and after, and its verdict; fractions, CPU seconds.

    `frame` has a row per segment, the worst change first. `volume` is the change of all forecasts, relative.
    """

    frame: pl.DataFrame
    cpu_before: float
    cpu_after: float
    volume: float | None = None
    quorum: bool = True  # enough segments can be served, or no fewer than without the change

    @property
    def better(self) -> list[str]:
        """Segments that pass the gate with a smaller error."""
        return self._of(pl.col("passed") & (pl.col("change") <= -NOTICED))

    @property
    def worse(self) -> list[str]:
        """Segments with a larger error, whether they pass or not."""
        return self._of(pl.col("change") >= NOTICED)

    @property
    def failed(self) -> list[str]:
        """Segments that do not pass the gate."""
        return self._of(~pl.col("passed"))

    @property
    def worst(self) -> pl.DataFrame:
        """The five whose error changes for the worse, most first."""
        return self.frame.filter(pl.col("change") >= NOTICED).head(WORST)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "better": self.better,
            "worse": self.worse,
            "failed": self.failed,
            "worst": self.worst["segment"].to_list(),
            "cpu_seconds": [self.cpu_before, self.cpu_after],
            "volume": self.volume,
            "quorum": self.quorum,
            "segments": self.frame.to_dicts(),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _of(self, rows: pl.Expr) -> list[str]:
        return self.frame.filter(rows)["segment"].sort().to_list()

    def _lines(self) -> Iterator[str]:
        many = self.frame.height
        yield f"{len(self.better)} of {many} segments better, {len(self.worse)} worse, {len(self.failed)} fail the gate"
        if self.volume is not None:
            yield f"forecasts {self.volume:+.1%} in all"
        yield f"training {self.cpu_after:.1f} CPU s, before {self.cpu_before:.1f}"
        for title, rows in (
            ("worst changes", self.worst),
            ("best changes", self.frame.filter(pl.col("change") <= -NOTICED).reverse().head(WORST)),
        ):
            if rows.height:
                yield f"{title}:"
                yield from (f"  {_told(row)}" for row in rows.iter_rows(named=True))
        for row in self.frame.filter(~pl.col("passed")).head(WORST).iter_rows(named=True):
            yield f"  ✕ {row['segment']}: {row['reason']}"


def fleet_diff(
    before: CycleReport, after: CycleReport, *, cpu: tuple[float, float] = (0.0, 0.0)
) -> FleetDiff:
    """How the fleet of one cycle differs from that of another, of the same week and data."""
    was = {verdict.segment: verdict for verdict in before.verdicts}
    rows = [_row(was.get(verdict.segment), verdict) for verdict in after.verdicts]
    frame = pl.DataFrame(rows, schema=SCHEMA).sort(
        "change", "segment", descending=[True, False], nulls_last=True
    )
    volume = after.rehearsed.change if after.rehearsed else None
    # A sample may be too small for any model to pass: a change answers for what it makes worse.
    as_many = after.passed >= before.passed
    return FleetDiff(frame, *cpu, volume, after.quorum or as_many)


def _row(before: SegmentVerdict | None, after: SegmentVerdict) -> Mapping[str, Any]:
    was = before.mape if before else None
    change = after.mape - was if after.mape is not None and was is not None else None
    return {
        "segment": after.segment,
        "before": was,
        "after": after.mape,
        "change": change,
        "passed_before": before.passed if before else None,
        "passed": after.passed,
        "reason": after.reason,
    }


def _told(row: Mapping[str, Any]) -> str:
    return (
        f"{row['segment']}: MAPE {row['before']:.1%} → {row['after']:.1%} ({100 * row['change']:+.2f} points)"
    )
