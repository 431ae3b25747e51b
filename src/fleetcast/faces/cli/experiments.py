"""What backtests and comparisons look like on paper."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, day, duration, share, short
from fleetcast.faces.cli.paper import NO_WORSE, TARGET, Place, next_steps, table, title

FINEST = 6  # decimals of a point
NAME = 60  # characters of an experiment's name in a list
BAR = 10  # columns of the widest bar
BESIDE = 4  # contenders that fit beside each other in a table by segment
SHOWN = 8  # trials of a search
LONGEST = 20  # lines of a comparison by one aspect
WORST = 6  # segments shown of each driver
ASPECTS = {
    "segment": "segment",
    "horizon": "weeks ahead",
    "group": "category",
    "product": "product",
    "size": "units sold in the week",
    "week": "week",
}


class Difference(Protocol):
    """Two contenders on the same rows."""

    @property
    def second(self) -> str: ...

    @property
    def value(self) -> float | None: ...

    @property
    def low(self) -> float | None: ...

    @property
    def high(self) -> float | None: ...


class Backtest(Protocol):
    """A backtest's report."""

    @property
    def id(self) -> str: ...

    @property
    def origins(self) -> tuple[date, ...]: ...

    @property
    def horizons(self) -> tuple[int, ...]: ...

    @property
    def segments(self) -> int: ...

    @property
    def again(self) -> bool: ...

    @property
    def figures(self) -> list[dict[str, Any]]: ...

    @property
    def by_segment(self) -> list[dict[str, Any]]: ...

    @property
    def differences(self) -> Sequence[Difference]: ...

    @property
    def young(self) -> list[dict[str, Any]]: ...

    @property
    def explained(self) -> list[dict[str, Any]]: ...

    @property
    def drivers(self) -> list[dict[str, Any]]: ...

    @property
    def revisions(self) -> list[dict[str, Any]]: ...

    @property
    def seconds(self) -> float: ...


class Comparison(Protocol):
    """Two contenders, and where they differ."""

    @property
    def first(self) -> str: ...

    @property
    def second(self) -> str: ...

    @property
    def difference(self) -> Difference: ...

    @property
    def explained(self) -> list[dict[str, Any]]: ...


class Trial(Protocol):
    """A point that a search tried."""

    @property
    def number(self) -> int: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    @property
    def mape(self) -> float: ...


class Search(Protocol):
    """A search's report."""

    @property
    def recipe(self) -> str: ...

    @property
    def trials(self) -> Sequence[Trial]: ...

    @property
    def best(self) -> Trial: ...

    @property
    def confirmed(self) -> Difference | None: ...

    @property
    def out_of_time(self) -> bool: ...


