"""The evidence for an auditor: what can be verified without Fleetcast, with the script that does so."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import FleetcastError, UsageError
from fleetcast.domain.versions import canonical, digest
from fleetcast.fleet import evidence_check
from fleetcast.ledger.audit import AuditRecord
from fleetcast.ledger.view import View
from fleetcast.workspace import Workspace

FORMAT = 1

README = """# Evidence of {workspace}, environment {environment}

Everything here can be verified with Python 3.9 or later and nothing else:

    python verify.py --head <hash>

`<hash>` is the head that you were told when this was made, and should hold against what you wrote down. Without it the
script says whether the evidence is sound in itself. It exits with 0 when all of it holds, with 1 when not.

| | |
|---|---|
| `audit.jsonl` | every audit record, oldest first; its `hash` is the SHA-256 of the hash before it and its own fields |
| `manifests/<release>.json` | what each release serves; its name is the SHA-256 of its bytes |
| `publications/` | what was published, and the head of the audit chain at that moment |
| `contents/<digest>.json` | what digests stand for: code by file, packages, settings, snapshots, trainings, records of models |
| `bundle.json` | every other file with its SHA-256, and the head of the audit chain |

What the script checks: every file against `bundle.json`; the chain of hashes from its beginning; that publications saw
records of this chain; that each release that was cut is here as it was cut, and each that went live was cut; that each
model a release serves was registered, as the audit chain says. What it cannot see: that somebody made a whole new chain
and whatever follows from it. That is what the head is for, which is in every publication too.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written where, and the head of the audit chain: to be told to the auditor by another way."""

    target: Path
    records: int
    manifests: int
    publications: int
    contents: int
    head_seq: int
    head_hash: str


def export(w: Workspace, target: Path) -> Written:
    """Write the evidence of an environment into a folder, or a ZIP file, that is not there yet."""
    target = target.absolute()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(f"{target} is there already; name a folder or ZIP file that is to be made")
    with _folder(target) as folder:
        bundle = _Bundle(w, folder)
        return bundle.write(target)


@contextmanager
def _folder(target: Path) -> Iterator[Path]:
    """Where to write: aside, so that what is at the target is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".evidence-") as aside:
        folder = Path(aside) / "evidence"
        folder.mkdir()
        yield folder
        if target.suffix == ".zip":
            made = Path(aside) / "evidence.zip"
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(folder.rglob("*")):
                    if path.is_file():
                        archive.write(path, path.relative_to(folder).as_posix())
            made.replace(target)
        else:
            if target.exists():
                target.rmdir()
            shutil.move(folder, target)


class _Bundle:
    """The files of the evidence, each with its digest."""

    def __init__(self, w: Workspace, folder: Path) -> None:
        self._w, self._folder = w, folder
        self._files: dict[str, str] = {}
        self._contents: set[str] = set()

    def write(self, target: Path) -> Written:
        publications = self._publications()  # before the chain, so that it holds what they saw
        with self._w.ledger.view() as view:
            records, last = self._audit(view)
            manifests = self._manifests(view)
        self._lineages()
        for name in sorted(self._contents):
            self._content(name)
        self._put("verify.py", Path(evidence_check.__file__).read_bytes())
        settings = self._w.settings.workspace
        about = README.format(workspace=settings.name, environment=self._w.environment)
        self._put("README.md", about.encode())
        head = {"seq": records, "hash": last}
        body = {
            "format": FORMAT,
            "workspace": settings.name,
            "environment": self._w.environment,
            "made": self._w.clock().isoformat(),
            "head": head,
            "files": dict(sorted(self._files.items())),
        }
        contents = sum(name.startswith("contents/") for name in self._files)
        self._put("bundle.json", json.dumps(body, indent=1, ensure_ascii=False).encode())
        return Written(target, records, manifests, publications, contents, records, last)

    def _put(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._files[name] = digest(content)

    def _audit(self, view: View) -> tuple[int, str]:
        """Line by line: there may be many."""
        path, count = self._folder / "audit.jsonl", 0
        last = "0" * 64
        with path.open("wb") as file:
            for record in view.every_record():
                file.write(canonical(_plain(record)) + b"\n")
                count, last = count + 1, record.hash
                if record.action == "model.register" and record.after:
                    self._contents.add(json.loads(record.after).get("records", ""))
        self._files["audit.jsonl"] = _digest_of_file(path)
        return count, last

    def _manifests(self, view: View) -> int:
        stored = view.releases()
        for release in stored:
            self._put(f"manifests/{release.id}.json", release.manifest.encode())
            made = json.loads(release.manifest)
            self._contents |= {made[name] for name in ("code", "lock", "settings", "snapshot")}
        return len(stored)

    def _publications(self) -> int:
        found = list(self._w.publications.files())
        for path in found:
            self._put(f"publications/{path.parent.name}/{path.name}", path.read_bytes())
        return len(found)

    def _lineages(self) -> None:
        """What the models that any record tells of were made from."""
        for name in [name for name in self._contents if self._w.bank.has(name or "0" * 64)]:
            for record in _records(self._w.bank.get(name)):
                lineage = record.get("lineage", {})
                self._contents |= {
                    str(lineage[part])
                    for part in ("code", "lock", "settings", "snapshot", "task")
                    if lineage.get(part)
                }

    def _content(self, name: str) -> None:
        """What a digest stands for; one that was not kept, or is damaged, is not there."""
        try:
            self._put(f"contents/{name}.json", self._w.bank.get(name))
        except FleetcastError:
            return


def _records(content: bytes) -> list[dict[str, Any]]:
    """The records of models in a content, if it is one of these."""
    found = json.loads(content)
    values = found.values() if isinstance(found, dict) else []
    return [value for value in values if isinstance(value, dict) and "lineage" in value]


def _plain(record: AuditRecord) -> dict[str, Any]:
    return {**asdict(record), "at": record.at.isoformat(timespec="microseconds")}


def _digest_of_file(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
