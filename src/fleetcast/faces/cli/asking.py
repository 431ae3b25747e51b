"""What `score --store` does: asks the fleet about some series, and shows the answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import typer

from fleetcast.faces.cli.options import Environment, looking, opened


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was typed; `changes` are like price=2.49."""

    stores: list[str]
    products: list[str]
    weeks: list[date]
    changes: list[str]
    release: str | None


def ask(folder: Path, env: Environment, typed: Asked, *, csv: Path | None, as_json: bool) -> None:
    """Ask, and show what is said."""
    suppose = supposed(typed.changes)
    with looking(f"asking about {', '.join(typed.stores)}"):
        from fleetcast.faces.cli import paper, terminal, what_ifs
        from fleetcast.fleet import what_if
        from fleetcast.fleet.scorer import Scorer

        question = what_if.Question(
            tuple(typed.stores), tuple(typed.products), tuple(typed.weeks), suppose, typed.release
        )
        answer = Scorer(opened(folder, env)).ask(question)
        if csv is not None:
            what_if.write(answer, csv)
    terminal.show(
        answer, what_ifs.answered(answer, paper.Place(str(folder), env.value), csv), as_json=as_json
    )


def supposed(changes: Iterable[str]) -> dict[str, float]:
    """Columns and their values.

    >>> supposed(["price=2.49", "weather.temperature=-5"])
    {'price': 2.49, 'weather.temperature': -5.0}
    """
    found: dict[str, float] = {}
    for change in changes:
        column, equals, value = (part.strip() for part in change.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = None
        if not (column and equals) or number is None:
            raise typer.BadParameter(f"{change!r} sets nothing; write a column and a number, like price=2.49")
        if column in found:
            raise typer.BadParameter(f"{column} is set twice; ask twice, once with each value")
        found[column] = number
    return found
