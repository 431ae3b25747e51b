"""The paper everything is printed on: quiet tables, and marks whose state is a shape, a word and a colour."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count
from fleetcast.faces.cli.fitting import Table
from fleetcast.fleet.report import SERVED, Served, State

TARGET = 0.45  # mape; the fleet's target, shown beside whatever limit is in force
BESIDE = 26  # characters; with fewer beside a command, what it answers stands below it
NO_WORSE = 0.0  # skill; a perfect draw with the baseline


class Mark(NamedTuple):
    """How a state looks."""

    shape: str
    word: str
    colour: str

    def text(self, words: str | None = None) -> Text:
        """The shape in its colour, the words in ink."""
        return Text.assemble((self.shape, self.colour), " ", words or self.word)


MARKS: Mapping[State, Mark] = {
    "passed": Mark("●", "passed", "green"),
    "over_gate": Mark("◆", "over gate", "bold red"),
    "failed": Mark("✕", "failed run", "bold magenta"),
}
WELL, ILL, STALE = (
    Mark("●", "well", "green"),
    Mark("✕", "not well", "bold magenta"),
    Mark("◷", "stale", "bold blue"),
)


def served(failover: Mapping[Served, int]) -> str:
    """Where published rows come from, most trusted first.

    >>> served({"champion": 460, "baseline": 20})
    '460 champion, 20 baseline'
    """
    known = [(state, failover.get(state, 0)) for state in SERVED]
    return ", ".join(f"{count(n)} {state.replace('_', ' ')}" for state, n in known if n) or NONE


def title(words: str) -> Text:
    return Text(words, "bold")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person works: what the commands that are suggested to them have to name again."""

    workspace: str = "."
    environment: str = "dev"

    def typed(self, command: str) -> str:
        """A command of Fleetcast as it is typed to work here too.

        >>> Place("my demo", "prod").typed("status")
        "fleetcast status --workspace 'my demo' --env prod"
        """
        where = "" if self.workspace == "." else f" --workspace {shlex.quote(self.workspace)}"
        return f"fleetcast {command}{where}" + (
            "" if self.environment == "dev" else f" --env {self.environment}"
        )


def next_steps(place: Place, *steps: tuple[str, str]) -> Group:
    """What to type next: commands, each with the question that it answers."""
    return Group(
        title("What to type next"), Steps([(place.typed(command), answers) for command, answers in steps])
    )


class Steps:
    """Commands with what they answer beside them, or below where the paper is narrow."""

    def __init__(self, steps: Sequence[tuple[str, str]]) -> None:
        self._steps = steps

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if max(len(command) for command, _ in self._steps) + BESIDE > options.max_width:
            for command, answers in self._steps:
                yield Text(command, overflow="fold")
                yield Padding(Text(answers), (0, 0, 0, 4))
            return
        rows = table(None, None)
        for command, answers in self._steps:
            rows.add_row(command, answers)
        yield rows


def table(*columns: str | None) -> Table:
    """A quiet table under these headings, or without any (None).

    `>` before a heading puts figures to the right, `!` keeps cells in one line, `?` says that narrow paper can do
    without the column; with more of them it goes sooner.
    """
    return Table(columns)
