"""Experiments that were kept: found again, and held against each other."""

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from fleetcast.backtesting import comparing
from fleetcast.backtesting.comparing import Difference
from fleetcast.domain.errors import UsageError
from fleetcast.fleet import backtests
from fleetcast.ledger.experiments import Experiment
from fleetcast.workspace import Workspace


@dataclass(frozen=True)
class Comparison:
    """Two contenders on the rows that both forecast: the difference, and where it comes from."""

    first: str
    second: str
    difference: Difference
    explained: list[dict[str, Any]]  # aspect, value, n, share, first, second, contribution
    segments: list[dict[str, Any]]  # segment, and the fields of its difference


def kept(w: Workspace, kind: str | None = None) -> list[Experiment]:
    """All experiments, newest first."""
    return list(reversed(w.ledger.experiments(kind=kind)))


def one(w: Workspace, begins: str) -> Experiment:
    """The experiment whose id begins so."""
    if not begins:
        raise UsageError(
            "name an experiment by the beginning of its id; `fleetcast experiment list` shows them"
        )
    found = w.ledger.experiments(begins=begins)
    if len(found) != 1:
        problem = "no experiment has an id that begins" if not found else f"{len(found)} experiments begin"
        raise UsageError(f"{problem} with {begins!r}; `fleetcast experiment list` shows them")
    return found[0]


def compare(
    w: Workspace, experiment: str, other: str | None, *, first: str | None, second: str | None
) -> Comparison:
    """Two contenders of one backtest, or one of each of two; by default the first two, or the first of each."""
    mine = _rounds(w, experiment)
    names = mine["contender"].unique(maintain_order=True).to_list()
    if other is None:
        first = first or names[0]
        second = second or next(name for name in names if name != first)
        if first == second:
            raise UsageError(f"{first} is held against itself; name two of {', '.join(names)}")
        return _compared(w, mine, first, second)
    theirs = _rounds(w, other)
    a, b = first or names[0], second or str(theirs["contender"][0])
    marked = (f"{a} ({experiment[:6]})", f"{b} ({other[:6]})")
    parts = [
        _only(mine, a, experiment).with_columns(pl.lit(marked[0]).alias("contender")),
        _only(theirs, b, other).with_columns(pl.lit(marked[1]).alias("contender")),
    ]
    return _compared(w, pl.concat(parts, how="diagonal"), *marked)


def _rounds(w: Workspace, begins: str) -> pl.DataFrame:
    experiment = one(w, begins)
    if experiment.kind != backtests.KIND:
        raise UsageError(
            f"experiment {experiment.id[:12]} is a {experiment.kind}; only backtests can be compared"
        )
    return backtests.rows(w, experiment)


def _only(rounds: pl.DataFrame, name: str, experiment: str) -> pl.DataFrame:
    found = rounds.filter(contender=name)
    if not found.height:
        there = ", ".join(rounds["contender"].unique(maintain_order=True))
        raise UsageError(f"{name!r} did not take part in {experiment}: there are {there}")
    return found


def _compared(w: Workspace, rounds: pl.DataFrame, first: str, second: str) -> Comparison:
    draws = backtests.draws(w)
    whole = comparing.difference(rounds, first, second, seed=draws)
    if not whole.n:
        raise UsageError(f"{first} and {second} forecast no week of a series in common")
    by_segment = comparing.differences(rounds, first, second, by="segment", seed=draws)
    return Comparison(
        first,
        second,
        whole,
        comparing.explained(rounds, first, second).to_dicts(),
        [{"segment": segment, **asdict(found)} for segment, found in by_segment.items()],
    )
