"""A file that somebody sends: conditioned with all others, as if it had lain where its source says.

It gets its receipt last: a file that cannot be read, or with which the tables could not be made, was never received.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fleetcast.conditioning import stage as conditioning
from fleetcast.domain.errors import DataError, FleetcastError, NotFound, PolicyRefusal, some
from fleetcast.domain.tables import QUARANTINE
from fleetcast.domain.versions import canonical, digest_of
from fleetcast.fleet import raw_files
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.run import LEASE
from fleetcast.fleet.steps import Steps
from fleetcast.ledger.audit import AuditEvent
from fleetcast.settings import SourceSettings
from fleetcast.sources import discover
from fleetcast.sources.question import digest_of_file
from fleetcast.sources.raw import RawFile
from fleetcast.workspace import Workspace

SHOWN = 100  # rows set aside that are told one by one
UPLOADS = "uploads"  # what answers to idempotency keys are kept under in the ledger


class KeyReused(DataError):
    """An idempotency key that was sent before with something else."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """One row that was not taken: where it stands, why, and what it says."""

    line: int
    reason: str
    detail: str
    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its rows, those set aside (the first ones one by one), its source's account, and the tables.

    `new` is false for a file that had been received before; `account` counts all files of the source, and `tables` has
    the content versions of those that the source fills.
    """

    source: str
    file: str
    digest: str
    bytes: int
    new: bool
    rows: int
    quarantined: int
    set_aside: tuple[SetAside, ...]
    account: Mapping[str, Any]
    tables: Mapping[str, str]


def referred(w: Workspace, source: str, name: str) -> Path:
    """The file of this name among those that lie where a source says; NotFound for any other name."""
    declared = _pushed(w, source)
    files = dict(discover.find(declared, base=w.home, data=w.address.data))
    if name not in files:
        raise NotFound(f"there is no file {name!r} where {source} has its files")
    return files[name]


def take_in(w: Workspace, source: str, name: str, path: Path, *, actor: str, key: str = "") -> dict[str, Any]:
    """Condition a file of a source; what `Taken` says, as plain values.

    The same `key` of the same actor is answered by what was answered first; KeyReused when it comes with another file.
    """
    declared = _pushed(w, source)
    part, asked = f"{actor}/{key}", _asked(source, name, path)
    with recorded(w, source, actor=actor):
        if key and (answer := _answered(w, part, asked)) is not None:
            return answer  # whoever is at work meanwhile
        with w.ledger.lease("cycle", actor, LEASE) as lease:
            w.refuse_checkout()
            file = w.raw.candidate(source, name, path, w.clock())
            run = w.ledger.begin(UPLOADS, "upload", part, asked) if key else None
            try:
                taken = asdict(
                    _taken(w, declared, source, file, actor, Steps("data", w.ledger, w.bank, lease))
                )
            except FleetcastError as error:
                if run:
                    w.ledger.fail(run, str(error))
                raise
            if run:
                w.ledger.finish(run, w.bank.put(canonical(taken)))
            return taken


def _asked(source: str, name: str, path: Path) -> str:
    """What is asked for, as a digest: the same file of the same name for the same source."""
    return digest_of({"source": source, "name": name, "digest": digest_of_file(path)})


def _pushed(w: Workspace, source: str) -> SourceSettings:
    """A source that files can be sent for."""
    known = w.settings.sources
    if source not in known:
        raise NotFound(f"there is no source {source!r}; the settings have {some(known, source)}")
    if known[source].pull is not None or known[source].format == "sql":
        raise PolicyRefusal(f"{source} is asked by us, and takes no files from others", name="pulled_source")
    return known[source]


def _answered(w: Workspace, part: str, asked: str) -> dict[str, Any] | None:
    """What was answered to a key; None where nothing was yet."""
    before = [step for step in w.ledger.steps(UPLOADS) if step.part == part]
    if not before:
        return None
    if before[-1].input_digest != asked:
        raise KeyReused(
            "this idempotency key was sent before with another file; make a new one for each file"
        )
    output = before[-1].output_digest
    return dict(Steps(UPLOADS, w.ledger, w.bank).result(output)) if output else None


def _taken(
    w: Workspace, declared: SourceSettings, source: str, file: RawFile, actor: str, steps: Steps
) -> Taken:
    conditioning.refuse_unreadable(source, file, w.conditioner_of(source), declared=declared, raw=w.raw)
    received = {name: w.raw.files(name) for name in w.settings.sources}
    new = file not in received[source]
    mine = received[source] = [*received[source], file] if new else received[source]

    accounts = {one.source: one for one in raw_files.condition(w, steps, received, Silent())}
    if new:
        w.raw.receive(source, [(file.name, w.raw.path(file))], file.received)
        w.ledger.append(AuditEvent(actor, "data.send", source, file.name, after=file.digest))

    label = dict(zip(mine, conditioning.labels(mine), strict=True))[file]
    account = accounts[source]
    delivery = next(one for one in account.deliveries if one.file == label)
    return Taken(
        source,
        file.name,
        file.digest,
        file.bytes,
        new,
        delivery.rows,
        delivery.quarantined,
        _set_aside(w, source, label),
        account.counts,
        {name: w.lake.version(w.base_tables[name]) for name in account.tables},
    )


def _set_aside(w: Workspace, source: str, label: str) -> tuple[SetAside, ...]:
    rows = w.lake.read(QUARANTINE, partition=source, where=pl.col("file") == label)
    columns = ("line", "reason", "detail", "text")
    return tuple(SetAside(*row) for row in rows.sort("line").head(SHOWN).select(columns).iter_rows())
