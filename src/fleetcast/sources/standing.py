"""How far each source has been pulled: when, and what was the last that came. It lies beside the raw files, shared like them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from filelock import FileLock, Timeout

from fleetcast.domain.errors import CorruptError, InfrastructureError
from fleetcast.domain.week import monday

_LOCK_TIMEOUT = 1800  # seconds; another environment may be in the middle of a large pull

Every = Literal["run", "hour", "day", "week"]


@dataclass(frozen=True)
class Standing:
    """`pulled` is when a source last answered, None if never; `marks` are what the next pull goes on from.

    `asked` is the digest of how it was asked; asked otherwise, it begins anew.
    """

    pulled: datetime | None = None
    asked: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)


def due(pulled: datetime | None, now: datetime, every: Every, timezone: str) -> bool:
    """Whether another hour, day or week has begun since, in the source's time zone.

    >>> from datetime import UTC, timedelta
    >>> evening = datetime(2026, 11, 15, 23, tzinfo=UTC)
    >>> [due(evening, evening + timedelta(hours=2), every, "UTC") for every in ("run", "hour", "day", "week")]
    [True, True, True, True]
    >>> [due(evening, evening + timedelta(minutes=30), every, "UTC") for every in ("run", "hour", "day", "week")]
    [True, False, False, False]
    """
    if pulled is None or every == "run":
        return True
    before, after = (moment.astimezone(ZoneInfo(timezone)) for moment in (pulled, now))
    if every == "hour":
        return after.replace(minute=0, second=0, microsecond=0) > before
    if every == "day":
        return after.date() > before.date()
    return monday(after.date()) > monday(before.date())


class Standings:
    """The standings of a workspace's sources, below its raw files."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "raw" / "pulls"

    @contextmanager
    def alone(self, source: str) -> Iterator[None]:
        """Nobody else pulls the source meanwhile; what another environment just pulled, this one finds."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._folder / f"{source}.lock", timeout=_LOCK_TIMEOUT):
                yield
        except Timeout as error:
            raise InfrastructureError(f"{source} has been pulled by another run for half an hour") from error

    def of(self, source: str, asked: str) -> Standing:
        """Where a source stands that is asked so now."""
        path = self._folder / f"{source}.json"
        if not path.exists():
            return Standing(asked=asked)
        try:
            kept = json.loads(path.read_text("utf-8"))
            standing = Standing(datetime.fromisoformat(kept["pulled"]), kept["asked"], dict(kept["marks"]))
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptError(
                f"{path} does not say how far {source} was pulled ({error}); remove it"
            ) from error
        return standing if standing.asked == asked else Standing(asked=asked)

    def keep(self, source: str, standing: Standing) -> None:
        """Remember a standing; a reader sees the one before it or this one, whole."""
        draft = self._folder / f"{source}.draft"
        pulled = standing.pulled.isoformat() if standing.pulled else None
        kept = {"pulled": pulled, "asked": standing.asked, "marks": dict(standing.marks)}
        draft.write_text(json.dumps(kept, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
        draft.replace(self._folder / f"{source}.json")
