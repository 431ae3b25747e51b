"""Answers to questions about what is there: plans, releases, audit, data, health."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, day, share, short
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
    Member,
    Move,
    ReleaseChange,
    ReleaseLine,
    ReleaseView,
    TableChange,
    TableVersion,
)

if TYPE_CHECKING:
    from fleetcast.fleet.plan import Decision
    from fleetcast.ledger.audit import AuditRecord, Verification

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def plan(decisions: Sequence["Decision"]) -> Group:
    rows = table("Segment", "", "Why")
    for decision in decisions:
        mark = Text("retrain") if decision.retrain else Text("keep", "dim")
        rows.add_row(decision.segment, mark, decision.reason)
    chosen = sum(decision.retrain for decision in decisions)
    return Group(Text(f"{count(chosen)} of {count(len(decisions))} models would be retrained."), rows)


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
    return Group(Text(answer["environment"], "bold"), rows)


def _long_term(far: Mapping[str, Any]) -> str:
    segments, series = far["segments"], far["series"]
    return (
        f"{count(segments['passed'])} of {count(segments['ensembles'])} models passed; "
        f"{count(series['published'])} of {count(series['active'])} series published by {served(far['failover'])}"
    )


def _completeness(series: Mapping[str, int]) -> str:
    parts = ", ".join(f"{count(series[part])} {part}" for part in ("published", "coded", "missing"))
    return f"{parts}, of {count(series['active'])} active"


def releases(lines: Sequence[ReleaseLine]) -> RenderableType:
    if not lines:
        return Text("Nothing released yet.")
    rows = table("Release", "!", "Kind", "!Data up to", ">Ensembles", ">Baselines", "?Parent")
    for line in lines:
        live = WELL.text("live") if line.live else Text()
        rows.add_row(
            short(line.release),
            live,
            line.kind,
            day(line.cutoff),
            count(line.models),
            count(line.baselines),
            short(line.parent),
        )
    return rows


def release(view: ReleaseView) -> Group:
    pooled = any(member.pool for member in view.members)
    young = any(member.donor for member in view.members)
    beside = [*(["??Pool"] if pooled else []), *(["??Started from"] if young else [])]
    rows = table("Segment", "?Served by", "Model", *beside, ">MAPE", "Why")
    for member in view.members:
        rows.add_row(
            member.segment,
            member.serving,
            member.model,
            *([member.pool or NONE] if pooled else []),
            *([member.donor or NONE] if young else []),
            share(member.mape, gates=[TARGET]),
            member.reason,
        )
    lineage = table(None, None)
    for part, digest in view.lineage.items():
        lineage.add_row(part, short(digest))
    return Group(releases([view.line]), "", rows, "", lineage)


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


def release_changes(changes: Sequence[ReleaseChange]) -> RenderableType:
    if not changes:
        return Text("Both serve every segment with the same model.")
    rows = table("Segment", "Before", ">?MAPE", "After", ">?MAPE")
    for change in changes:
        rows.add_row(change.segment, *_member(change.before), *_member(change.after))
    return rows


def _member(member: Member | None) -> tuple[str, str]:
    return (member.model, share(member.mape, gates=[TARGET])) if member else (NONE, NONE)


def moved(move: Move, place: Place) -> RenderableType:
    if move.before == move.after:
        return Text(f"{move.environment}: {short(move.after)} is live already; nothing changed.")
    said = Text(f"{move.environment}: {short(move.before)} → {short(move.after)} is live.")
    compare = (
        [(f"release diff {short(move.before)} {short(move.after)}", "what it serves otherwise")]
        if move.before
        else []
    )
    following = next_steps(
        place, ("score", "the week's forecasts and orders anew, by the release that is live"), *compare
    )
    return Group(said, "", following)


def audit(records: Sequence["AuditRecord"]) -> RenderableType:
    if not records:
        return Text("Nothing happened yet.")
    rows = table(">#", "!When (UTC)", "Who", "What", "On", "Why", "?Seal")
    for record in records:
        when = f"{record.at:%Y-%m-%d %H:%M:%S}"
        rows.add_row(
            str(record.seq),
            when,
            record.actor,
            record.action,
            _shortened(record.subject)
            + (f" → {short(record.after)}" if DIGEST.fullmatch(record.after or "") else ""),
            record.reason,
            short(record.hash),
        )
    return rows


def _shortened(words: str) -> str:
    """Text with its digests cut to what tells them apart."""
    return DIGEST.sub(lambda found: short(found[0]), words)


def verification(answer: "Verification") -> Text:
    if answer.ok:
        return WELL.text(f"{count(answer.records)} records, each sealed by the one before it")
    return ILL.text(f"the chain is broken after {count(answer.records)} good records: {answer.reason}")


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
    rows = table("Table", "Change", ">Rows before", ">Rows after", "Weeks touched")
    for change in changes:
        rows.add_row(
            change.table,
            change.kind,
            count(change.rows_before),
            count(change.rows_after),
            _span(change.weeks),
        )
    return rows


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
