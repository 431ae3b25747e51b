"""What a search for settings looks like on paper, down to the lines to take over."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.experiments import bar, points
from fleetcast.faces.cli.figures import counted, share
from fleetcast.faces.cli.paper import table, title

if TYPE_CHECKING:
    from fleetcast.fleet.search import SearchReport

SHOWN = 8  # trials


def searched(report: "SearchReport", present: str) -> RenderableType:
    """What a search found; `present` is the recipe of the settings."""
    parts: list[RenderableType] = [
        title(f"Search for {report.recipe}: {counted(len(report.trials), 'trial')}")
    ]
    rows = table("trial", ">MAPE", "??", "settings")
    widest = max(trial.mape for trial in report.trials)
    for trial in sorted(report.trials, key=lambda trial: trial.mape)[:SHOWN]:
        changed = ", ".join(f"{name} = {_toml(value)}" for name, value in trial.settings.items())
        rows.add_row(
            str(trial.number), share(trial.mape), bar(trial.mape, widest), changed or "the present settings"
        )
    parts.append(rows)
    if not report.best.settings:
        parts += [Text(), Text("Nothing tried is better than the present settings.")]
    else:
        confirmed = report.confirmed
        if confirmed is not None:
            words = "on newer weeks, which no trial saw, its MAPE differs from the present settings' by "
            parts += [
                Text(),
                Text.assemble(
                    words,
                    points(confirmed.value, confirmed.low, confirmed.high),
                    " points; below 0 it is better",
                ),
            ]
        parts += [
            Text(),
            Text("To take it over, write into fleetcast.toml:"),
            Text(
                _written({} if report.recipe == present else {"recipe": report.recipe}, report.best.settings)
            ),
        ]
    if report.out_of_time:
        parts += [Text(), Text("The time was over first; the same call goes on from here.", "dim")]
    return Group(*parts)


def _written(recipe: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Settings of training as lines of TOML."""
    whole = {name: value for name, value in {**recipe, **settings}.items() if "." not in name}
    inner = {name.partition(".")[2]: value for name, value in settings.items() if "." in name}
    lines = ["[training]", *(_line(name, value) for name, value in whole.items())]
    if inner:
        lines += ["", "[training.features]", *(_line(name, value) for name, value in inner.items())]
    return "\n".join(lines)


def _line(name: str, value: Any) -> str:
    return f"# {name}: leave it out, for {_toml(value)}" if value is None else f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    """A value as TOML writes it; None, which TOML cannot write, in words."""
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else str(value)
