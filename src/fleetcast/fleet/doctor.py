"""Is the workspace well? Settings, code, stores and the audit chain, each with what to do when it is not."""

import os
from collections.abc import Callable, Iterator
from datetime import date

from fleetcast.alerts.sending import address
from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.tables import DEMAND
from fleetcast.fleet import audit, reporting
from fleetcast.fleet.clustering import unclustered
from fleetcast.fleet.report import Check
from fleetcast.settings import ChannelSettings
from fleetcast.sources.discover import find
from fleetcast.sources.question import referring
from fleetcast.sources.secrets import Secrets
from fleetcast.telemetry import traces
from fleetcast.workspace import SETTINGS_FILE, Workspace

SHOWN = 5  # stores that a check names


def examine(w: Workspace) -> list[Check]:
    """Look at everything; nothing is changed."""
    settings = Check("settings", True, str(w.folder / SETTINGS_FILE))
    return [settings, *_sources(w), *_channels(w), *_traces(w), *_stores(w)]


def _sources(w: Workspace) -> Iterator[Check]:
    for name, declared in w.settings.sources.items():
        instead = f"correct [sources.{name}] in {SETTINGS_FILE}"

        def look(name: str = name) -> str:
            declared = w.settings.sources[name]
            w.conditioner_of(name)
            for text in referring(declared):
                Secrets(os.environ).filled(text)  # says so where a variable is not set
            files = w.raw.files(name) if declared.pull else find(declared, base=w.home, data=w.address.data)
            by = (
                f"conditioner {declared.conditioner}" if declared.conditioner else f"rows of {declared.table}"
            )
            return f"{_counted(len(files), 'file')}, {by}"

        yield _check(f"source {name}", look, instead if declared.required else "")


def _channels(w: Workspace) -> Iterator[Check]:
    """Whether this machine knows where the channels are; nothing is sent."""
    for name, channel in w.settings.alerts.channels.items():
        if channel.kind != "log":

            def look(channel: ChannelSettings = channel) -> str:
                address(channel, os.environ)
                return f"{channel.kind}, by {channel.address}"

            yield _check(f"channel {name}", look, f"set it, then try `fleetcast alerts test {name}`")


def _traces(w: Workspace) -> Iterator[Check]:
    """Whether they can be sent, where they are to be; whether somebody takes them shows when a run ends."""
    settings = w.settings.telemetry
    if settings.traces != "otlp":
        return

    def look() -> str:
        traces.can_send(settings.headers)
        return f"sent to {settings.endpoint}"

    yield _check("traces", look, f"correct [telemetry] in {SETTINGS_FILE}")


def _stores(w: Workspace) -> Iterator[Check]:
    if not w.state.exists():
        yield Check("state", True, f"{w.environment} has none yet; `fleetcast run` makes it")
        return
    yield _check(
        "lake",
        lambda: _lake(w),
        "restore its files from a backup",
    )
    yield from _clusters(w)
    yield _check("release", lambda: _release(w), "go back with `fleetcast release rollback`")
    verified = audit.verify(w)
    held = f"{_counted(verified.records, 'record')}, each sealed by the one before it"
    found = held if verified.ok else f"broken after {_counted(verified.records, 'record')}: {verified.reason}"
    yield Check("audit chain", verified.ok, found, "keep the ledger as it is, and restore it from a backup")


def _lake(w: Workspace) -> str:
    """Every stored byte is read and held against its digest."""
    files = {table.name: w.lake.verify(table) for table in w.tables.values()}
    tables = sum(bool(count) for count in files.values())
    return (
        f"{_counted(tables, 'table')} with rows, {_counted(sum(files.values()), 'file')} as they were written"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _clusters(w: Workspace) -> Iterator[Check]:
    """Whether every store that is to be forecast has a cluster, where segments are keyed by it."""
    newest = max((leaf.week for leaf in w.lake.leaves(DEMAND)), default=None)
    if newest is None or "cluster" not in w.settings.segments.keys:
        return
    week = date.fromisoformat(newest)
    lacking = unclustered(w, reporting.active(w, week), week)
    named = ", ".join([*lacking[:SHOWN], *(["…"] if len(lacking) > SHOWN else [])])
    detail = (
        f"{len(lacking)} without one in the week of {week}: {named}" if lacking else "every store has one"
    )
    instead = "name them in a file of the source that fills the table clusters"
    yield Check("store clusters", not lacking, detail, instead)


def _release(w: Workspace) -> str:
    live = w.registry.releases.current()
    if live is None:
        return "nothing released yet"
    for artefact in sorted(live.manifest.artefacts):
        w.bank.get(artefact)
    return f"{live.id[:12]}: {len(live.manifest.artefacts)} artefacts are as they were written"


def _check(name: str, look: Callable[[], str], instead: str) -> Check:
    try:
        return Check(name, True, look())
    except FleetcastError as error:
        return Check(name, False, str(error), instead)
