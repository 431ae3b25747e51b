"""What a person sees while a cycle works: bars on a terminal, structured log lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TextIO

from rich import progress as widgets
from rich.console import Console
from rich.table import Column

from fleetcast.faces.cli import terminal
from fleetcast.faces.cli.figures import count
from fleetcast.fleet.progress import Progress

QUIET = 10.0  # seconds between two log lines of one stage
WIDE, NARROW = 28, 12  # characters of a bar
ROOMY = 100  # columns of a terminal that has room for wide ones


class Log(Protocol):
    """A structured log."""

    def info(self, event: str, **fields: object) -> object: ...


@contextmanager
def progress(log: Path) -> Iterator[Progress]:
    """Bars when a person is watching standard error, and the log lines in a file; else the log lines there."""
    console = terminal.messages()
    with logged(log if console.is_terminal else sys.stderr) as lines:
        if console.is_terminal:
            with Bars(console) as bars:
                yield bars
        else:
            yield Lines(lines)


@contextmanager
def logged(to: Path | TextIO) -> Iterator[Log]:
    """Log lines go there meanwhile, and nowhere afterwards."""
    from fleetcast import telemetry

    telemetry.configure(to, clock=lambda: datetime.now(UTC))
    try:
        yield telemetry.get_logger()
    finally:
        telemetry.configure(None, clock=lambda: datetime.now(UTC))


@contextmanager
def spoken() -> Iterator[Progress]:
    """Whatever is there, a line when a stage is done: nothing is drawn over what a debugger asks."""
    console = terminal.messages()
    if console.is_terminal:
        yield Spoken(console)
        return
    with logged(sys.stderr) as lines:
        yield Lines(lines)


class Spoken:
    """A line for a stage, once it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, name: str, total: int | None) -> None:
        """Nothing: it is said when it is done."""

    def advance(self, name: str, note: str = "") -> None:
        """Nothing."""

    def done(self, name: str, note: str) -> None:
        self._console.print(f"[green]●[/] {name:<15}[dim]{note}[/]")


class Bars:
    """One line per stage: spinner, bar, how many of how many, time, and the last thing that happened."""

    def __init__(self, console: Console) -> None:
        note = Column(ratio=1, no_wrap=True, overflow="ellipsis")  # it gives way, and nothing else does
        self._bars = widgets.Progress(
            widgets.SpinnerColumn(finished_text="[green]●[/]"),
            widgets.TextColumn("{task.description:<15}"),
            widgets.BarColumn(bar_width=WIDE if console.width >= ROOMY else NARROW),
            widgets.TextColumn("{task.fields[amount]:>11}"),
            widgets.TimeElapsedColumn(),
            widgets.TextColumn("[dim]{task.fields[note]}[/]", table_column=note),
            console=console,
            expand=True,
        )
        self._stages: dict[str, widgets.TaskID] = {}

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def stage(self, name: str, total: int | None) -> None:
        self._stages[name] = self._bars.add_task(name, total=total, amount=_amount(0, total), note="")

    def advance(self, name: str, note: str = "") -> None:
        stage = self._stages[name]
        self._bars.update(stage, advance=1, note=note)
        task = self._bars.tasks[self._bars.task_ids.index(stage)]
        total = None if task.total is None else int(task.total)
        self._bars.update(stage, amount=_amount(int(task.completed), total))

    def done(self, name: str, note: str) -> None:
        stage = self._stages[name]
        task = self._bars.tasks[self._bars.task_ids.index(stage)]
        total = max(task.completed, 1.0)
        amount = "" if task.total is None else _amount(int(task.completed), int(task.total))
        self._bars.update(stage, total=total, completed=total, note=note, amount=amount)


class Lines:
    """One event when a stage begins and ends, and between them at most one in ten seconds."""

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._totals: dict[str, int | None] = {}
        self._made: dict[str, int] = {}
        self._began: dict[str, float] = {}
        self._spoke: dict[str, float] = {}

    def stage(self, name: str, total: int | None) -> None:
        now = self._clock()
        self._totals[name], self._made[name] = total, 0
        self._began[name] = self._spoke[name] = now
        self._log.info("stage began", stage=name, total=total)

    def advance(self, name: str, note: str = "") -> None:
        self._made[name] += 1
        now = self._clock()
        if now - self._spoke[name] >= QUIET:
            self._spoke[name] = now
            self._log.info(
                "stage goes on", stage=name, made=self._made[name], total=self._totals[name], note=note
            )

    def done(self, name: str, note: str) -> None:
        seconds = round(self._clock() - self._began[name], 1)
        self._log.info("stage done", stage=name, made=self._made[name], seconds=seconds, note=note)


def _amount(made: int, total: int | None) -> str:
    return f"{count(made)} of {count(total)}" if total is not None else count(made)
