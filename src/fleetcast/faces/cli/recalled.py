"""Answers to auditors on paper."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, counted, day, share, short
from fleetcast.faces.cli.paper import ILL, WELL, table, title
from fleetcast.faces.cli.released import shortened

if TYPE_CHECKING:
    from fleetcast.fleet.evidence import Written
    from fleetcast.fleet.recall import Deed, Live, Made, Use
    from fleetcast.fleet.recall_weeks import CloseCall, FailedOver, Latency


def live(found: "Live") -> RenderableType:
    if found.release is None or found.moved is None:
        return Text(f"Nothing was live at {when(found.at)}; the first release was at {when(found.until)}.")
    until = f"until {when(found.until)}" if found.until else "until now"
    said = Text.assemble(
        WELL.text(f"{short(found.release)} was live at {when(found.at)}"),
        f": from {when(found.moved.at)} {until}. {_did(found.moved)}.",
    )
    rows = table("Segment", "Model")
    for segment, model in found.serving.items():
        rows.add_row(segment, model)
    return Group(said, "", rows)


def made(found: "Made") -> RenderableType:
    row = found.row
    facts = table(None, None)
    facts.add_row(
        "forecast", f"{row['week']} {row['store']} {row['product']}: {row['median']:.1f} units (median)"
    )
    facts.add_row(
        "made", f"in cycle {row['cycle']}, {row['horizon']} ahead, by the {row['failover'].replace('_', ' ')}"
    )
    trained = f", trained {when(found.trained_at)}" if found.trained_at else ""
    facts.add_row("model", f"{found.model or NONE}{trained}")
    for name in ("release", "code", "lock", "settings", "snapshot"):
        facts.add_row(name, short(getattr(found, name)))
    for name, version in found.tables.items():
        facts.add_row(f"table {name}", short(version))
    approvals = [_did(one) for one in found.approvals] or ["by nobody: none is recorded"]
    people = [("approved", said) for said in approvals] + [("made live", _did(one)) for one in found.promoted]
    for what, who in people:
        facts.add_row(what, who)
    return facts


def _did(deed: "Deed") -> str:
    by = f"policy {deed.policy}, run by {deed.actor}" if deed.policy else deed.actor
    return f"by {by} at {when(deed.at)}" + (f": {deed.reason}" if deed.reason else "")


def uses(found: Sequence["Use"], asked: str) -> RenderableType:
    if not found:
        return Text(f"No release used {asked}.")
    rows = table("Release", "!", "!Uses it", ">Models", "Versions", "Kind", "!Data up to")
    for one in found:
        rows.add_row(
            short(one.release),
            WELL.text("live") if one.live else "",
            one.answer,
            count(one.models) if one.answer == "yes" else NONE,
            shortened(", ".join(one.versions)) or NONE,
            one.kind,
            day(one.cutoff),
        )
    unknown = sum(one.answer == "unknown" for one in found)
    said = f"Of {counted(unknown, 'release')} nobody can say: what they were made from was not kept yet."
    return Group(rows, "", Text(said)) if unknown else rows


def deeds(found: Sequence["Deed"]) -> RenderableType:
    if not found:
        return Text("Nobody did anything by hand.")
    rows = table(">#", "!When (UTC)", "Who", "What", "On", "Why")
    for deed in found:
        on = shortened(deed.subject) + (f" → {shortened(deed.after)}" if deed.after else "")
        rows.add_row(
            str(deed.seq), f"{deed.at:%Y-%m-%d %H:%M:%S}", deed.actor, deed.action, on, deed.reason or NONE
        )
    return rows


def latency(found: Sequence["Latency"]) -> RenderableType:
    if not found:
        return Text("Nothing was published yet.")
    rows = table(
        "Cycle",
        "!Newest file",
        "!?Derived",
        "!?Trained",
        "!?Released",
        "!Published",
        ">From file",
        "!In time",
    )
    for one in found:
        took = str(timedelta(seconds=round(one.seconds))) if one.seconds is not None else NONE
        moments = (one.received, one.derived, one.trained, one.released, one.published)
        in_time = NONE if one.in_time is None else WELL.text("yes") if one.in_time else ILL.text("no")
        rows.add_row(one.cycle, *map(when, moments), took, in_time)
    return rows


def failover(found: Sequence["FailedOver"]) -> RenderableType:
    if not found:
        return Text("Champions forecast everything.")
    rows = table("Segment", "Served by", "Why", ">Series", ">?Rows", "?Models")
    for one in found:
        models = ", ".join(one.models) or NONE
        rows.add_row(
            one.segment, one.state.replace("_", " "), one.reason, count(one.series), count(one.rows), models
        )
    return rows


def close_calls(found: Sequence["CloseCall"]) -> RenderableType:
    if not found:
        return Text("No decision was so close.")
    rows = table("Model", "!Check", "!", ">Away by", "In words")
    for one in found:
        mark = WELL.text("passed") if one.passed else ILL.text("failed")
        rows.add_row(one.model, one.check, mark, share(one.distance), one.text)
    return rows


def exported(written: "Written") -> RenderableType:
    said = (
        f"{counted(written.records, 'audit record')}, {counted(written.manifests, 'manifest')},"
        f" {counted(written.publications, 'publication')} and {counted(written.contents, 'content')} in {written.target}"
    )
    return Group(
        WELL.text(said),
        Text(f"Its head is record {written.head_seq}: {written.head_hash}"),
        "",
        title("What the auditor types there"),
        Text(f"python verify.py --head {written.head_hash}"),
    )


def when(moment: datetime | None) -> str:
    return NONE if moment is None else f"{moment:%Y-%m-%d %H:%M}"
