"""Answers to questions about what is there: plans, the fleet as it stands, tables, health."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli import render
from fleetcast.faces.cli.figures import NONE, count, day, figure, share, short
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import (
    ILL,
    NO_WORSE,
    STALE,
    TARGET,
    WELL,
    Place,
    next_steps,
    served,
    table,
    title,
)
from fleetcast.fleet.clustering import Clustered
from fleetcast.fleet.report import (
    Check,
    Pinned,
    TableChange,
    TableVersion,
)

_DEAREST = 10  # models shown; `--json` has all

if TYPE_CHECKING:
    from fleetcast.fleet.costs import Costs
    from fleetcast.fleet.plan import Decision


def plan(decisions: Sequence["Decision"]) -> Group:
    rows = table("Segment", "", "Why")
    for decision in decisions:
        mark = Text("retrain") if decision.retrain else Text("keep", "dim")
        rows.add_row(decision.segment, mark, decision.reason)
    chosen = sum(decision.retrain for decision in decisions)
    return Group(Text(f"{count(chosen)} of {count(len(decisions))} models would be retrained."), rows)


def costs(found: "Costs") -> Group:
    """Step by step, then the models that took most."""
    if not found.steps:
        return Group(Text(f"{found.cycle} was run before costs were kept; the next week's are."))
    priced = found.money is not None
    money = (">Money",) if priced else ()
    steps = table("Step", ">Parts", ">CPU s", ">Seconds", ">Longest part", ">Peak MB", *money)
    for step in found.steps:
        figures = (step.cpu_seconds, step.wall_seconds, step.longest_seconds)
        steps.add_row(
            step.step,
            count(step.parts),
            *(figure(value, 1) for value in figures),
            count(round(step.peak_mb)),
            *([figure(step.money or 0.0, 2)] if priced else []),
        )
    whole = f"{figure(found.cpu_seconds, 1)} CPU seconds"
    if found.money is not None:
        whole += f", {figure(found.money, 2)} in money"
    parts: list[RenderableType] = [Text.assemble((found.cycle, "bold"), f" · {whole}"), steps]
    if found.models:
        models = table("Model", ">Rows", ">CPU s", *money)
        for model in found.models[:_DEAREST]:
            paid = [figure(model.money or 0.0, 4)] if priced else []
            models.add_row(model.model, count(model.rows), figure(model.cpu_seconds, 2), *paid)
        parts += ["", title(f"Models that took most, of {count(len(found.models))}"), models]
    if not priced:
        hint = "For money, say what a CPU hour costs: price_per_cpu_hour in [execution]."
        parts += ["", Text(hint, "dim")]
    return Group(*parts)


def status(answer: Mapping[str, Any]) -> Group:
    """The same facts as `status --json`, for a person."""
    if answer["release"] is None:
        return Group(
            Text.assemble(
                (answer["environment"], "bold"), " · nothing released yet; `fleetcast run` does a week"
            )
        )
    segments, series, metrics = answer["segments"], answer["series"], answer["metrics"]
    rows = table(None, None)
    rows.add_row("week", answer["cycle"])
    rows.add_row("release", short(answer["release"]))
    rows.add_row(
        "ensembles", f"{segments['passed']} passed, {segments['failed']} did not, of {segments['ensembles']}"
    )
    rows.add_row("baselines", count(segments["baselines"]))
    rows.add_row("series", _completeness(series))
    rows.add_row("served by", served(answer["failover"]))
    if held := answer["held"]:
        rows.add_row("held", ILL.text(f"since {held.since:%Y-%m-%d %H:%M}: {held.reason}"))
    if answer["unclustered"]:
        rows.add_row("without a cluster", ILL.text(f"{count(answer['unclustered'])} stores"))
    if answer["without_pool"]:
        rows.add_row("without their pool", ILL.text(f"{count(answer['without_pool'])} series"))
    if far := answer["long_term"]:
        rows.add_row("long term", _long_term(far))
    rows.add_row("MAPE", share(metrics["mape"], gates=[TARGET]))
    rows.add_row("WAPE", share(metrics["wape"]))
    rows.add_row("bias", share(metrics["bias"], signed=True))
    rows.add_row("better than baseline", share(metrics["skill"], gates=[NO_WORSE], signed=True))
    age = (
        STALE.text("stale: its models were trained too long before the scoring")
        if answer["stale"]
        else WELL.text("fresh")
    )
    rows.add_row("models", age)
    parts: list[RenderableType] = [Text(answer["environment"], "bold"), rows]
    if answer["failed_over"]:
        parts += ["", render.failed_over(answer["failed_over"])]
    return Group(*parts)


def _long_term(far: Mapping[str, Any]) -> str:
    segments, series = far["segments"], far["series"]
    return (
        f"{count(segments['passed'])} of {count(segments['ensembles'])} models passed; "
        f"{count(series['published'])} of {count(series['active'])} series published by {served(far['failover'])}"
    )


def _completeness(series: Mapping[str, int]) -> str:
    parts = ", ".join(f"{count(series[part])} {part}" for part in ("published", "coded", "missing"))
    return f"{parts}, of {count(series['active'])} active"


def clusters(found: Clustered) -> Group:
    rows = table("Cluster", ">Stores")
    for name, stores in found.stores.items():
        rows.add_row(name, count(stores))
    parts: list[RenderableType] = [rows, "", Text(f"{found.path}, valid from {day(found.valid_from)} on")]
    if found.entry:
        parts += ["", title("What to add to fleetcast.toml"), Text(found.entry.strip())]
        parts += [
            "",
            Text('Then let them be a segment key, as [segments] keys = ["region", "cluster", "mover"].'),
        ]
    return Group(*parts)


def versions(tables: Sequence[TableVersion]) -> RenderableType:
    if not tables:
        return Text("No table has rows yet; `fleetcast condition` takes raw files in.")
    rows = table("Table", "?Version", ">Rows", "!First week", "!Last week")
    for line in tables:
        rows.add_row(line.table, short(line.version), count(line.rows), line.first or NONE, line.last or NONE)
    return rows


def data_changes(changes: Sequence[TableChange]) -> RenderableType:
    if not changes:
        return Text("Nothing changed in any table.")
    rows = table(
        "Table", "Change", ">Rows before", ">Rows after", "Weeks touched", ">?Known weeks", ">?Segments"
    )
    for change in changes:
        rows.add_row(
            change.table,
            change.kind,
            count(change.rows_before),
            count(change.rows_after),
            _span(change.weeks),
            share(change.moved, signed=True),
            count(change.segments),
        )
    return rows


def pinned(found: Pinned, place: Place) -> Group:
    """What was pinned, where, and what it changes."""
    digest = short(found.snapshot)
    if found.same:
        return Group(WELL.text(f"data.lock pins {digest} already: nothing is new."))
    where = f"on the branch {found.branch}" if found.branch else "in data.lock"
    told: list[RenderableType] = [WELL.text(f"The data of {found.week} are pinned {where}: {digest}.")]
    if found.changes:
        told += ["", data_changes(found.changes)]
    if found.blocking:
        told += ["", Text("Somebody has to look at:"), *(ILL.text(reason) for reason in found.blocking)]
    steps = next_steps(place, ("data diff", "what changes with it, table by table"))
    push = Text(f"git push origin {found.branch}    and open its pull request") if found.branch else Text()
    return Group(*told, "", push, "", steps)


def acknowledged(digest: str, place: Place) -> Group:
    return Group(
        WELL.text(f"Data {short(digest)} may be read in {place.environment}."),
        "",
        next_steps(place, ("run", "the week, with these data"), ("audit log", "who let what pass")),
    )


def _span(weeks: Sequence[str]) -> str:
    if len(weeks) <= 3:
        return ", ".join(weeks) or NONE
    return f"{len(weeks)}, from {weeks[0]} to {weeks[-1]}"


def exported(paths: Sequence[Path]) -> Text:
    return Text("\n").join(Text(str(path)) for path in paths)


def checks(found: Iterable[Check]) -> Table:
    lines = list(found)
    advised = any(check.instead for check in lines if not check.well)
    rows = table("", "What", "Found", *(["What to do"] if advised else []))
    for check in lines:
        instead = [check.instead] if advised else []
        rows.add_row((WELL if check.well else ILL).text(), check.name, check.detail, *instead)
    return rows
