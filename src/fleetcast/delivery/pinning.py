"""`data pin`: what a run reads, as a file in Git, and its difference as the text of a branch."""

from dataclasses import replace

from fleetcast.delivery import git
from fleetcast.domain.week import label
from fleetcast.fleet import pins
from fleetcast.fleet.report import Pinned
from fleetcast.workspace import Workspace


def pin(w: Workspace, *, branch: bool) -> Pinned:
    """Write `data.lock`; on a `branch` of its own, the folder's files stay as they are, and its commit tells the difference."""
    found = pins.pinned(w)
    if found.same:
        return found
    if not branch:
        pins.path(w).write_text(found.text, "utf-8")
        return found
    name = f"data/{label(found.week)}-{found.snapshot[:8]}"
    git.commit_beside(w.folder, name, pins.LOCK_FILE, found.text.encode(), message(found))
    return replace(found, branch=name)


def message(found: Pinned) -> str:
    """The text of a data pull request: its first line, what changed table by table, and what has to be looked at."""
    lines = [f"Data of {label(found.week)}: {found.snapshot[:12]}", ""]
    if found.changes:
        lines += ["| table | change | rows before | rows now | segments |", "|---|---|---:|---:|---:|"]
    for change in found.changes:
        lines.append(
            f"| {change.table} | {change.sentence} | {change.rows_before:,} | {change.rows_after:,} | {change.segments} |"
        )
    shifts = [(change.table, column) for change in found.changes for column in change.columns]
    lines += [""] if shifts else []
    lines += [
        f"- {table}.{column.column} of known weeks: {column.before:,.0f} → {column.after:,.0f}, shift {column.shift:.2f}"
        for table, column in shifts
    ]
    if found.blocking:
        lines += ["", "Somebody has to look at:", "", *(f"- {reason}" for reason in found.blocking)]
    return "\n".join(lines) if found.changes else f"{lines[0]}\n\nThe first data."
