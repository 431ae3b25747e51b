"""What backtests and comparisons look like on paper."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, counted, day, duration, share, short
from fleetcast.faces.cli.paper import NO_WORSE, TARGET, Place, next_steps, table, title

if TYPE_CHECKING:
    from fleetcast.fleet.backtests import BacktestReport
    from fleetcast.fleet.experiments import Comparison
    from fleetcast.ledger.experiments import Experiment

FINEST = 6  # decimals of a point
NAME = 60  # characters of an experiment's name in a list
BAR = 10  # columns of the widest bar
BESIDE = 4  # contenders that fit beside each other in a table by segment
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


def backtest(report: "BacktestReport", export: Path | None, place: Place) -> Group:
    ahead, weeks = ", ".join(map(str, report.horizons)), "week" if report.horizons == (1,) else "weeks"
    windows = (
        f"{counted(len(report.origins), 'window')}, {day(report.origins[0])} to {day(report.origins[-1])}"
    )
    head = f"{counted(report.segments, 'segment')} · {windows} · {ahead} {weeks} ahead"
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


def _figures(report: "BacktestReport") -> RenderableType:
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
            points(one.value, one.low, one.high) if one else Text(NONE),
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


def points(value: float | None, low: float | None, high: float | None) -> Text:
    """A difference of MAPE in points with its interval; in bold where the interval leaves 0 out."""
    if value is None or low is None or high is None:
        return Text(NONE)
    words = f"{_signed(value)} ({_signed(low)} … {_signed(high)})"
    return Text(words, "bold" if low > 0 or high < 0 else "")


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


def _drivers(report: "BacktestReport") -> RenderableType:
    rows = table("without", "segment", ">MAPE rises by, points")
    whole = {one.second: one for one in report.differences}
    first = report.figures[0]["contender"]
    for name in dict.fromkeys(driver["without"] for driver in report.drivers):
        one = whole.get(f"{first} without {name}")
        lost = (_less(one.value), _less(one.high), _less(one.low)) if one else (None, None, None)
        rows.add_row(name, "all", points(*lost))
        mine = [
            driver for driver in report.drivers if driver["without"] == name and driver["value"] is not None
        ]
        for driver in sorted(mine, key=lambda driver: -driver["value"])[:WORST]:
            rows.add_row("", driver["segment"], points(driver["value"], driver["low"], driver["high"]))
    return rows


def _less(value: float | None) -> float | None:
    return None if value is None else -value


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


def listed(experiments: Iterable["Experiment"]) -> RenderableType:
    rows = table("Experiment", "!when (UTC)", "?who", "kind", "what", ">MAPE")
    for one in experiments:
        figures = one.summary.get("figures", [])
        mape = figures[0]["mape"] if figures else one.summary.get("mape")
        name = one.name if len(one.name) <= NAME else f"{one.name[: NAME - 2]} …"
        rows.add_row(short(one.id), f"{one.at:%Y-%m-%d %H:%M}", one.actor, one.kind, name, share(mape))
    if not rows.row_count:
        return Text("No experiment yet; `fleetcast backtest` makes one.")
    return rows


def compared(found: "Comparison") -> RenderableType:
    whole = found.difference
    parts: list[RenderableType] = [
        title(f"{found.first} against {found.second}"),
        Text.assemble(
            "MAPE differs by ",
            points(whole.value, whole.low, whole.high),
            " points; below 0 the first is better",
        ),
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
