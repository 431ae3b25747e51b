"""What the stores of an environment hold of releases, models, snapshots, tables and raw files, each asked once."""

import json
from dataclasses import dataclass
from functools import cached_property

from fleetcast.conditioning.stage import batches_of
from fleetcast.domain.errors import FleetcastError
from fleetcast.registry.manifest import Release
from fleetcast.registry.models import ModelVersion
from fleetcast.sources.raw import RawFile
from fleetcast.workspace import Workspace


@dataclass
class Holdings:
    """All of an environment, or what concerns some `partitions` of it."""

    w: Workspace
    partitions: frozenset[str] | None = None

    @cached_property
    def releases(self) -> dict[str, Release]:
        return {release.id: release for release in self.w.registry.releases.list()}

    @cached_property
    def models(self) -> dict[str, ModelVersion]:
        return {version.name: version for version in self.w.registry.models.list()}

    @cached_property
    def cycles(self) -> dict[str, str]:
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
    def snapshots(self) -> dict[str, dict[str, str]]:
        """By digest the tables of every snapshot that anything was made from, and that can still be read."""
        digests = {release.manifest.snapshot for release in self.releases.values()}
        found: dict[str, dict[str, str]] = {}
        for digest in sorted(digests | set(self.cycles.values())):
            try:
                found[digest] = json.loads(self.w.bank.get(digest))
            except FleetcastError:
                continue  # a release that was cut by hand, of a snapshot that never was one
        return found

    @cached_property
    def files(self) -> dict[str, dict[str, RawFile]]:
        """By source, its raw files by the batch of rows that its conditioner makes of them."""
        return {
            source: batches_of(self.w.raw.files(source), self.w.conditioner_of(source).digest)
            for source in self.w.settings.sources
        }

    def partitions_of(self, table: str, version: str) -> list[str]:
        return self.w.lake.partitions(self.w.tables[table], version)

    def batches(self, table: str, version: str) -> set[str]:
        kept, held = self.w.tables[table], self.partitions_of(table, version)
        if self.partitions is not None and self.cut(table):
            held = [partition for partition in held if partition in self.partitions]
        return {
            batch
            for partition in held
            for batch in self.w.lake.batches(kept, partition=partition, version=version)
        }

    def cut(self, table: str) -> bool:
        """Whether a table is stored by partition."""
        return {"store", "week"} <= set(self.w.tables[table].key)

    def batches_of(self, file: str) -> set[str]:
        return {batch for files in self.files.values() for batch, one in files.items() if one.digest == file}

    def read_by(self, model: str) -> frozenset[str] | None:
        """The partitions whose rows a model was trained on: its own and its donor's; None where nobody wrote them down."""
        lineage = self.models[model].lineage
        beside = [self.models[str(lineage["donor"])].lineage] if lineage.get("donor") else []
        found = {one.get("partition") for one in (lineage, *beside)}
        return None if None in found else frozenset(map(str, found))

    def brought_by(self, file: str) -> frozenset[str] | None:
        """The partitions that a raw file brought rows of; None where they concern all."""
        found, mine = set[str](), self.batches_of(file)
        for table, version in {pair for tables in self.snapshots.values() for pair in tables.items()}:
            for partition in self.partitions_of(table, version) if table in self.w.base_tables else ():
                kept = self.w.tables[table]
                if mine & set(self.w.lake.batches(kept, partition=partition, version=version)):
                    if not self.cut(table):
                        return None
                    found.add(partition)
        return frozenset(found)

    def concerned(self, model: str) -> bool:
        read = self.read_by(model)
        return self.partitions is None or read is None or bool(read & self.partitions)

    @property
    def table_versions(self) -> list[str]:
        """Every version of a table that a snapshot names, `demand@<digest>`."""
        pairs = {pair for tables in self.snapshots.values() for pair in tables.items()}
        return sorted(f"{table}@{version}" for table, version in pairs if table in self.w.tables)

    @property
    def raw_files(self) -> dict[str, RawFile]:
        return {file.digest: file for files in self.files.values() for file in files.values()}
