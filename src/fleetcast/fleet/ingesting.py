"""Ingestion, the first step of a cycle: every source that is due is pulled, and what is new of it is kept as it came."""

import errno
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path

from fleetcast.conditioning import stage as conditioning
from fleetcast.conditioning.account import Account
from fleetcast.domain.cost import metered
from fleetcast.domain.errors import InfrastructureError, UsageError, some
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.versions import canonical, digest_of
from fleetcast.fleet.lateness import Late, late
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.report import Intake
from fleetcast.ledger.leases import Lease
from fleetcast.settings import SourceSettings
from fleetcast.sources import pulling
from fleetcast.sources.question import Question, asked, referring
from fleetcast.sources.secrets import Secrets
from fleetcast.sources.standing import Standing, Standings, due
from fleetcast.workspace import Workspace

LEASE = 30.0  # seconds without a heartbeat until another scheduler may take over


def ingest(
    w: Workspace, sources: Sequence[str] = (), *, again: bool = False, progress: Progress, actor: str
) -> tuple[Intake, ...]:
    """Take in what the named sources, else all, have to say now; with `again`, also of those that were asked already.

    One that fails stops no other.
    """
    known = w.settings.sources
    for name in sources:
        if name not in known:
            raise UsageError(f"there is no source {name!r}; the settings have {some(known, name)}")
    w.refuse_checkout()
    named = {name: known[name] for name in sources or known}
    with w.ledger.lease("ingest", actor, LEASE) as lease:  # a cycle may be at work: it has what it reads
        pulled = {one.source: one for one in pull(w, lease, progress, sources, again=again)}
        return tuple(pulled.get(name) or _received(w, name) for name in named)


def pull(
    w: Workspace, lease: Lease, progress: Progress, sources: Sequence[str] = (), *, again: bool = False
) -> tuple[Intake, ...]:
    """Pull the sources that are due, and say of each what came; the ledger keeps it too."""
    pulled = {
        name: declared
        for name, declared in w.settings.sources.items()
        if declared.pull and (not sources or name in sources)
    }
    if not pulled:
        return ()
    now, standings = w.clock(), Standings(w.state.parent)
    waiting = [name for name in (pulled if again else due_to_be_asked(w)) if name in pulled]
    progress.stage("ingest", len(waiting))

    def one(name: str) -> Intake:
        said = _pulled(w, standings, name, again=again)
        progress.advance("ingest", name)
        return said

    made = _recorded(w, lease, waiting, now, one)
    found = tuple(made.get(name) or Intake(name, "not_due") for name in pulled)
    new, failed = (sum(one.state == state for one in found) for state in ("new", "failed"))
    progress.done("ingest", f"{len(waiting)} of {len(found)} sources asked, {new} with news, {failed} failed")
    return found


def due_to_be_asked(w: Workspace) -> list[str]:
    """The sources whose next pull is due."""
    now, standings = w.clock(), Standings(w.state.parent)
    return [
        name
        for name, declared in w.settings.sources.items()
        if _due(declared, standings.of(name, asked(declared)), now)
    ]


def take_in(w: Workspace, lease: Lease, progress: Progress) -> tuple[Intake, ...]:
    """Pull, for a cycle: it goes on with what came before, and stops only where nothing ever came of what it needs."""
    intake = pull(w, lease, progress)
    for one in intake:
        declared = w.settings.sources[one.source]
        if declared.required and not w.raw.files(one.source):
            why = one.error or "it has never had anything to say"
            instead = (
                declared.obtain
                or "let it be asked again with `fleetcast ingest --again`, or write `required = false`"
            )
            raise InfrastructureError(f"nothing has ever come of the source {one.source}: {why}\n{instead}")
    return intake


def with_lateness(w: Workspace, intake: Sequence[Intake], accounts: Sequence[Account]) -> tuple[Intake, ...]:
    """The intake, with the sources that are late among it, and since when they are."""
    found = {one.source: one for one in intake}
    for account in accounts:
        lateness = _late(w, account)
        if lateness is not None:
            one = found.get(account.source, Intake(account.source, "unchanged"))
            found[account.source] = replace(one, late_since=lateness.since.date())
    return tuple(found.values())


