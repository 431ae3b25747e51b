"""Field trials, as the faces ask for them: a design is written once and audited, a reading looks at the lake."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.domain.tables import DEMAND, PRICES, STORES
from fleetcast.domain.versions import canonical
from fleetcast.domain.week import WEEK
from fleetcast.ledger.audit import AuditEvent
from fleetcast.masters import standing
from fleetcast.trial import design as designing
from fleetcast.trial import document, reading
from fleetcast.trial.design import Design, Origin, Plan
from fleetcast.trial.outcomes import store_weeks
from fleetcast.trial.reading import Reading
from fleetcast.workspace import Workspace

ACTION = "trial.design"
_EVER = datetime.max.replace(tzinfo=UTC)  # all that is known


@dataclass(frozen=True, slots=True)
class Designed:
    """A design that was settled, and where it and the roster for the field were written."""

    digest: str
    design: Design
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A trial's reading, and when and by whom its design was recorded in this environment's audit log (None: it was not)."""

    digest: str
    recorded: datetime | None
    by: str | None
    reading: Reading


def design(w: Workspace, plan: Plan, to: Path, *, actor: str, reason: str = "") -> Designed:
    """Settle a trial, write its design and, beside it, the roster of its stores as CSV; neither replaces a file."""
    paths = (to, to.with_suffix(".csv"))
    _refuse_to_overwrite(paths)
    newest = _newest(w)
    stores = _stores(w, newest)
    weeks = _store_weeks(w, stores, since=newest - (plan.history + w.settings.demand.returns_weeks) * WEEK)

    snapshot = dict(w.lake.snapshot([DEMAND, STORES, PRICES]).tables)
    origin = Origin(w.environment, actor, w.clock(), snapshot)
    made = designing.design(weeks, stores, plan=plan, origin=origin)

    name = document.digest(made)
    settled = {"file": to.name, "pairs": len(made.pairs), "outcome": plan.outcome, "seed": plan.seed}
    event = AuditEvent(actor, ACTION, name, reason, after=canonical(settled).decode())
    with w.ledger.transaction() as transaction:  # a design that could not be written was never made
        transaction.append(event)
        _write_once({paths[0]: document.written(made), paths[1]: document.roster(made).write_csv()})
    return Designed(name, made, paths)


def read(w: Workspace, path: Path, *, start: date, until: date | None = None) -> Read:
    """Read a trial that started in a week, up to another one, else to its planned end, by all that is final now."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}; name the file that `fleetcast trial design` wrote"
        ) from error
    made = document.read(text, name=str(path))
    newest = _newest(w)
    stores = _stores(w, newest)
    weeks = _store_weeks(w, stores, since=made.first)

    found = reading.read(made, weeks, stores, start=start, until=until, newest=newest)
    name = document.digest(made)
    record = next((record for record in w.ledger.audit(action=ACTION) if record.subject == name), None)
    return Read(name, record.at if record else None, record.actor if record else None, found)


def _newest(w: Workspace) -> date:
    """The newest week of demand."""
    weeks = [leaf.week for leaf in w.lake.leaves(DEMAND)]
    if not weeks:
        raise UsageError(f"no week is conditioned in {w.environment} yet; run `fleetcast run`")
    return date.fromisoformat(max(weeks))


def _stores(w: Workspace, week: date) -> pl.DataFrame:
    """Master data as they stand, one row a store; with those announced for the weeks to come."""
    return standing(w.lake.read(STORES, as_of=_EVER), "store", week)


def _store_weeks(w: Workspace, stores: pl.DataFrame, *, since: date) -> pl.DataFrame:
    """Store-weeks of all partitions, one partition of demand in memory at a time."""
    prices = w.lake.read(PRICES, as_of=_EVER)
    return pl.concat(
        store_weeks(w.lake.read(DEMAND, partition=partition, where=pl.col("week") >= since), stores, prices)
        for partition in w.lake.partitions(DEMAND)
    ).sort("week", "store")


def _refuse_to_overwrite(paths: tuple[Path, ...]) -> None:
    if paths[0].suffix != ".json":
        raise UsageError(f"a design is written as JSON, with a CSV beside it: call {paths[0]} something.json")
    for path in paths:
        if path.exists():
            raise UsageError(
                f"{path} exists, and a design is never replaced: what the coin said stays. Write to another file."
            )


def _write_once(texts: Mapping[Path, str]) -> None:
    """Write read-only files, all or none of them."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            path.chmod(0o444)
    except OSError as error:
        for path in written:
            path.unlink()
        raise InfrastructureError(f"the design cannot be written: {error}") from error
