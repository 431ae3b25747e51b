"""Publications: what was published for a cycle, written once; each anchors the audit chain outside the ledger."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import ConflictError, CorruptError
from fleetcast.domain.versions import canonical, digest_of
from fleetcast.registry.bank import write_durably


@dataclass(frozen=True, slots=True)
class Publication:
    """Forecasts of a cycle made with a release; `revision` counts from 1 as they are published anew.

    `forecasts` digests the published rows; `audit_seq` and `audit_hash` are the head of the audit chain then.
    """

    cycle: str
    release: str
    forecasts: str
    audit_seq: int
    audit_hash: str
    revision: int = 1


class Publications:
    """A folder of publications: `<cycle>/<release>-<revision>.json`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def publish(self, publication: Publication) -> Publication:
        """Write a publication down; the same forecasts again keep their first one, others get the next revision."""
        last = self.last(publication.cycle, publication.release)
        if last and last.forecasts == publication.forecasts:
            return last
        new = replace(publication, revision=last.revision + 1 if last else 1)
        body = asdict(new)
        content = canonical({**body, "digest": digest_of(body)})
        path = self._root / new.cycle / f"{new.release}-{new.revision}.json"
        try:
            write_durably(path, content + b"\n", replace=False)
        except FileExistsError as error:
            raise ConflictError(f"{path} was written by another run meanwhile; try again") from error
        return new

    def last(self, cycle: str, release: str) -> Publication | None:
        """The newest revision of what a release published for a cycle."""
        found = (_read(path) for path in (self._root / cycle).glob(f"{release}-*.json"))
        return max(found, key=lambda publication: publication.revision, default=None)

    def list(self) -> list[Publication]:
        """Every publication, by cycle and age."""
        found = (_read(path) for path in self.files())
        return sorted(found, key=lambda p: (p.cycle, p.audit_seq, p.revision))

    def files(self) -> Iterator[Path]:
        """Where they are written down, in order."""
        return iter(sorted(self._root.glob("*/*.json")))

    def anchors(self) -> dict[int, str]:
        """The audit heads that publications saw: what `Ledger.verify` holds its chain against."""
        return {publication.audit_seq: publication.audit_hash for publication in self.list()}


def _read(path: Path) -> Publication:
    try:
        body: dict[str, Any] = json.loads(path.read_bytes())
        expected = body.pop("digest")
        publication = Publication(**body)
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptError(f"{path} is not a publication: {error}; restore it from a backup") from error
    if digest_of(body) != expected:
        raise CorruptError(f"{path} was changed after it was written; restore it from a backup")
    return publication
