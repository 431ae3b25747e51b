"""Answers as people read them: the forecast, and what it would be, side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, counted, day, number, share, short
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import Place, next_steps, table

if TYPE_CHECKING:
    from fleetcast.fleet.what_if import Answer, Numbers, Row


def answered(answer: "Answer", place: Place, csv: Path | None = None) -> Group:
    """The rows of an answer, what has to be known of them, and what to ask next."""
    what = ", ".join(f"{name} = {value:g}" for name, value in answer.supposed.items())
    notes: list[RenderableType] = [Text(note) for note in _notes(answer, csv)]
    return Group(
        Text.assemble(
            (what or "as it is", "bold"),
            f" · release {short(answer.release)}, cycle of {day(answer.cycle)} · not published",
        ),
        "",
        _beside(answer) if answer.supposed else _plain(answer),
        "",
        *notes,
        *([""] if notes else []),
        _next(answer, place),
    )


def _plain(answer: "Answer") -> Table:
    rows = table("Store", "!Product", "!Week", ">Median", ">?10 to 90 %", ">Order", "?Order is", "!From")
    for row in answer.rows:
        said = row.forecast
        order = said.order if said else None
        rows.add_row(*_of(row), _median(said), _span(said), number(order), _why(said), _from(row))
    return rows


def _beside(answer: "Answer") -> Table:
    rows = table(
        "Store",
        "!Product",
        "!Week",
        ">Median",
        ">What if",
        ">Change",
        ">?10 to 90 %",
        ">Order",
        ">What if",
        "!From",
    )
    for row in answer.rows:
        before, after = row.forecast, row.what_if
        change = (
            share(row.moved / before.median, signed=True) if before and row.moved and before.median else NONE
        )
        orders = (number(said.order if said else None) for said in (before, after))
        rows.add_row(*_of(row), _median(before), _median(after), change, _span(after), *orders, _from(row))
    return rows


def _of(row: "Row") -> tuple[str, str, str]:
    return row.store, row.product, day(row.week)


def _median(said: "Numbers | None") -> str:
    return number(said.median if said else None)


def _span(said: "Numbers | None") -> str:
    return f"{number(said.quantiles['q0.1'])} to {number(said.quantiles['q0.9'])}" if said else NONE


def _why(said: "Numbers | None") -> str:
    return said.order_reason.replace("_", " ") if said and said.order_reason else NONE


def _from(row: "Row") -> str:
    return (row.state if row.reason == "ok" else f"{row.state}, {row.reason}").replace("_", " ")


def _notes(answer: "Answer", csv: Path | None) -> list[str]:
    notes = []
    if answer.late:
        notes.append(
            f"{counted(answer.late, 'row')} of series that the week's scoring did not have: not published."
        )
    if answer.unlike_published:
        notes.append(
            f"{counted(answer.unlike_published, 'row')} unlike what was published: another release published it, or its"
            " code has changed."
        )
    still = sum(row.moved == 0 and row.state in ("baseline", "carried_forward") for row in answer.rows)
    if answer.supposed and still:
        notes.append(
            f"{counted(still, 'row')} from an average or an older forecast, which know no plans: they stand still."
        )
    if csv is not None:
        notes.append(f"Written to {csv}.")
    return notes


def _next(answer: "Answer", place: Place) -> Group:
    row = answer.rows[0]
    series = f"--store {row.store} --product {row.product}"
    ask = (f"score {series} --set COLUMN=VALUE", "what if a price, a promotion or the weather were otherwise")
    why = (f"explain {row.segment} {series}", "what makes this forecast")
    return next_steps(
        place, *([] if answer.supposed else [ask]), why, ("export orders", "the published orders")
    )
