"""The truth of the simulated retailer: the only module that reads what the simulator wrote beside the workspace."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class BadLine:
    """A line that must be quarantined: its source, file (relative to the data folder), line and coded reason."""

    source: str
    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Law:
    """How demand is drawn about its rate: a Gamma–Poisson law of this shape, times a lognormal surprise (sd in logs)."""

    surprise: float
    shape: float


@dataclass(frozen=True)
class Effects:
    """What was planted in the log of the rate; all but the first two by category.

    `warmth` is per 5 °C of a week's mean temperature above the season's normal, `heat` per 8 °C of it above 24 °C. An
    event has its whole effect in a week that holds all its days, or 7 of them, and a share of it by its share of these.
    """

    elasticity: dict[str, float]  # product → change per change of the log price
    promotion: float  # of the flag, beside the price
    warmth: dict[str, float]
    heat: dict[str, float]
    events: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Truth:
    """What really happened, and what was planted in the files.

    `history` has a row per week and series, and runs 8 weeks beyond `last`: rate (the best any forecast could
    know), demand, delivered, sold, returned, back_1 … back_3 (returned so many weeks after the delivery), sold_out.
    `erratic` is the segment that must fail its gate.
    """

    seed: int
    first: date
    last: date
    erratic: str | None
    law: Law
    effects: Effects
    history: pl.DataFrame
    bad: tuple[BadLine, ...]
    duplicates: dict[str, int]  # source → rows that are there twice
    late: str | None
    corrected: str | None

    def quarantined(self) -> dict[str, dict[str, int]]:
        """How many lines of each source must be quarantined, by reason."""
        counts: dict[str, dict[str, int]] = {}
        for line in self.bad:
            reasons = counts.setdefault(line.source, {})
            reasons[line.reason] = reasons.get(line.reason, 0) + 1
        return counts


def read_truth(folder: Path) -> Truth:
    """Read what `fleetcast.sources.sample.create` wrote into its `truth` folder."""
    told = json.loads((folder / "truth.json").read_text("utf-8"))
    return Truth(
        seed=told["seed"],
        first=date.fromisoformat(told["first"]),
        last=date.fromisoformat(told["last"]),
        erratic=told["erratic"],
        law=Law(**told["law"]),
        effects=Effects(**told["effects"]),
        history=pl.read_parquet(folder / "history.parquet"),
        bad=tuple(BadLine(**line) for line in told["bad"]),
        duplicates=told["duplicates"],
        late=told["late"],
        corrected=told["corrected"],
    )
