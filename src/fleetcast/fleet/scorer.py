"""Answering questions: the weekly scoring of a few series, on the snapshot that was published from, writing nothing."""

from collections.abc import Collection, Sequence
from datetime import date
from functools import lru_cache, partial
from threading import Lock

import polars as pl

from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.reach import Reach
from fleetcast.domain.tables import MEMBERSHIP, PRODUCTS
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.features import supposing
from fleetcast.fleet import prepared, releases
from fleetcast.fleet.prepared import SERIES, Prepared, Published
from fleetcast.fleet.what_if import Answer, Question, Row
from fleetcast.workspace import Workspace

KEPT = 4  # prepared partitions; of a full-size one features and models take some hundred MB


class Scorer:
    """Answers questions about one environment, from any number of threads.

    The pointer is read once for each question, so that an answer is of one release. Prepared partitions are kept, a
    few of them, by release, cycle and snapshot: a pointer that moves or data that come in are noticed by the next question.
    """

    def __init__(self, w: Workspace, *, kept: int = KEPT) -> None:
        self._w = w
        self._kept = lru_cache(maxsize=kept)(partial(prepared.prepare, w))
        self._places = lru_cache(maxsize=2)(self._read_places)
        self._locks = tuple(Lock() for _ in range(4 * kept))  # what two ask for at once is prepared once

    def ask(self, question: Question, *, regions: Collection[str] | None = None) -> Answer:
        """What is forecast of these series; UsageError names whatever is not there, and what is near it.

        With `regions`, those that somebody may see, the stores of all others are not there.
        """
        self._w.refuse_checkout()
        release = self._release(question.release)
        published = prepared.published(self._w)
        weeks = self._weeks(question.weeks, published.cycle)
        places = {
            store: partition
            for store, (partition, region) in self._places(published.snapshot).items()
            if regions is None or region in regions
        }
        pairs = self._pairs(question, places, published.snapshot)
        supposed: dict[str, float] = {}
        found: list[Row] = []
        for reach, mine in weeks.items():
            for partition, here in pairs.items():
                one = self._one(partition, reach, release, published)
                panel = one.ready.desk.panel
                supposed = {supposing.named(panel, name): value for name, value in question.suppose.items()}
                found += one.rows(here or self._all(one, question.stores), mine, supposed)
        sold = {(row.store, row.product) for row in found}
        absent = [pair for here in pairs.values() for pair in here if pair not in sold]
        if absent or not found:
            what = " × ".join(absent[0]) if absent else ", ".join(question.stores)
            raise UsageError(
                f"{what} is not sold in these weeks: the store is closed, or the product delisted"
            )
        return Answer(
            self._w.environment,
            published.cycle,
            release,
            published.snapshot.digest,
            supposed,
            tuple(sorted(found, key=lambda row: (row.store, row.product, row.week))),
        )

    def _release(self, name: str | None) -> str:
        if name is not None:
            return releases.named(self._w, name).id
        live = self._w.registry.releases.current()
        if live is None:
            raise UsageError(f"nothing is released in {self._w.environment} yet; run `fleetcast run`")
        return live.id

    def _weeks(self, asked: Collection[date], cycle: date) -> dict[Reach, list[date]]:
        """The weeks that are asked of the models of each reach."""
        settings = self._w.settings
        ahead = {
            reach: [cycle + horizon * WEEK for horizon in settings.reaching(reach).training.horizons]
            for reach in settings.reaches
        }
        if not asked:
            return {"short-term": ahead["short-term"]}
        every = [week for weeks in ahead.values() for week in weeks]
        for week in asked:
            if week not in every:
                raise UsageError(
                    f"{week} is not forecast by the cycle of {cycle}; it looks ahead to {', '.join(map(str, every))}"
                )
        wanted = {reach: [week for week in weeks if week in asked] for reach, weeks in ahead.items()}
        return {reach: weeks for reach, weeks in wanted.items() if weeks}

    def _pairs(
        self, question: Question, places: dict[str, str], snapshot: Snapshot
    ) -> dict[str, list[tuple[str, str]]]:
        """Stores × products by the partition that the store lies in; no pairs where all that a store has is meant."""
        if not question.stores:
            raise UsageError("name at least one store")
        found: dict[str, list[tuple[str, str]]] = {}
        for store in dict.fromkeys(question.stores):
            if store not in places:
                raise UsageError(f"there is no store {store!r}; there are {some(places, like=store)}")
            mine = found.setdefault(places[store], [])
            mine += [(store, product) for product in dict.fromkeys(question.products)]
        if question.products:
            known = set(
                self._w.lake.read(PRODUCTS, version=snapshot["products"], columns=["product"])["product"]
            )
            for product in question.products:
                if product not in known:
                    raise UsageError(
                        f"there is no product {product!r}; there are {some(known, like=product)}"
                    )
        return found

    @staticmethod
    def _all(one: Prepared, stores: Sequence[str]) -> list[tuple[str, str]]:
        batch = one.ready.trusted.served.universe.filter(pl.col("store").is_in(list(stores)))
        return batch.select(SERIES).unique().rows()

    def _one(self, partition: str, reach: Reach, release: str, published: Published) -> Prepared:
        key = (partition, reach, release, published)
        with self._locks[hash(key) % len(self._locks)]:
            return self._kept(*key)

    def _read_places(self, snapshot: Snapshot) -> dict[str, tuple[str, str]]:
        """Partition and region of every store."""
        key = self._w.settings.segments.partition
        members = self._w.lake.read(MEMBERSHIP, version=snapshot["segments"]).sort("valid_from")
        newest = members.unique("store", keep="last", maintain_order=True)
        partition = pl.col(key) if key else pl.lit("all")
        rows = newest.select("store", partition.alias("partition"), "region").iter_rows()
        return {store: (partition, region) for store, partition, region in rows}
