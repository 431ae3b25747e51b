"""What a cycle did, as a person wants to see it: the fleet by region, what did not pass and why, what to do next."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli import ingested
from fleetcast.faces.cli.figures import count, day, duration, share, short
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import (
    ILL,
    MARKS,
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
from fleetcast.fleet.report import (
    CycleReport,
    FailedOver,
    Fired,
    LongTermLines,
    RegionLine,
    SegmentVerdict,
    SourceLine,
    State,
)

HELD = (
    ("status --incidents", "what else is wrong: a hold has one cause"),
    (
        "release rollback --reason WHY",
        "go back to the release before, if it is this one; then do the week again",
    ),
    ("release lift --reason WHY", "let failover do its work, if its cause is known; then do the week again"),
)


def fired(found: Fired, *, workspace: str) -> Group:
    """What a trigger led to: the week it started, or why it started none."""
    if found.report is None:
        return Group(Text.assemble("Nothing to do: ", found.reason, "."))
    return Group(Text.assemble(found.reason, "."), "", cycle(found.report, workspace=workspace))


def cycle(report: CycleReport, *, workspace: str) -> Group:
    """Everything a person wants to know when the week is done."""
    parts: list[RenderableType] = [_heading(report), ""]
    if report.sources:
        parts += [title("What came in"), sources(report.sources), *ingested.troubles(report.intake), ""]
    if report.regions:
        parts += [title("The fleet by region"), fleet(report.regions), _legend(), ""]
    if report.verdicts:
        parts += [title("The gate"), _gate_sentence(report)]
        parts += [not_passed(report.verdicts), ""] if report.failed else [""]
    if report.series.active:
        parts += [title("The forecasts"), _series_sentence(report)]
        parts += [failed_over(report.failed_over), ""] if report.failed_over else [""]
    if report.long_term:
        parts += [title("The long term"), *_long_term(report.long_term), ""]
    parts += [title("Where things are"), files(report.files), ""]
    parts.append(_next(report, Place(workspace, report.environment)))
    return Group(*parts)


def _heading(report: CycleReport) -> Text:
    heading = Text.assemble((f"Week of {day(report.cycle)}", "bold"), f" · {report.environment}")
    if report.weeks:
        until = "" if len(report.weeks) == 1 else f" to {day(report.weeks[-1])}"
        heading.append(f" · forecasts for the weeks of {day(report.weeks[0])}{until}")
    heading.append(f" · {duration(report.seconds)}")
    if report.unchanged:
        heading.append("\nThis week had been done with exactly these inputs: nothing changed.")
    elif report.resumed:
        heading.append("\nThe run before this one had been cut off: what it had finished was taken over.")
    if report.held:
        told = f"held: what was published last stays. {report.held.reason}"
        heading.append_text(Text.assemble("\n", ILL.text(told)))
    if report.stale:
        heading.append_text(
            Text.assemble("\n", STALE.text("stale: models were trained too long before this scoring"))
        )
    return heading


def fleet(regions: Sequence[RegionLine]) -> Table:
    """One row per region."""
    rows = table(
        "Region",
        "Ensembles",
        "",
        ">MAPE",
        ">Better than\nbaseline",
        ">?Bias",
        ">Series\npublished",
        "Served by",
    )
    for line in regions:
        rows.add_row(
            line.region,
            shapes(line.states),
            _states_in_words(line.states),
            share(line.mape, gates=[TARGET]),
            share(line.skill, gates=[NO_WORSE], signed=True),
            share(line.bias, signed=True),
            f"{count(line.published)} of {count(line.series)}",
            served(line.failover),
        )
    return rows


def shapes(states: Iterable[State]) -> Text:
    return Text.assemble(*((MARKS[state].shape, MARKS[state].colour) for state in states))


def _states_in_words(states: Sequence[State]) -> str:
    found = Counter(states)
    return ", ".join(f"{found[state]} {mark.word}" for state, mark in MARKS.items() if found[state])


def _legend() -> Text:
    return Text("  ").join(mark.text() for mark in MARKS.values())


def _gate_sentence(report: CycleReport) -> Text:
    sentence = Text.assemble(
        (f"{count(report.passed)} of {count(len(report.verdicts))}", "bold"),
        f" ensembles passed, each against its own of {count(report.baselines)} baselines; target MAPE {share(TARGET)}.",
    )
    if not report.quorum:
        sentence.append_text(
            Text.assemble(
                "\n", ILL.text("Too few segments passed: nothing was promoted, the live release stays.")
            )
        )
    elif report.release and not report.promoted:
        waits = f"approval: {report.awaiting}" if report.awaiting else "promotion"
        waits = "people's decision: the week is held" if report.held else waits
        sentence.append(f"\nRelease {short(report.release)} awaits {waits}.")
    elif report.release:
        sentence.append(f"\nRelease {short(report.release)} is live.")
    return sentence


def not_passed(verdicts: Iterable[SegmentVerdict]) -> Table:
    """What did not pass, why, and what serves it instead."""
    rows = table("What did not pass", "!", ">MAPE", ">Limit", ">?Baseline", ">?Bias", "Why", "Served by")
    for verdict in verdicts:
        if verdict.state == "passed":
            continue
        limit = [verdict.limit]
        rows.add_row(
            verdict.segment,
            MARKS[verdict.state].text(),
            share(verdict.mape, gates=limit),
            share(verdict.limit),
            share(verdict.baseline_mape, gates=[verdict.mape] if verdict.mape is not None else []),
            share(verdict.bias, gates=[-verdict.bias_limit, verdict.bias_limit], signed=True),
            verdict.reason,
            verdict.served_by.replace("_", " "),
        )
    return rows


def _series_sentence(report: CycleReport) -> Text:
    series = report.series
    sentence = Text.assemble(
        (f"{count(series.published)} of {count(series.active)}", "bold"),
        " active series published",
        f"; {count(series.coded)} without a forecast, each for a coded reason." if series.coded else ".",
        f"\nServed by: {served(report.failover)}.",
    )
    if report.without_pool:
        sentence.append_text(
            Text.assemble(
                "\n",
                ILL.text(
                    f"{count(report.without_pool)} series were forecast without their pool: it is lost."
                ),
            )
        )
    if report.unclustered:
        stores = "store" if report.unclustered == 1 else "stores"
        told = (
            f"{count(report.unclustered)} {stores} without a cluster: in segments of their own, unclustered."
        )
        sentence.append_text(Text.assemble("\n", ILL.text(told)))
    if series.missing:
        sentence.append_text(
            Text.assemble("\n", ILL.text(f"{count(series.missing)} series are missing without a reason."))
        )
    return sentence


def failed_over(segments: Iterable[FailedOver]) -> Table:
    """Whose champion does not serve, or not yet again."""
    rows = table("Not served by its champion", "!Since", "Why", "Served by")
    for one in segments:
        good = (
            f", good {count(one.good)} times in a row" if one.good > 1 else ", good once" if one.good else ""
        )
        served_by = one.served_by.replace("_", " ")
        rows.add_row(one.segment, day(one.since), one.reason.replace("_", " ") + good, served_by)
    return rows


def _long_term(far: LongTermLines) -> list[RenderableType]:
    ahead = (
        f"from {day(far.weeks[0])} to {day(far.weeks[-1])}"
        if len(far.weeks) > 1
        else f"of {day(far.weeks[0])}"
    )
    sentence = Text.assemble(
        (f"{count(far.passed)} of {count(len(far.verdicts))}", "bold"),
        f" long-term models passed; {count(far.series.published)} of {count(far.series.active)} active series published"
        f" for {count(len(far.weeks))} weeks {ahead}.\nServed by: {served(far.failover)}.",
    )
    return [sentence] if far.passed == len(far.verdicts) else [sentence, not_passed(far.verdicts)]


def sources(lines: Iterable[SourceLine]) -> Table:
    """Conservation, source by source."""
    rows = table("Source", ">?Files", ">Rows in", ">Accepted", ">Set aside", ">Doubled", "!")
    for line in lines:
        closes = WELL.text("adds up") if line.closes else ILL.text("does not add up")
        rows.add_row(
            line.source,
            *map(count, (line.files, line.rows, line.accepted, line.quarantined, line.duplicates)),
            closes,
        )
    return rows


def files(places: Mapping[str, Path], here: Path | None = None) -> Table:
    """What is where, as seen from the folder the person stands in."""
    here = here or Path.cwd()
    rows = table(None, None)
    for what, where in places.items():
        rows.add_row(what, str(where.relative_to(here) if where.is_relative_to(here) else where))
    return rows


def _next(report: CycleReport, place: Place) -> Group:
    """Commands that answer the questions a person has now."""
    if not report.release:
        return next_steps(
            place,
            ("run", "the whole week: train, judge, release, forecast"),
            ("data versions", "what the tables hold"),
            ("plan", "which segments would be trained, and why"),
        )
    orders = [
        ("export orders", "the order quantities of the coming week"),
        ("orders replay", "what orders like these would have cost and saved"),
    ]
    waits = report.quorum and not report.promoted
    approve = f"release approve {short(report.release)} --key FILE"
    promote = [(approve, "sign that it may become live")] if waits and report.awaiting else []
    if report.held:
        return next_steps(place, *HELD)
    promote += [(f"release promote {short(report.release)}", "make the new release live")] if waits else []
    return next_steps(
        place,
        *promote,
        ("status", "the fleet in one screen"),
        ("serve", "the fleet in a browser"),
        ("release show", "which model serves which segment, and why"),
        *(orders if report.series.published else [("score", "forecasts by the live release")]),
        ("export tables", "forecasts and all other tables as files"),
        ("audit log", "who did what, and why"),
        ("run", "the next week, when its files are there"),
    )
