"""Sources: how fresh each is, how many rows it brought against how many it usually does, and what was set aside of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from statistics import median

from fleetcast.conditioning.account import Account
from fleetcast.domain.errors import NotFound
from fleetcast.domain.incidents import OF_A_SOURCE, Incident
from fleetcast.fleet.arrived import accounts, due
from fleetcast.reading.published import then
from fleetcast.reading.states import State
from fleetcast.sources.raw import RawFile
from fleetcast.workspace import Workspace

_NEVER = datetime.min.replace(tzinfo=UTC)
USUAL = 12  # weeks before the newest one that say how many rows are usual


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source. Rows in = accepted + quarantined + identical duplicates, over all its files.

    `newest` is its newest week that should be there by now, with its `rows` and the `expected` ones, the median of the weeks
    before; None where its rows have no weeks. `schema_changes` counts incidents of other columns, ever.
    """

    source: str
    state: State
    received: datetime | None
    days: float | None  # since it was received
    newest: date | None
    rows: int | None
    expected: float | None
    accepted: int
    quarantined: int
    duplicates: int
    files: int
    refused: int
    schema_changes: int
    tables: tuple[str, ...]
    troubles: tuple[str, ...]  # kinds of the incidents that stand
    weekly: tuple[int, ...]  # rows of its newest weeks, the oldest first

    @property
    def share(self) -> float | None:
        """The part of its rows that was set aside."""
        whole = self.accepted + self.quarantined + self.duplicates
        return self.quarantined / whole if whole else None


def sources(w: Workspace, asof: date | None = None) -> list[SourceRow]:
    """Every source that is declared, in the order of the settings: counts, and nothing of what is in them.

    As of a day: of the files that had come when its cycle ended. Which of their rows were duplicates is only known of all.
    """
    seen = _seen(w, asof)
    with w.ledger.view() as view:
        of_sources = [one for one in view.incidents() if one.kind in OF_A_SOURCE]
    stood = [one if seen.now else one.as_of(seen.week) or _over(one) for one in of_sources]
    found = [one for one in stood if one.opened <= seen.week or seen.now]
    known = {account.source: account for account in _accounts(w, seen)}
    return [
        _row(w, name, known.get(name), [one for one in found if one.subject == name], seen)
        for name in w.settings.sources
    ]


def source(w: Workspace, name: str, asof: date | None = None) -> SourceRow:
    """One of them; NotFound where none has the name."""
    found = [row for row in sources(w, asof) if row.source == name]
    if not found:
        raise NotFound(f"there is no source {name!r}")
    return found[0]


def account_of(w: Workspace, name: str, asof: date | None = None) -> Account | None:
    """What conditioning said of a source when it was done last; as of a day, of the files that had come."""
    return next((one for one in _accounts(w, _seen(w, asof)) if one.source == name), None)


def seen_until(w: Workspace, asof: date) -> datetime:
    """Until when files count as of a day: the end of its cycle's run."""
    return _seen(w, asof).until


@dataclass(frozen=True, slots=True)
class _Seen:
    """Until when files count, and the newest week that should be there by then."""

    until: datetime
    week: date
    now: bool


def _seen(w: Workspace, asof: date | None) -> _Seen:
    if asof is None:
        return _Seen(w.clock(), due(w), now=True)
    pinned = then(w, asof)
    return _Seen(pinned.until, pinned.cycle, now=False) if pinned else _Seen(_NEVER, date.min, now=False)


def _over(one: Incident) -> Incident:
    return replace(one, state="closed")


def _accounts(w: Workspace, seen: _Seen) -> list[Account]:
    found = accounts(w)
    return found if seen.now else [_by_then(one, seen) for one in found]


def _by_then(account: Account, seen: _Seen) -> Account:
    """What it would have said then: conditioning reads all files anew, and only says of all what were duplicates."""
    came = tuple(one for one in account.deliveries if datetime.fromisoformat(one.received) <= seen.until)
    rows, quarantined = sum(one.rows for one in came), sum(one.quarantined for one in came)
    return replace(
        account,
        files=len(came),
        refused=sum(bool(one.refused) for one in came),
        rows=rows,
        accepted=rows - quarantined,
        quarantined=quarantined,
        duplicates=0,
        deliveries=came,
    )


def _row(
    w: Workspace, name: str, account: Account | None, incidents: Sequence[Incident], seen: _Seen
) -> SourceRow:
    files = [file for file in w.raw.files(name) if seen.now or file.received <= seen.until]
    received = max((file.received for file in files), default=None)
    weeks = [one for one in _weeks(account.weeks if account else {}) if one[0] <= seen.week]
    standing = [one for one in incidents if one.standing]
    earlier = [rows for _, rows in weeks[-USUAL - 1 : -1]]
    return SourceRow(
        source=name,
        state=_state(account, files, standing),
        received=received,
        days=(seen.until - received).total_seconds() / 86_400 if received else None,
        newest=weeks[-1][0] if weeks else None,
        rows=weeks[-1][1] if weeks else None,
        expected=median(earlier) if earlier else None,
        accepted=account.accepted if account else 0,
        quarantined=account.quarantined if account else 0,
        duplicates=account.duplicates if account else 0,
        files=len(files),
        refused=account.refused if account else 0,
        schema_changes=sum(one.kind == "schema" for one in incidents),
        tables=account.tables if account else (),
        troubles=tuple(one.kind for one in standing),
        weekly=tuple(rows for _, rows in weeks[-USUAL - 1 :]),
    )


def _state(account: Account | None, files: Sequence[RawFile], standing: Sequence[Incident]) -> State:
    """The gravest incident that stands; else whether files could be read at all."""
    if any(one.severity == "alarm" for one in standing):
        return "failed"
    if standing or (account is not None and account.refused):
        return "watch"
    return "ok" if account is not None and files else "unknown"


def _weeks(by_partition: Mapping[str, Mapping[str, int]]) -> list[tuple[date, int]]:
    """Rows by week, over all partitions, the oldest week first."""
    total: Counter[str] = Counter()
    for weeks in by_partition.values():
        total.update(weeks)
    return [(date.fromisoformat(week), total[week]) for week in sorted(total)]
