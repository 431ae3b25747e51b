"""The condition step of a run: the raw files there are become rows of tables."""

from collections.abc import Mapping
from dataclasses import asdict

from fleetcast.conditioning import stage as conditioning
from fleetcast.conditioning.account import Account
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.steps import Steps
from fleetcast.sources.raw import RawFile
from fleetcast.workspace import Workspace

Received = Mapping[str, list[RawFile]]  # by source, oldest first


def receive(w: Workspace, progress: Progress) -> Received:
    """Keep the files that lie where the sources say; all that were ever received."""
    progress.stage("receive", None)
    received = conditioning.receive(w.settings, base=w.home, data=w.address.data, raw=w.raw, now=w.clock())
    files = sum(len(found) for found in received.values())
    progress.done("receive", f"{files} files of {len(received)} sources")
    return received


def condition(w: Workspace, steps: Steps, received: Received, progress: Progress) -> list[Account]:
    """Make tables of these files; the same files, conditioners and settings make nothing new."""
    conditioners = {source: w.conditioner_of(source) for source in received}

    progress.stage("condition", len(received))
    done = steps.once(
        "condition",
        {"code": w.intake, "sources": conditioning.inputs(received, conditioners, w.settings)},
        lambda: [
            asdict(account)
            for account in conditioning.condition(
                received,
                conditioners,
                w.base_tables,
                settings=w.settings,
                raw=w.raw,
                lake=w.lake,
                progress=lambda source: progress.advance("condition", source),
            )
        ],
    )
    accounts = [Account.of(account) for account in done.result]
    quarantined = sum(account.quarantined for account in accounts)
    rows = sum(account.rows for account in accounts)
    progress.done(
        "condition", f"{rows:,} rows, {quarantined:,} quarantined" + (" (as before)" if done.resumed else "")
    )
    return accounts
