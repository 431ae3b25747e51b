"""R0: is everything that a model's record names still there, and is it what it was?"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fleetcast.domain.errors import FleetcastError, UsageError
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.reach import reach_of, segment_of
from fleetcast.domain.versions import digest_of
from fleetcast.fleet import asked, sealed
from fleetcast.fleet import release as releasing
from fleetcast.fleet.asked import Asked
from fleetcast.fleet.reproduction import NOTHING, Difference, first_difference
from fleetcast.fleet.sealed import Sealed
from fleetcast.fleet.work import history
from fleetcast.registry.models import ModelVersion
from fleetcast.registry.packs import unpack
from fleetcast.settings import Settings, deciding_digest, recorded
from fleetcast.workspace import Workspace

KNOWN = ("code", "lock", "settings")  # what may differ and a training can be done again all the same
_SHORT = 12  # characters of a digest that is shown


@dataclass
class Inputs:
    """The inputs of many models, each looked at once.

    With `alone` a partition's data are read too, of which a training that follows would tell.
    """

    w: Workspace
    alone: bool = False
    _then: dict[str, Workspace] = field(default_factory=dict)
    _sealed: Sealed = field(default_factory=dict)
    _histories: dict[str, str] = field(default_factory=dict)
    _tables: dict[str, Difference | None] = field(default_factory=dict)

    def differs(self, version: ModelVersion) -> Iterator[Difference]:
        """Every input that is not what the record names, code and packages first; none where all are."""
        checks: list[Callable[[ModelVersion], Difference | None]] = [
            self._settings,
            self._code,
            self._lock,
            self._record,
            self._snapshot,
            self._task,
            self._artefact,
            self._ancestors,
            *([self._data] if self.alone else []),
        ]
        for check in checks:
            try:
                found = check(version)
            except FAILURES as error:
                name = check.__name__.removeprefix("_")
                said = version.artefact if name == "artefact" else version.lineage.get(name, NOTHING)
                found = Difference(name, _short(said), told(error))
            if found is not None:
                yield found

    def then(self, version: ModelVersion) -> Workspace:
        """The workspace with the settings that the model was trained with, where they were kept; else as it is."""
        digest = str(version.lineage["settings"])
        if digest not in self._then:
            kept = self._kept_settings(digest)
            self._then[digest] = replace(self.w, settings=kept) if kept else self.w
        return self._then[digest]

    def order(self, version: ModelVersion) -> Asked:
        """The training as it was asked."""
        digest = version.lineage.get("task")
        if digest is None:
            raise UsageError(
                f"{version.name} was registered before trainings were kept as they were asked; train it anew to have one"
            )
        return asked.load(self.w.bank.get(str(digest)))

    def _kept_settings(self, digest: str) -> Settings | None:
        if not self.w.bank.has(digest):
            return None
        kept = recorded(json.loads(self.w.bank.get(digest)))
        here = self.w.settings.execution  # decides nothing, so it is not kept
        return kept.model_copy(update={"execution": here})

    def _record(self, version: ModelVersion) -> Difference | None:
        return sealed.record_changed(self.w, version, self._sealed)

    def _settings(self, version: ModelVersion) -> Difference | None:
        digest = str(version.lineage["settings"])
        now = deciding_digest(self.then(version).settings)
        return None if digest == now else Difference("settings", _short(digest), _short(now))

    def _code(self, version: ModelVersion) -> Difference | None:
        digest, then = str(version.lineage["code"]), self.then(version)
        now = then.code_of(reach_of(version.segment))
        if digest == now:
            return None
        return self._within("code", digest, now, then.code_in_full)

    def _lock(self, version: ModelVersion) -> Difference | None:
        digest, now = str(version.lineage["lock"]), releasing.lock()
        if digest == now:
            return None
        here = dict(one.split("==", 1) for one in releasing.packages())
        return self._within("lock", digest, now, here)

    def _within(self, name: str, digest: str, now: str, here: Mapping[str, Any]) -> Difference:
        """What of it differs, where it was kept: `lock.numpy`, `code.fleetcast.models/lasso.py`."""
        if self.w.bank.has(digest):
            kept = json.loads(self.w.bank.get(digest))
            if name == "lock":
                kept = dict(one.split("==", 1) for one in kept)
            found = (
                first_difference(kept, json.loads(json.dumps(here)), name) if isinstance(kept, dict) else None
            )
            if found is not None:
                return Difference(found.field, _short(found.recorded), _short(found.found))
        return Difference(name, _short(digest), _short(now))

    def _snapshot(self, version: ModelVersion) -> Difference | None:
        digest = str(version.lineage["snapshot"])
        if digest not in self._tables:
            self._tables[digest] = self._versions(digest, self.then(version))
        return self._tables[digest]

    def _versions(self, digest: str, then: Workspace) -> Difference | None:
        """The first table whose rows of then are not there any more, or are others."""
        for table, content in json.loads(self.w.bank.get(digest)).items():
            try:
                if table not in then.tables:
                    raise UsageError("the workspace has no such table")
                then.lake.rehash(then.tables[table], content)
            except FleetcastError as error:
                return Difference(f"snapshot.{table}", _short(content), str(error))
        return None

    def _task(self, version: ModelVersion) -> Difference | None:
        order, lineage = self.order(version), version.lineage
        task = order.task
        said = {
            "snapshot": lineage["snapshot"],
            "cutoff": lineage["cutoff"],
            "partition": lineage["partition"],
        }
        is_so = {"snapshot": order.snapshot.digest, "cutoff": str(task.cutoff), "partition": task.partition}
        if version.kind == "ensemble" and segment_of(version.segment) not in task.segments:
            return Difference("segment", version.segment, f"a task of {', '.join(task.segments)}")
        return first_difference(said, is_so)

    def _data(self, version: ModelVersion) -> Difference | None:
        """What the snapshot knows of the model's partition, digested anew."""
        digest = str(version.lineage["task"])
        if digest not in self._histories:
            order = self.order(version)
            self._histories[digest] = history(
                self.then(version),
                order.snapshot,
                order.received,
                partition=order.task.partition,
                cutoff=order.task.cutoff,
            ).version
        said, found = str(version.lineage["data"]), self._histories[digest]
        return None if said == found else Difference("data", _short(said), _short(found))

    def _artefact(self, version: ModelVersion) -> Difference | None:
        held = unpack(self.w.bank.get(version.artefact))
        return None if version.key in held else Difference("key", version.key, "a pack without it")

    def _ancestors(self, version: ModelVersion) -> Difference | None:
        """The models it names, and the packs that its training went on from."""
        for name in ("parent", "donor", "pool"):
            if named := version.lineage.get(name):
                try:
                    found = self.w.registry.models.get(str(named))
                    if name != "parent":  # that one only served before it
                        self.w.bank.get(found.artefact)
                except FleetcastError as error:
                    return Difference(name, str(named), str(error))
        chain = version.lineage.get("went_on_from")
        if chain is not None and self.w.bank.damaged({str(chain)}):
            return Difference("went_on_from", _short(chain), "an artefact that is lost or damaged")
        return None


def _short(value: object) -> str:
    text = str(value)
    return text[:_SHORT] if len(text) == len(digest_of(None)) and " " not in text else text