class Kept(Protocol):
    """An experiment."""

    @property
    def id(self) -> str: ...

    @property
    def at(self) -> datetime: ...

    @property
    def actor(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> Mapping[str, Any]: ...


def backtest(report: Backtest, export: Path | None, place: Place) -> Group:
    ahead = ", ".join(map(str, report.horizons))
    windows = f"{len(report.origins)} windows, {day(report.origins[0])} to {day(report.origins[-1])}"
    head = f"{count(report.segments)} segments · {windows} · {ahead} weeks ahead"
    parts: list[RenderableType] = [title(f"Backtest {short(report.id)}"), Text(head, "dim"), _figures(report)]
    parts += [
        Text(f"{one['segment']} is young, and starts from {one['donor']} in {one['windows']} windows", "dim")
        for one in report.young
    ]
    if report.explained:
        against = f"{report.figures[0]['contender']} against {report.explained[0]['against']}"
        parts += [Text(), title(f"Where the difference comes from: {against}"), _explained(report.explained)]
    if report.drivers:
        parts += [Text(), title("What each is worth"), _drivers(report)]
    if report.segments > 1:
        parts += [Text(), title("MAPE by segment"), _segments(report.by_segment)]
    done = "as it was answered before" if report.again else f"in {duration(report.seconds)}"
    written = f" · rows in {export}" if export else ""
    following = next_steps(
        place,
        (f"experiment compare {short(report.id)}", "where the difference comes from"),
        ("experiment list", "what was tried before"),
    )
    return Group(*parts, Text(), Text(f"{done}{written}", "dim"), Text(), following)


def _figures(report: Backtest) -> RenderableType:
    first = report.figures[0]["contender"]
    inside = {
        name: percent
        for name, percent in (("coverage80", "80 %"), ("coverage95", "95 %"))
        if any(row.get(name) is not None for row in report.figures)
    }
    rows = table(
        "",
        ">MAPE",
        "???",
        f">{first}\nless this, points",
        ">?skill",
        ">??WAPE",
        ">?bias",
        *(f">??in {percent}" for percent in inside.values()),
        ">??moves",
    )
    apart = {one.second: one for one in report.differences}
    moves = {row["contender"]: row["moved"] for row in report.revisions}
    widest = max((row["mape"] or 0.0 for row in report.figures), default=0.0)
    for row in report.figures:
        one = apart.get(row["contender"])
        rows.add_row(
            row["contender"],
            share(row["mape"], gates=[TARGET]),
            bar(row["mape"], widest),
            _points(one) if one else Text(NONE),
            share(row["skill"], gates=[NO_WORSE], signed=True),
            share(row["wape"]),
            share(row["bias"], signed=True),
            *(share(row.get(name)) for name in inside),
            share(moves.get(row["contender"])),
        )
    covers = "in 80 %: of what was sold, inside that interval · " if inside else ""
    notes = (
        f"less this: MAPE of {first} less that of the row, with a 90 % interval over weeks, bold where it leaves 0 out · "
        f"skill: better than the historical mean · {covers}moves: how far a week's forecast moves from one window to the next"
    )
    return Group(rows, Text(notes, "dim"))


def _explained(parts: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The largest parts of a difference, and what share of it each makes."""
    rows = table("", "", ">of all rows", ">first", ">second", ">points", ">of the difference")
    for part in parts:
        rows.add_row(
            ASPECTS[part["aspect"]],
            part["value"],
            share(part["share"]),
            share(part["first"]),
            share(part["second"]),
            _signed(part["contribution"]),
            share(part["of_whole"]),
        )
    return rows


def _points(one: Difference) -> Text:
    """A difference of MAPE in points with its interval; in bold where the interval leaves 0 out."""
    if one.value is None or one.low is None or one.high is None:
        return Text(NONE)
    words = f"{_signed(one.value)} ({_signed(one.low)} … {_signed(one.high)})"
    return Text(words, "bold" if one.low > 0 or one.high < 0 else "")


def _signed(value: float) -> str:
    """A share in points, with its sign; more decimals where two would make 0 of what is not.

    >>> _signed(-0.0029), _signed(0.00004), _signed(0.0)
    ('−0.29', '+0.004', '+0.00')
    """
    decimals = next((d for d in range(2, FINEST) if round(100 * value, d)), 2)
    return f"{100 * value:+.{decimals}f}".replace("-", "−")


def bar(value: float | None, widest: float) -> Text:
    """A bar as long as its value; half a block is the least."""
    halves = round(2 * BAR * (value or 0.0) / widest) if widest else 0
    return Text("█" * (halves // 2) + "▌" * (halves % 2), "blue")


def _drivers(report: Backtest) -> RenderableType:
    rows = table("without", "segment", ">MAPE rises by, points")
    whole = {one.second: one for one in report.differences}
    first = report.figures[0]["contender"]
    for name in dict.fromkeys(driver["without"] for driver in report.drivers):
        one = whole.get(f"{first} without {name}")
        rows.add_row(name, "all", _points(_turned(one)) if one else Text(NONE))
        mine = [
            driver for driver in report.drivers if driver["without"] == name and driver["value"] is not None
        ]
        for driver in sorted(mine, key=lambda driver: -driver["value"])[:WORST]:
            rows.add_row(
                "",
                driver["segment"],
                _points(_Shown(**{k: driver[k] for k in ("second", "value", "low", "high")})),
            )
    return rows


class _Shown:
    """A difference made of plain figures."""

    def __init__(self, second: str, value: float | None, low: float | None, high: float | None) -> None:
        self.second, self.value, self.low, self.high = second, value, low, high


def _turned(one: Difference) -> _Shown:
    """The same difference seen from the other side."""
    value, low, high = (None if x is None else -x for x in (one.value, one.low, one.high))
    return _Shown(one.second, value, high, low)


def _segments(by_segment: Sequence[Mapping[str, Any]]) -> RenderableType:
    whole = (
        row["contender"] for row in by_segment if " with" not in row["contender"]
    )  # variants stand above
    contenders = list(dict.fromkeys(whole))[:BESIDE]
    rows = table("Segment", *(f">{name}" for name in contenders))
    found = {(row["segment"], row["contender"]): row["mape"] for row in by_segment}
    for segment in sorted({row["segment"] for row in by_segment}):
        values = [found.get((segment, name)) for name in contenders]
        best = min((value for value in values if value is not None), default=None)
        cells = [
            Text(share(value, gates=[TARGET]), "bold" if value is not None and value == best else "")
            for value in values
        ]
        rows.add_row(segment, *cells)
    return rows


def listed(experiments: Iterable[Kept]) -> RenderableType:
    rows = table("Experiment", "!when (UTC)", "?who", "kind", "what", ">MAPE")
    for one in experiments:
        figures = one.summary.get("figures", [])
        mape = figures[0]["mape"] if figures else one.summary.get("mape")
        name = one.name if len(one.name) <= NAME else f"{one.name[: NAME - 2]} …"
        rows.add_row(short(one.id), f"{one.at:%Y-%m-%d %H:%M}", one.actor, one.kind, name, share(mape))
    if not rows.row_count:
        return Text("No experiment yet; `fleetcast backtest` makes one.")
    return rows


def searched(report: Search, present: str) -> RenderableType:
    """What a search found; `present` is the recipe of the settings."""
    parts: list[RenderableType] = [title(f"Search for {report.recipe}: {count(len(report.trials))} trials")]
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
            parts += [Text(), Text.assemble(words, _points(confirmed), " points; below 0 it is better")]
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


def compared(found: Comparison) -> RenderableType:
    parts: list[RenderableType] = [
        title(f"{found.first} against {found.second}"),
        Text.assemble("MAPE differs by ", _points(found.difference), " points; below 0 the first is better"),
    ]
    for aspect, words in ASPECTS.items():
        mine = [row for row in found.explained if row["aspect"] == aspect]
        if len(mine) < 2:
            continue
        rows = table(f"by {words}", ">rows", ">first", ">second", ">of the difference, points")
        most = sorted(mine, key=lambda row: -abs(row["contribution"]))[:LONGEST]
        shown = {row["value"] for row in most}
        for row in (row for row in mine if row["value"] in shown):
            rows.add_row(
                row["value"],
                share(row["share"]),
                share(row["first"]),
                share(row["second"]),
                _signed(row["contribution"]),
            )
        parts += [Text(), rows]
        if len(mine) > LONGEST:
            parts.append(Text(f"and {len(mine) - LONGEST} that make less of it", "dim"))
    return Group(*parts)
