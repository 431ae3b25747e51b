"""What a cycle took: CPU, time, memory and money, step by step and model by model."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import label
from fleetcast.fleet.steps import Steps
from fleetcast.ledger.steps import StepRecord
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class StepCost:
    """One step of a cycle: over all its parts, and the longest of them. `peak_mb`: see `Cost`."""

    step: str
    parts: int
    cpu_seconds: float
    wall_seconds: float
    longest_seconds: float
    peak_mb: float
    money: float | None


@dataclass(frozen=True, slots=True)
class ModelCost:
    """One trained model: its share, by rows, of what its partition's training took."""

    model: str
    rows: int
    cpu_seconds: float
    money: float | None


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one cycle; money is None without a price."""

    cycle: str
    cpu_seconds: float
    money: float | None
    steps: tuple[StepCost, ...]
    models: tuple[ModelCost, ...]


def costs(w: Workspace, week: date | None = None) -> Costs:
    """Of a week's cycle, else the newest; only steps that were done are counted, each as it was done last."""
    cycles = [cycle.cycle for cycle in w.ledger.cycles()]
    wanted = label(week) if week else max(cycles, default=None)
    if wanted not in cycles:
        asked = f"week {week} was not run" if week else "nothing has been run"
        raise UsageError(f"{asked} in {w.environment}; `fleetcast run` does a week")
    records = [record for record in w.ledger.steps(wanted) if record.cost is not None]
    price = w.settings.execution.price_per_cpu_hour
    steps = tuple(
        _step(name, [record for record in records if record.step == name], price)
        for name in dict.fromkeys(record.step for record in records)
    )
    spent = sum(step.cpu_seconds for step in steps)
    models = [model for record in records for model in _models(w, record, price)]
    dearest = sorted(models, key=lambda model: (-model.cpu_seconds, model.model))
    return Costs(wanted, spent, _money(spent, price), steps, tuple(dearest))


def _step(name: str, records: list[StepRecord], price: float) -> StepCost:
    took = [record.cost for record in records if record.cost is not None]
    cpu = sum(cost.cpu_seconds for cost in took)
    return StepCost(
        name,
        len(took),
        cpu,
        sum(cost.wall_seconds for cost in took),
        max(cost.wall_seconds for cost in took),
        max(cost.peak_mb for cost in took),
        _money(cpu, price),
    )


def _models(w: Workspace, record: StepRecord, price: float) -> list[ModelCost]:
    """The models that a part of a training step left."""
    if not record.step.startswith("train") or record.output_digest is None or record.cost is None:
        return []
    made: list[Mapping[str, Any]] = Steps("", w.ledger, w.bank).result(record.output_digest)["segments"]
    rows = [int(one["rows"]["fitted"]) for one in made]
    shares = [record.cost.cpu_seconds * mine / max(sum(rows), 1) for mine in rows]
    return [
        ModelCost(one["key"], mine, share, _money(share, price))
        for one, mine, share in zip(made, rows, shares, strict=True)
    ]


def _money(cpu_seconds: float, price: float) -> float | None:
    return cpu_seconds / 3600 * price if price else None