def wait_for_late(w: Workspace, accounts: Sequence[Account], week: date | None) -> None:
    """Stop a cycle that waits for a source: for its newest week or, where a week is asked for, for that one."""
    missing = []
    for account in accounts:
        lateness = _late(w, account)
        if lateness is None or w.settings.sources[account.source].if_late != "wait":
            continue
        if week is None or week > lateness.newest:
            missing.append(
                f"{account.source} has nothing after the week of {lateness.newest}, due {lateness.since:%Y-%m-%d}"
            )
    if missing:
        raise InfrastructureError(
            f"the cycle waits: {'; '.join(missing)}\n"
            'Run again when it is there, name an earlier week with --week, or write if_late = "proceed".'
        )


def _recorded(
    w: Workspace, lease: Lease, names: Sequence[str], now: datetime, work: Callable[[str], Intake]
) -> Mapping[str, Intake]:
    """Do the work for each source, as one step of the ledger, if there is any to do.

    It is never taken over from an earlier run: how far a source was pulled is in its standing, not in the step's inputs.
    """
    if not names:
        return {}
    inputs = {"at": now.isoformat(), "sources": {name: asked(w.settings.sources[name]) for name in names}}
    lease.check()
    run = w.ledger.begin("data", "ingest", "all", digest_of(inputs))
    try:
        with metered() as meter:
            made = {name: work(name) for name in names}
    except BaseException as error:
        w.ledger.fail(run, told(error))
        raise
    w.ledger.finish(run, w.bank.put(canonical([asdict(one) for one in made.values()])), meter.cost)
    return made


def _pulled(w: Workspace, standings: Standings, name: str, *, again: bool) -> Intake:
    """Pull one source. Whatever goes wrong is told; what came of it before stays."""
    declared, now = w.settings.sources[name], w.clock()
    try:
        with standings.alone(name), tempfile.TemporaryDirectory(prefix="fleetcast-") as scratch:
            standing = standings.of(name, asked(declared))
            if not again and not _due(declared, standing, now):
                return Intake(name, "not_due")  # another environment was quicker
            question = Question(
                name, declared, standing, now, Path(scratch), w.home, w.address.data, Secrets(os.environ)
            )
            made = pulling.pull(question)
            w.raw.receive(name, made.files, w.clock())  # not known before it was here
            standings.keep(name, Standing(now, standing.asked, made.marks))
    except FAILURES as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        return Intake(name, "failed", error=_hidden(declared, told(error)))
    return Intake(name, "new" if made.files else "unchanged", len(made.files))


def _received(w: Workspace, name: str) -> Intake:
    """Take in the files of a source that lie where its path says."""
    settings = w.settings.model_copy(update={"sources": {name: w.settings.sources[name]}})
    before = len(w.raw.files(name))
    try:
        received = conditioning.receive(settings, base=w.home, data=w.address.data, raw=w.raw, now=w.clock())
    except FAILURES as error:
        return Intake(name, "failed", error=told(error))
    new = len(received[name]) - before
    return Intake(name, "new" if new else "unchanged" if received[name] else "absent", new)


def _due(declared: SourceSettings, standing: Standing, now: datetime) -> bool:
    return declared.pull is not None and due(standing.pulled, now, declared.pull.every, declared.timezone)


def _late(w: Workspace, account: Account) -> Late | None:
    """Whether a source is late: by the days it tells of, else by when it came in last."""
    declared = w.settings.sources[account.source]
    if declared.due_days is None:
        return None
    now = w.clock()
    until = date.fromisoformat(account.until) if account.until else _came_last(w, account.source)
    return late(until, declared.due_days, now) if until else None


def _came_last(w: Workspace, source: str) -> date | None:
    pulled = Standings(w.state.parent).of(source, asked(w.settings.sources[source])).pulled
    moments = [file.received for file in w.raw.files(source)] + ([pulled] if pulled else [])
    return max(moments).date() if moments else None


def _hidden(declared: SourceSettings, text: str) -> str:
    return Secrets(os.environ).hidden(text, *referring(declared))
