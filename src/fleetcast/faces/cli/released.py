"""Releases and the audit log on paper: what serves, what changed, who moved the pointer."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, day, share, short
from fleetcast.faces.cli.paper import ILL, TARGET, WELL, Place, next_steps, table
from fleetcast.fleet.report import (
    Approved,
    Lifted,
    Move,
    PackageChange,
    Quarantined,
    ReleaseLine,
    ReleasePlan,
    ReleaseView,
)

if TYPE_CHECKING:
    from fleetcast.ledger.audit import AuditRecord, Verification

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


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
    odd = Text("\n").join(ILL.text(f"{segment}: {what}") for segment, what in view.disagreements.items())
    return Group(releases([view.line]), "", rows, "", lineage, *(("", odd) if view.disagreements else ()))


def approved(given: Approved, place: Place) -> Group:
    decision = given.decision
    said = f"{given.person} approved release {short(given.release)} for {given.environment}."
    needs = f"It needs {decision.needed} approvals, and has {len(decision.approvers)}: {', '.join(decision.approvers)}."
    step = (
        (f"cd promote {short(given.release)}", "make it live")
        if decision.allowed
        else (f"release approve {short(given.release)} --key FILE", "the next person's signature")
    )
    return Group(WELL.text(said), Text(needs), "", next_steps(place, step))


def quarantined(done: Quarantined, place: Place) -> Group:
    rows = table("Segment", "Served by now")
    for segment, model in sorted(done.served.items()):
        rows.add_row(segment, model)
    told = WELL.text(f"{done.model} is refused for good.")
    served: RenderableType = rows if done.served else Text("It served nothing.")
    steps = next_steps(
        place,
        ("score", "forecasts without it"),
        ("train", "train its segments anew"),
        ("audit log", "who did what"),
    )
    return Group(told, "", served, "", steps)


def plan(made: ReleasePlan, place: Place) -> Group:
    """What a release would change: first in a sentence, then segment by segment, then who has to agree."""
    against = short(made.before) if made.before else "nothing, which is what is live"
    changed = ", ".join(made.changes) or ("nothing" if made.before else "everything: it is the first")
    head = Text(
        f"Release {short(made.after)} ({made.kind}, data up to {day(made.cutoff)}) against {against}."
    )
    facts = table(None, None)
    facts.add_row("changed", changed)
    facts.add_row("segments", f"{len(made.segments)} of {made.of} are served by another model")
    facts.add_row("forecast volume", NONE if made.volume is None else share(made.volume, signed=True))
    if made.packages:
        facts.add_row("packages", ", ".join(_package(package) for package in made.packages))
    before = "" if made.cpu_seconds_before is None else f", {made.cpu_seconds_before:,.0f} before"
    facts.add_row("training took", f"{made.cpu_seconds:,.0f} CPU s{before}")
    parts: list[RenderableType] = [head, "", facts, "", _segments(made)]
    if made.decision is None:
        return Group(*parts)
    mark = WELL if made.decision.allowed else ILL
    needs = f"needs {made.decision.needed} approvals: " if made.decision.needed else ""
    after = short(made.after)
    steps = next_steps(
        place,
        (f"release approve {after} --key FILE", "sign that it may become live"),
        (f"cd promote {after}", "make it live, if policy allows it"),
    )
    return Group(*parts, "", mark.text(f"{needs}{made.decision.why}"), "", steps)


def _package(change: PackageChange) -> str:
    return f"{change.package} {change.before or 'none'} → {change.after or 'none'}"


def _segments(made: ReleasePlan) -> RenderableType:
    if not made.segments:
        return Text("Both serve every segment with the same model.")
    rows = table(
        "Segment", "?Before", "After", ">MAPE before", ">MAPE after", ">?Units before", ">?Units after"
    )
    for change in made.segments:
        before, after = made.errors.get(change.segment, (None, None))
        ours, theirs = made.volumes.get(change.segment, (None, None))
        known = change.after.mape if change.after else None
        rows.add_row(
            change.segment,
            change.before.model if change.before else NONE,
            change.after.model if change.after else NONE,
            share(before, gates=[TARGET]),
            share(known if after is None else after, gates=[TARGET]),
            NONE if theirs is None else f"{theirs:,.0f}",
            NONE if ours is None else f"{ours:,.0f}",
        )
    return rows


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


def lifted(done: Lifted, place: Place) -> Group:
    said = WELL.text(f"{done.environment}: the hold of the week of {day(done.cycle)} is lifted.")
    week = f"run --week {done.cycle}" if place.environment == "dev" else "cd score"
    return Group(said, "", next_steps(place, (week, "the week again, published as failover makes it")))


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
            shortened(record.subject)
            + (f" → {short(record.after)}" if DIGEST.fullmatch(record.after or "") else ""),
            record.reason,
            short(record.hash),
        )
    return rows


def shortened(words: str) -> str:
    """Text with its digests cut to what tells them apart."""
    return DIGEST.sub(lambda found: short(found[0]), words)


def verification(answer: "Verification") -> Text:
    if answer.ok:
        return WELL.text(f"{count(answer.records)} records, each sealed by the one before it")
    return ILL.text(f"the chain is broken after {count(answer.records)} good records: {answer.reason}")
