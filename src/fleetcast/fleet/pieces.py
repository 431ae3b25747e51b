"""A piece of a step as it leaves for a worker: the task, and what every log line of its doing says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fleetcast.telemetry import bound

T = TypeVar("T")


@dataclass(frozen=True)
class Piece(Generic[T]):
    """Work and its task; printed as the step and the part that it is."""

    fields: Mapping[str, Any]  # of its log lines: run, cycle, step, part
    work: Callable[[T], str]
    task: T

    def __str__(self) -> str:
        return f"{self.fields['step']} {self.fields['part']}"


def do(piece: Piece[Any]) -> str:
    """Do it, wherever this is: lines of log that the work writes say whose they are."""
    with bound(**piece.fields):
        return piece.work(piece.task)
