"""The release that waits for approvals: what is new in it, who may approve it, and how."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime

from fleetcast.domain.errors import UsageError
from fleetcast.fleet import promoting
from fleetcast.reading.kept import Kept
from fleetcast.registry.manifest import Release
from fleetcast.settings import Change
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Waiting:
    """A release that needs people: `why` in the policy's words, `approved` by whom, and who `may` still do so.

    `changes` are what it was made from that the live one was not, `segments` how many of its members are other models.
    """

    release: str
    live: str | None
    cutoff: date
    cut_at: datetime
    why: str
    needed: int
    approved: tuple[str, ...]
    may: tuple[str, ...]
    changes: tuple[Change, ...]
    segments: int
    of: int
    command: str


def waiting(w: Workspace) -> Waiting | None:
    """The newest release, where it was cut since anything became live last, and approvals are all that it lacks."""
    return _waiting(w)


def _read(w: Workspace) -> Waiting | None:
    live, cut = w.registry.releases.current(), w.registry.releases.list()
    with w.ledger.view() as view:
        moved = [move.at for move in view.moves()]
    newest = cut[-1] if cut else None
    if newest is None or (moved and newest.cut_at <= moved[-1]):
        return None
    try:
        return _asked(w, newest, live)
    except UsageError:  # its artifact is not installed here, so nobody knows who wrote it: others judge it
        return None


def _asked(w: Workspace, newest: Release, live: Release | None) -> Waiting | None:
    decision = promoting.decide(w, newest, live)
    if not decision.missing:
        return None
    made, before = newest.manifest, live.manifest if live else None
    others = w.registry.releases.diff(live.id, newest.id) if live else made.members
    return Waiting(
        newest.id,
        live.id if live else None,
        made.cutoff,
        newest.cut_at,
        decision.why,
        decision.needed,
        decision.approvers,
        tuple(promoting.askable(w, newest, decision, live)),
        tuple(sorted(promoting.changes(made, before))) if before else (),
        len(others),
        len(made.members),
        promoting.to_approve(w, newest),
    )


def _state(w: Workspace) -> Hashable:
    """Releases, moves and approvals are all told to the audit chain; policy and settings are files."""
    return w.ledger.head(), repr(w.policy)


_waiting: Kept[Waiting | None] = Kept(_read, _state)
