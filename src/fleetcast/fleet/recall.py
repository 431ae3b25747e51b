"""What an auditor asks of releases and people: what was live, what made a forecast, who used what, who stepped in."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from fleetcast.domain.errors import UsageError, some
from fleetcast.fleet import finding
from fleetcast.fleet.holdings import Holdings
from fleetcast.fleet.origins import APPROVAL
from fleetcast.ledger.audit import AuditRecord
from fleetcast.registry.manifest import Release
from fleetcast.registry.models import ModelVersion
from fleetcast.workspace import Workspace

# What happens in every cycle, before a promotion or together with what a person did: nobody steps in by it.
ROUTINE = {"model.register", "release.cut", "model.transition", APPROVAL}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a person or a policy did, and why."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    policy: str
    before: str | None
    after: str | None

    @classmethod
    def of(cls, record: AuditRecord) -> "Deed":
        return cls(**{name: getattr(record, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Live:
    """What was live at a moment: since when and by whom, until when (None: it still is), and what served each segment."""

    at: datetime
    release: str | None
    moved: Deed | None
    until: datetime | None
    serving: Mapping[str, str]  # segment → model


@dataclass(frozen=True, slots=True)
class Made:
    """What made a published forecast: `row` of the table, model and release, what they were made from, who approved."""

    row: Mapping[str, Any]
    model: str
    release: str
    trained_at: datetime | None
    code: str
    lock: str
    settings: str
    snapshot: str
    tables: Mapping[str, str]
    approvals: tuple[Deed, ...]
    promoted: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """Whether a release used something: of how many of its models that is known, and in which versions; or nobody can say."""

    release: str
    kind: str
    cutoff: date
    answer: Literal["yes", "unknown"]
    models: int
    versions: tuple[str, ...]
    live: bool


def live(w: Workspace, at: datetime) -> Live:
    """The release that the pointer showed at a moment."""
    with w.ledger.view() as view:
        moves = view.moves()
        before = [move for move in moves if move.at <= at]
        if not before:
            return Live(at, None, None, moves[0].at if moves else None, {})
        record = view.record(before[-1].seq)
    after = next((move.at for move in moves if move.at > at), None)
    members = w.registry.releases.get(before[-1].release).manifest.members
    serving = {segment: member.model for segment, member in sorted(members.items())}
    return Live(at, before[-1].release, Deed.of(record) if record else None, after, serving)


def forecast(w: Workspace, text: str) -> Made:
    """The model, code and data behind a published row, and who approved and promoted its release."""
    row = finding.forecast(w, finding.asked_row(text))
    release = w.registry.releases.get(row["release"])
    with w.ledger.view() as view:
        approvals = view.audit(action=APPROVAL, subject=release.id)
        moved = {move.seq for move in view.moves() if move.release == release.id}
        promoted = [record for record in map(view.record, sorted(moved)) if record]
    version = w.registry.models.get(row["model"]) if row["model"] else None
    made: Any = version.lineage if version else {n: getattr(release.manifest, n) for n in _FROM}
    return Made(
        row,
        row["model"],
        release.id,
        version.trained_at if version else None,
        code=made["code"],
        lock=made["lock"],
        settings=made["settings"],
        snapshot=made["snapshot"],
        tables=json.loads(w.bank.get(made["snapshot"])) if w.bank.has(made["snapshot"]) else {},
        approvals=tuple(map(Deed.of, approvals)),
        promoted=tuple(map(Deed.of, promoted)),
    )


_FROM = ("code", "lock", "settings", "snapshot")


def uses_data(w: Workspace, version: str) -> list[Use]:
    """The releases that have a model which was trained on a version of a table (`demand@4f1c…`), newest first."""
    known = Holdings(w).table_versions
    found = [name for name in known if "@" in version and name.startswith(version)]
    if len(found) != 1:
        what = (
            f"is ambiguous: {some(found, like=version)}"
            if found
            else f"is none; there are {some(known, like=version)}"
        )
        raise UsageError(f"{version!r} {what}")
    table, _, content = found[0].partition("@")
    return _uses(w, "snapshot", lambda kept: (content,) if kept.get(table) == content else ())


def uses_package(w: Workspace, package: str) -> list[Use]:
    """The releases that have a model which was trained with a package (`numpy` or `numpy==2.1.0`), newest first."""
    name, _, version = package.partition("==")

    def matching(kept: Iterable[str]) -> tuple[str, ...]:
        found = (one.split("==", 1) for one in kept)
        return tuple(v for n, v in found if _plain(n) == _plain(name) and version in ("", v))

    return _uses(w, "lock", matching)


def _plain(name: str) -> str:
    """A package's name as indexes compare it.

    >>> _plain("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _uses(w: Workspace, part: str, matching: Callable[[Any], tuple[str, ...]]) -> list[Use]:
    """By what the digests of a part of the lineage stand for; where that was not kept, nobody can say."""
    versions = {version.name: version for version in w.registry.models.list()}
    pointer = w.ledger.pointer()
    understood: dict[str, tuple[str, ...] | None] = {}

    def found(digest: str) -> tuple[str, ...] | None:
        if digest not in understood:
            kept = json.loads(w.bank.get(digest)) if w.bank.has(digest) else None
            understood[digest] = matching(kept) if kept is not None else None
        return understood[digest]

    answers = (
        _use(release, versions, part, found, pointer) for release in reversed(w.registry.releases.list())
    )
    return [answer for answer in answers if answer is not None]


def _use(
    release: Release,
    versions: Mapping[str, ModelVersion],
    part: str,
    found: Callable[[str], tuple[str, ...] | None],
    pointer: str | None,
) -> Use | None:
    said = [found(str(versions[model].lineage.get(part))) for model in sorted(release.manifest.models)]
    yes = [one for one in said if one]
    if not yes and None not in said:
        return None
    which = tuple(sorted({version for one in yes for version in one}))
    made = release.manifest
    answer: Literal["yes", "unknown"] = "yes" if yes else "unknown"
    return Use(release.id, made.kind, made.cutoff, answer, len(yes), which, release.id == pointer)


def overrides(w: Workspace, by: str | None = None) -> list[Deed]:
    """What was done by hand, newest first: promotions, rollbacks, quarantines, whatever no policy decided."""
    with w.ledger.view() as view:
        actions = [action for action in view.actions() if action not in ROUTINE]
        found = view.audit(actions=actions, actor=by, policy="")
        if by is not None and not found:
            people = {record.actor for record in view.audit(actions=actions, policy="")}
            if people:
                raise UsageError(f"{by} did nothing by hand; there are {some(people, like=by)}")
    return [Deed.of(record) for record in reversed(found)]
