"""Where things came from and what became of them, as the stores say: the steps that a lineage follows."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from fleetcast.conditioning.stage import batches_of
from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.tables import CLUSTERS, DELIVERIES, PRODUCTS, RETURNS, STORES
from fleetcast.domain.week import label
from fleetcast.fleet.lineage import Kind, Node, Step
from fleetcast.registry.manifest import Release
from fleetcast.registry.models import ModelVersion
from fleetcast.registry.publications import Publication
from fleetcast.sources.raw import RawFile
from fleetcast.workspace import Workspace

APPROVAL = "release.approve"
_DERIVED_FROM = (DELIVERIES, RETURNS, STORES, CLUSTERS, PRODUCTS)
_RELATIVES = {"parent": "served before it", "donor": "started from", "pool": "forecasts beside"}


@dataclass
class Origins:
    """Every store is asked once.

    A forecast's release shows the one model that made it (`only`). A model's tables lead to the files that brought rows
    of the `partitions` it read, and a file's to the models that read those it brought rows of.
    """

    w: Workspace
    only: frozenset[str] | None = None
    partitions: frozenset[str] | None = None
    forecast: Mapping[str, str] = field(
        default_factory=dict
    )  # cycle, release, model of the forecast in focus

    # ---------------------------------------------------------------- to what it came from

    def causes(self, node: Node) -> Iterator[Step]:
        ways: dict[Kind, Callable[[str], Iterator[Step]]] = {
            "forecast": self._of_forecast,
            "publication": self._of_publication,
            "release": self._of_release,
            "model": self._of_model,
            "snapshot": self._of_snapshot,
            "table": self._of_table,
            "source": self._of_source,
        }
        way = ways.get(node.kind)
        return way(node.name) if way else iter(())

    def _of_forecast(self, _: str) -> Iterator[Step]:
        cycle, release, model = (self.forecast[name] for name in ("cycle", "release", "model"))
        last = self.w.publications.last(label(date.fromisoformat(cycle)), release)
        if last is not None:
            yield Step("published in", publication(last))
        else:
            yield Step("made with", self._release_node(release))
        if model:
            yield Step("made by", Node("model", model))

    def _of_publication(self, name: str) -> Iterator[Step]:
        found = next(one for one in self.w.publications.list() if publication(one).name == name)
        yield Step("made with", self._release_node(found.release))
        if found.cycle in self._cycles:
            yield Step("read", self._snapshot_node(self._cycles[found.cycle]))

    def _of_release(self, name: str) -> Iterator[Step]:
        with self.w.ledger.view() as view:
            approvals = view.audit(action=APPROVAL, subject=name)
        for event in approvals:
            yield Step("approved by", Node("approval", event.actor, f"{event.at:%Y-%m-%d %H:%M} UTC"))
        made = self._releases[name].manifest
        for model in sorted(made.models):
            if self.only is None or model in self.only:
                yield Step("serves", Node("model", model))
        yield from self._made_from(made.code, made.lock, made.settings, made.snapshot)

    def _of_model(self, name: str) -> Iterator[Step]:
        lineage = self.w.registry.models.get(name).lineage
        for relative, words in _RELATIVES.items():
            if named := lineage.get(relative):
                yield Step(words, Node("model", str(named)), last=relative == "parent")
        yield from self._made_from(*(str(lineage[n]) for n in ("code", "lock", "settings", "snapshot")))

    def _made_from(self, code: str, lock: str, settings: str, snapshot: str) -> Iterator[Step]:
        yield Step("code", Node("code", code))
        yield Step("packages", Node("lock", lock))
        yield Step("settings", Node("settings", settings))
        yield Step("trained on", self._snapshot_node(snapshot))

    def _of_snapshot(self, name: str) -> Iterator[Step]:
        for table, version in self._snapshots.get(name, {}).items():
            if table in self.w.tables and self._held(table, version):
                yield Step("", Node("table", f"{table}@{version}"))

    def _of_table(self, name: str) -> Iterator[Step]:
        table, _, version = name.partition("@")
        if table not in self.w.base_tables:
            yield from self._of_derived(table, version)
            return
        batches = self._batches(table, version)
        for source, files in self._files.items():
            mine = {file.digest for batch, file in files.items() if batch in batches}
            if mine:
                yield Step("conditioned from", Node("source", source))
        known = {batch for files in self._files.values() for batch in files}
        if lost := len(batches - known):
            says = f"{lost} batches of files whose conditioner has changed since"
            yield Step("conditioned from", Node("source", "unknown", says), last=True)

    def _of_derived(self, table: str, version: str) -> Iterator[Step]:
        """Net demand and segments are made of the tables beside them in a snapshot."""
        for tables in self._snapshots.values():
            if tables.get(table) == version:
                for base in _DERIVED_FROM:
                    if self._held(base.name, tables[base.name]):
                        yield Step("derived from", Node("table", f"{base.name}@{tables[base.name]}"))

    def _of_source(self, name: str) -> Iterator[Step]:
        for file in dict.fromkeys(self._files.get(name, {}).values()):
            yield Step("received as", raw(file))

    # ---------------------------------------------------------------- to what became of it

    def effects(self, node: Node) -> Iterator[Step]:
        ways: dict[Kind, Callable[[str], Iterator[Step]]] = {
            "raw": self._from_raw,
            "table": self._from_table,
            "snapshot": self._from_snapshot,
            "model": self._from_model,
            "release": self._from_release,
        }
        way = ways.get(node.kind)
        return way(node.name) if way else iter(())

    def _from_raw(self, name: str) -> Iterator[Step]:
        batches = self._batches_of(name)
        versions = {pair for tables in self._snapshots.values() for pair in tables.items()}
        for table, version in sorted(versions):
            if table in self.w.base_tables and batches & self._batches(table, version):
                yield Step("conditioned from", Node("table", f"{table}@{version}"))

    def _from_table(self, name: str) -> Iterator[Step]:
        table, _, version = name.partition("@")
        for snapshot, tables in self._snapshots.items():
            if tables.get(table) == version:
                yield Step("", self._snapshot_node(snapshot))

    def _from_snapshot(self, name: str) -> Iterator[Step]:
        for model in self._models.values():
            if model.lineage.get("snapshot") == name and self._concerned(model.name):
                yield Step("trained on", Node("model", model.name))
        for found in self.w.publications.list():
            if self._cycles.get(found.cycle) == name:
                yield Step("read", publication(found))

    def _from_model(self, name: str) -> Iterator[Step]:
        for release in self._releases.values():
            if name in release.manifest.models:
                yield Step("serves", self._release_node(release.id))

    def _from_release(self, name: str) -> Iterator[Step]:
        for found in self.w.publications.list():
            if found.release == name:
                yield Step("made with", publication(found))

    # ---------------------------------------------------------------- what the stores hold

    @cached_property
    def _releases(self) -> dict[str, Release]:
        return {release.id: release for release in self.w.registry.releases.list()}

    @cached_property
    def _models(self) -> dict[str, ModelVersion]:
        return {version.name: version for version in self.w.registry.models.list()}

    @cached_property
    def _cycles(self) -> dict[str, str]:
        """By cycle the digest of the snapshot it read last."""
        found: dict[str, str] = {}
        for cycle in self.w.ledger.cycles():
            snapshot = next(
                (s.output_digest for s in self.w.ledger.steps(cycle.cycle) if s.step == "derive"), None
            )
            if snapshot:
                found[cycle.cycle] = snapshot
        return found

    @cached_property
    def _snapshots(self) -> dict[str, dict[str, str]]:
        """By digest the tables of every snapshot that anything was made from, and that can still be read."""
        digests = {release.manifest.snapshot for release in self._releases.values()}
        found: dict[str, dict[str, str]] = {}
        for digest in sorted(digests | set(self._cycles.values())):
            try:
                found[digest] = json.loads(self.w.bank.get(digest))
            except FleetcastError:
                continue  # a release that was cut by hand, of a snapshot that never was one
        return found

    @cached_property
    def _files(self) -> dict[str, dict[str, RawFile]]:
        """By source, its raw files by the batch of rows that its conditioner makes of them."""
        return {
            source: batches_of(self.w.raw.files(source), self.w.conditioner_of(source).digest)
            for source in self.w.settings.sources
        }

    def _held(self, table: str, version: str) -> list[str]:
        return self.w.lake.partitions(self.w.tables[table], version)

    def _batches(self, table: str, version: str) -> set[str]:
        kept, held = self.w.tables[table], self._held(table, version)
        if self.partitions is not None and self._cut(table):
            held = [partition for partition in held if partition in self.partitions]
        return {
            batch
            for partition in held
            for batch in self.w.lake.batches(kept, partition=partition, version=version)
        }

    def _cut(self, table: str) -> bool:
        """Whether a table is stored by partition."""
        return {"store", "week"} <= set(self.w.tables[table].key)

    def _batches_of(self, file: str) -> set[str]:
        return {batch for files in self._files.values() for batch, one in files.items() if one.digest == file}

    def read_by(self, model: str) -> frozenset[str] | None:
        """The partitions whose rows a model was trained on: its own and its donor's; None where nobody wrote them down."""
        lineage = self._models[model].lineage
        beside = [self._models[str(lineage["donor"])].lineage] if lineage.get("donor") else []
        found = {one.get("partition") for one in (lineage, *beside)}
        return None if None in found else frozenset(map(str, found))

    def brought_by(self, file: str) -> frozenset[str] | None:
        """The partitions that a raw file brought rows of; None where they concern all."""
        found, mine = set[str](), self._batches_of(file)
        for table, version in {pair for tables in self._snapshots.values() for pair in tables.items()}:
            for partition in self._held(table, version) if table in self.w.base_tables else ():
                kept = self.w.tables[table]
                if mine & set(self.w.lake.batches(kept, partition=partition, version=version)):
                    if not self._cut(table):
                        return None
                    found.add(partition)
        return frozenset(found)

    def _concerned(self, model: str) -> bool:
        read = self.read_by(model)
        return self.partitions is None or read is None or bool(read & self.partitions)

    def _release_node(self, name: str) -> Node:
        made = self._releases[name].manifest
        return Node("release", name, f"{made.kind}, data up to {made.cutoff}")

    def _snapshot_node(self, name: str) -> Node:
        return Node(
            "snapshot", name, f"{len(self._snapshots[name])} tables" if name in self._snapshots else ""
        )

    @property
    def releases(self) -> list[str]:
        return sorted(self._releases)

    @property
    def table_versions(self) -> list[str]:
        """Every version of a table that a snapshot names, `demand@<digest>`."""
        pairs = {pair for tables in self._snapshots.values() for pair in tables.items()}
        return sorted(f"{table}@{version}" for table, version in pairs if table in self.w.tables)

    @property
    def raw_files(self) -> dict[str, RawFile]:
        return {file.digest: file for files in self._files.values() for file in files.values()}


def publication(found: Publication) -> Node:
    name = f"{found.cycle}/{found.release[:12]}-{found.revision}"
    return Node("publication", name, f"forecasts of {found.cycle}, revision {found.revision}")


def raw(file: RawFile) -> Node:
    return Node("raw", file.digest, f"{file.name}, received {file.received:%Y-%m-%d %H:%M} UTC")
