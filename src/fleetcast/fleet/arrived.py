"""What the sources brought, as conditioning told it: their accounts, the files since the last look, who filled a table."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from fleetcast.conditioning.account import Account
from fleetcast.domain.tables import RETURNS
from fleetcast.domain.week import label, newest_known
from fleetcast.fleet.steps import Steps
from fleetcast.monitoring.arrivals import Arrival, Arrived
from fleetcast.workspace import Workspace


def accounts(w: Workspace) -> list[Account]:
    """What conditioning said of each source when it was done last."""
    return [Account.of(body) for body in Steps("data", w.ledger, w.bank).last("condition") or ()]


def due(w: Workspace) -> date:
    """The newest week that is over, and whose data count as delivered by now."""
    return newest_known(w.clock(), w.settings.calendar.ready_after_days)


def arrived(w: Workspace, week: date, *, due: date) -> list[Arrived]:
    """What each source brought since the look of the week before, and how many rows its weeks have up to the one due."""
    since = _last_look(w, week)
    return [
        Arrived(
            account.source,
            tuple(
                Arrival(one.file, one.rows, one.quarantined, one.refused)
                for one in account.deliveries
                if not one.initial and (since is None or datetime.fromisoformat(one.received) > since)
            ),
            account.weeks,
            due=due,
            matures=w.settings.demand.returns_weeks if set(account.tables) == {RETURNS.name} else 0,
            tables=account.tables,
        )
        for account in accounts(w)
    ]


def _last_look(w: Workspace, week: date) -> datetime | None:
    """When the cycle before this one began: what came in since then was not looked at yet."""
    before = [one.started for one in w.ledger.cycles() if one.cycle < label(week)]
    return before[-1] if before else None


def sender(accounts: Sequence[Account], table: str, partitions: Collection[str] = ()) -> str:
    """Of the sources that fill a table, in these partitions where they are known, the one that sent a file last.

    Of several in the same run, the first by name; the table itself, where nobody knows.
    """
    told = {
        one.source: (
            not one.weeks.keys().isdisjoint(partitions),
            max((f.received for f in one.deliveries), default=""),
        )
        for one in accounts
        if table in one.tables
    }
    return min((name for name, known in told.items() if known == max(told.values())), default=table)
