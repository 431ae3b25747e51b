"""Where things came from and what became of them, as the stores say: the steps that a lineage follows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from fleetcast.domain.tables import CLUSTERS, DELIVERIES, PRODUCTS, RETURNS, STORES
from fleetcast.domain.week import label
from fleetcast.fleet.holdings import Holdings
from fleetcast.fleet.lineage import Kind, Node, Step
from fleetcast.registry.publications import Publication
from fleetcast.sources.raw import RawFile

APPROVAL = "release.approve"
_DERIVED_FROM = (DELIVERIES, RETURNS, STORES, CLUSTERS, PRODUCTS)
_RELATIVES = {"parent": "served before it", "donor": "started from", "pool": "forecasts beside"}


@dataclass
class Origins:
    """The steps up and down from anything that is `held`.

    A forecast's release shows the one model that made it (`only`). A model's tables lead to the files that brought rows
    of the `partitions` it read, and a file's to the models that read those it brought rows of.
    """

    held: Holdings
    only: frozenset[str] | None = None
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
        last = self.held.w.publications.last(label(date.fromisoformat(cycle)), release)
        if last is not None:
            yield Step("published in", publication(last))
        else:
            yield Step("made with", self._release_node(release))
        if model:
            yield Step("made by", Node("model", model))

    def _of_publication(self, name: str) -> Iterator[Step]:
        found = next(one for one in self.held.w.publications.list() if publication(one).name == name)
        yield Step("made with", self._release_node(found.release))
        if found.cycle in self.held.cycles:
            yield Step("read", self._snapshot_node(self.held.cycles[found.cycle]))

    def _of_release(self, name: str) -> Iterator[Step]:
        with self.held.w.ledger.view() as view:
            approvals = view.audit(action=APPROVAL, subject=name)
        for event in approvals:
            yield Step("approved by", Node("approval", event.actor, f"{event.at:%Y-%m-%d %H:%M} UTC"))
        made = self.held.releases[name].manifest
        for model in sorted(made.models):
            if self.only is None or model in self.only:
                yield Step("serves", Node("model", model))
        yield from self._made_from(made.code, made.lock, made.settings, made.snapshot)

    def _of_model(self, name: str) -> Iterator[Step]:
        lineage = self.held.models[name].lineage
        for relative, words in _RELATIVES.items():
            if named := lineage.get(relative):
                yield Step(words, Node("model", str(named)), last=relative == "parent")
        for before in self.held.models.values():
            if before.segment == self.held.models[name].segment and before.artefact == lineage.get(
                "went_on_from"
            ):
                yield Step("went on from", Node("model", before.name), last=True)
        yield from self._made_from(*(str(lineage[n]) for n in ("code", "lock", "settings", "snapshot")))

    def _made_from(self, code: str, lock: str, settings: str, snapshot: str) -> Iterator[Step]:
        yield Step("code", Node("code", code))
        yield Step("packages", Node("lock", lock))
        yield Step("settings", Node("settings", settings))
        yield Step("trained on", self._snapshot_node(snapshot))

    def _of_snapshot(self, name: str) -> Iterator[Step]:
        for table, version in self.held.snapshots.get(name, {}).items():
            if table in self.held.w.tables and self.held.partitions_of(table, version):
                yield Step("", Node("table", f"{table}@{version}"))

    def _of_table(self, name: str) -> Iterator[Step]:
        table, _, version = name.partition("@")
        if table not in self.held.w.base_tables:
            yield from self._of_derived(table, version)
            return
        batches = self.held.batches(table, version)
        for source, files in self.held.files.items():
            mine = {file.digest for batch, file in files.items() if batch in batches}
            if mine:
                yield Step("conditioned from", Node("source", source))
        known = {batch for files in self.held.files.values() for batch in files}
        if lost := len(batches - known):
            says = f"{lost} batches of files whose conditioner has changed since"
            yield Step("conditioned from", Node("source", "unknown", says), last=True)

    def _of_derived(self, table: str, version: str) -> Iterator[Step]:
        """Net demand and segments are made of the tables beside them in a snapshot."""
        for tables in self.held.snapshots.values():
            if tables.get(table) == version:
                for base in _DERIVED_FROM:
                    if self.held.partitions_of(base.name, tables[base.name]):
                        yield Step("derived from", Node("table", f"{base.name}@{tables[base.name]}"))

    def _of_source(self, name: str) -> Iterator[Step]:
        for file in dict.fromkeys(self.held.files.get(name, {}).values()):
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
        batches = self.held.batches_of(name)
        versions = {pair for tables in self.held.snapshots.values() for pair in tables.items()}
        for table, version in sorted(versions):
            if table in self.held.w.base_tables and batches & self.held.batches(table, version):
                yield Step("conditioned from", Node("table", f"{table}@{version}"))

    def _from_table(self, name: str) -> Iterator[Step]:
        table, _, version = name.partition("@")
        for snapshot, tables in self.held.snapshots.items():
            if tables.get(table) == version:
                yield Step("", self._snapshot_node(snapshot))

    def _from_snapshot(self, name: str) -> Iterator[Step]:
        for model in self.held.models.values():
            if model.lineage.get("snapshot") == name and self.held.concerned(model.name):
                yield Step("trained on", Node("model", model.name))
        for found in self.held.w.publications.list():
            if self.held.cycles.get(found.cycle) == name:
                yield Step("read", publication(found))

    def _from_model(self, name: str) -> Iterator[Step]:
        for release in self.held.releases.values():
            if name in release.manifest.models:
                yield Step("serves", self._release_node(release.id))

    def _from_release(self, name: str) -> Iterator[Step]:
        for found in self.held.w.publications.list():
            if found.release == name:
                yield Step("made with", publication(found))

    def _release_node(self, name: str) -> Node:
        made = self.held.releases[name].manifest
        return Node("release", name, f"{made.kind}, data up to {made.cutoff}")

    def _snapshot_node(self, name: str) -> Node:
        return Node(
            "snapshot",
            name,
            f"{len(self.held.snapshots[name])} tables" if name in self.held.snapshots else "",
        )


def publication(found: Publication) -> Node:
    name = f"{found.cycle}/{found.release[:12]}-{found.revision}"
    return Node("publication", name, f"forecasts of {found.cycle}, revision {found.revision}")


def raw(file: RawFile) -> Node:
    return Node("raw", file.digest, f"{file.name}, received {file.received:%Y-%m-%d %H:%M} UTC")
