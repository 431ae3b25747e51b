"""Train the segments of one partition and judge what was trained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from fleetcast.domain.codes import codes, names
from fleetcast.domain.errors import CorruptError, DataError
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.history import History
from fleetcast.domain.models import Dumped, Form
from fleetcast.domain.reach import called
from fleetcast.domain.seeds import seed
from fleetcast.domain.tables import DEMAND, ROUNDS, Table
from fleetcast.domain.versions import canonical
from fleetcast.domain.week import WEEK
from fleetcast.features.panel import Index, Panel
from fleetcast.lake import Lake
from fleetcast.models import conformal, recipes
from fleetcast.models.baseline import Sold
from fleetcast.registry.bank import Bank
from fleetcast.registry.packs import pack, unpack
from fleetcast.rounds.subject import YOUNG, Subject
from fleetcast.rounds.walk import newest
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger
from fleetcast.training import donors, fitting, judging, pooling, stream
from fleetcast.training.account import Conditioned
from fleetcast.training.donors import Lent
from fleetcast.training.fitting import FittedBaselines, Walking
from fleetcast.training.origins import origins, walked
from fleetcast.training.pooling import NO_POOLS, Pools
from fleetcast.training.stream import Walked
from fleetcast.training.task import Donor, PoolVersion, TrainingTask, transferred
from fleetcast.training.together import Together
from fleetcast.training.views import Views

log = get_logger()

REPLAYED = 52  # weeks
JUDGED = tuple(name for name in ROUNDS.columns if name not in ("lasso", "net"))  # of a round's forecasts
AT_ONCE = 8  # weeks of rounds that end together: to take some rows out of a file is to write it anew


def train(
    task: TrainingTask,
    history: History,
    tables: Mapping[str, Table],
    *,
    demand_version: str,
    settings: Settings,
    lake: Lake,
    bank: Bank,
    elsewhere: Callable[[str], History] | None = None,
    asked: str | None = None,
) -> str:
    """Train a partition; its round forecasts go to the lake; its models, pool and baselines to the bank as a pack each.

    Returns the digest of the record in the bank; `asked`, which it names, is where the bank keeps what was asked. A model
    that cannot be trained is named in it with its error, and the others are trained; so is one that did not see every row
    that was conditioned (`demand_version`). Without their pool the segments are trained alone; a young one's
    donor is made again from its partition `elsewhere`.
    """
    views = Views(task.cutoff, history, tables, settings)
    del history  # the views let it go when it is not needed
    record, walked, series = _trained(task, views, demand_version, None, lake, bank, elsewhere)
    del views  # it is large, and so are the rounds
    output = bank.put(canonical(record | {"task": asked}))
    _join(walked, series, task, settings, lake)
    return output


def _join(
    walked: Sequence[Walked], series: pl.DataFrame, task: TrainingTask, settings: Settings, lake: Lake
) -> None:
    """Rounds join the stream in the lake, of which only the origins that change are read and written: each is a batch."""
    held, since = lake.batches(ROUNDS, partition=task.partition), _first_kept(task.cutoff, settings)
    earlier = [origin for origin in held if origin < str(task.cutoff)]
    before = _first_kept(date.fromisoformat(earlier[-1]), settings) if earlier else since
    changing = stream.touched(held, walked, task.cutoff, since=since, before=before)
    stored = lake.of_batches(ROUNDS, changing, partition=task.partition)
    rows = stream.joined(stored, walked, series, since=since)
    batch = pl.col("origin").dt.to_string("%Y-%m-%d")
    lake.write(ROUNDS, rows.with_columns(batch=batch), partition=task.partition, batches=changing)


@dataclass(frozen=True)
class Retrained:
    """What a training left when it was done once more: its record, and its rounds, which no table holds."""

    record: dict[str, Any]
    rounds: pl.DataFrame


def retrain(
    task: TrainingTask,
    history: History,
    tables: Mapping[str, Table],
    *,
    demand_version: str,
    settings: Settings,
    lake: Lake,
    bank: Bank,
    elsewhere: Callable[[str], History] | None = None,
) -> Retrained:
    """Do a training once more, from the rounds there were before its week; the lake stays as it is.

    Its packs go to `bank`, which may be one that is thrown away. Fewer segments of the partition give the same models.
    """
    views = Views(task.cutoff, history, tables, settings)
    before = lake.before(ROUNDS, task.partition, task.cutoff)
    record, walked, _ = _trained(task, views, demand_version, before, lake, bank, elsewhere)
    return Retrained(record, pl.concat([lake.read(ROUNDS, partition=""), *(one.rounds for one in walked)]))


def _trained(
    task: TrainingTask,
    views: Views,
    demand_version: str,
    before: str | None,
    lake: Lake,
    bank: Bank,
    elsewhere: Callable[[str], History] | None,
) -> tuple[dict[str, Any], list[Walked], pl.DataFrame]:
    """The record, the rounds of each segment that was trained, and the panel's series.

    Earlier rounds are those of the stream's version `before`, the latest where none is named.
    """
    settings, chains = views.settings, _chains(task, bank)
    series = views.now.panel.series
    held = _held(lake, task.partition, demand_version, views.now.panel)

    pools, pool = _pools(task, views, held, bank)
    lending = _Lending(task, views, bank, elsewhere)
    near = pl.col("origin") >= _first_judged(task.cutoff, settings)
    stored = lake.read(ROUNDS, version=before, partition=task.partition, where=near)
    together, planned = Together(task, views), _walked(task.cutoff, settings)
    went_on: dict[str, str | None] = {}
    stood: dict[str, date | None] = {}
    for segment in task.segments:
        with together.failing(segment):
            donor = lending.donor(segment)
            recipe = transferred(task.recipe, donor.segment) if donor else task.recipe
            chain = chains.get(segment) if task.goes_on(segment, recipe) else None
            went_on[segment] = task.chains[segment].artefact if chain is not None else None
            missing = stream.missing(planned, chain)
            stood[segment] = None if chain is None else min(newest(chain), task.cutoff - WEEK)
            begun = Walking.begun(
                segment,
                stream.standing(stored, segment, recipe, chain),
                chain=chain,
                recipe=recipe,
                settings=settings,
                name=called(segment, task.reach),
                pools=pools,
                donor=lending.lent(donor, missing) if donor else None,
                afresh=chain is not None and task.chains[segment].refused,
            )
            together.join(segment, begun, missing)
    del stored  # each walks with its own
    if not together.missing:
        views.nothing_but_now()
    together.walk()
    sold, baselines = Sold.of(views.now.panel), FittedBaselines()  # both reaches fall back on the same ones
    averages = fitting.averages_of(sold)
    if task.reach == "short-term":
        baselines = fitting.fit_baselines(views.now.panel, sold)
    del sold  # before the examples come
    arrived = together.arrive(held, averages)
    models = {key: model for fitted in arrived for key, model in fitted.models.items()}

    record = {
        "partition": task.partition,
        "cutoff": task.cutoff.isoformat(),
        "recipe": task.recipe,
        "data": views.history.version,
        "pack": bank.put(pack(models)),
        "baseline_pack": bank.put(pack(baselines.models)),  # apart: a damaged file takes one of the two
        "segments": [
            fitted.record | {"went_on_from": went_on[fitted.record["segment"]]} for fitted in arrived
        ],
        "baselines": baselines.records,
        "pool": pool,
        "failed": together.failed,
    }
    return record, [Walked(fitted.rounds, stood[fitted.record["segment"]]) for fitted in arrived], series


class _Lending:
    """The donors of a task's young segments; a partition they stand in is looked at when first asked for."""

    def __init__(
        self, task: TrainingTask, views: Views, bank: Bank, elsewhere: Callable[[str], History] | None
    ) -> None:
        self._task, self._bank, self._elsewhere = task, bank, elsewhere
        self._views = {task.partition: views}

    def donor(self, segment: str) -> Donor | None:
        """The version that lends to a segment: none to one that is old enough, nor one that is damaged."""
        donor, here = self._task.donors.get(segment), self._views[self._task.partition]
        if donor is None or Subject(segment, segment, here.settings).weeks(here.now.panel) >= YOUNG:
            return None
        if donor.partition != self._task.partition and self._elsewhere is None:
            return None
        if not self._bank.has(donor.artefact) or self._bank.damaged({donor.artefact}):
            log.warning("donor_lost", segment=segment, donor=donor.model)
            return None
        return donor

    def lent(self, donor: Donor, origins: list[date]) -> Lent:
        here = self._views[self._task.partition]
        if donor.partition not in self._views and self._elsewhere is not None:
            self._views[donor.partition] = Views(
                here.cutoff, self._elsewhere(donor.partition), here.tables, here.settings
            )
        served = recipes.load(unpack(self._bank.get(donor.artefact))[donor.key])
        return donors.lent(donor, served, self._views[donor.partition].each(origins), here.settings)


def _held(lake: Lake, partition: str, demand_version: str, panel: Panel) -> dict[str, Conditioned]:
    """What the lake holds of each segment."""
    columns = ["store", "product", "units"]
    index, among = Index(panel.series, panel.weeks), names([panel.series["segment"]])
    segment = np.append(codes(panel.series["segment"], among), np.int32(len(among)))  # the last one for −1
    rows, sums = np.zeros(len(among) + 1, np.int64), np.zeros(len(among) + 1)
    for some in lake.spans(DEMAND, version=demand_version, partition=partition, columns=columns):
        of = segment[index.row(some)]
        rows += np.bincount(of, minlength=len(rows))
        sums += np.bincount(of, some["units"].fill_null(0.0).to_numpy(), len(rows))
    return {name: Conditioned(int(rows[s]), float(sums[s])) for s, name in enumerate(among) if rows[s]}


def _pools(
    task: TrainingTask, views: Views, held: Mapping[str, Conditioned], bank: Bank
) -> tuple[Pools, dict[str, Any] | None]:
    """What lends to the segments, and the record of it: `fitted`, `lent` by a version that is there, or `failed`."""
    if task.pooling is None:
        return NO_POOLS, None
    try:
        if task.pooling.fits:
            return _fitted_pool(task, task.pooling.version, views, held, bank)
        return _lent_pool(task, task.pooling.version, views.settings, bank)
    except FAILURES as error:
        log.warning("pool_failed", partition=task.partition, error=told(error))
        return NO_POOLS, {"failed": told(error)}


def _fitted_pool(
    task: TrainingTask,
    before: PoolVersion | None,
    views: Views,
    held: Mapping[str, Conditioned],
    bank: Bank,
) -> tuple[Pools, dict[str, Any]]:
    """The pool fitted anew, from where the version before it had come to."""
    chain, stored = _pool_chain(before, bank), dict[date, str]()
    planned = _walked(task.cutoff, views.settings)
    if before is not None and chain is not None:
        stored = {date.fromisoformat(origin): artefact for origin, artefact in before.rounds.items()}
    fitted = pooling.fit_pool(
        task.partition,
        views.now,
        views.each(stream.missing(planned, chain)),
        _loaded(stored, pooling.name(task.partition), views.settings, bank),
        conditioned=Conditioned(sum(h.rows for h in held.values()), sum(h.units for h in held.values())),
        chain=chain,
        settings=views.settings,
    )
    key = fitted.record["key"]
    stored |= {origin: bank.put(pack({key: made})) for origin, made in fitted.rounds.items()}
    rounds = {str(origin): stored[origin] for origin in [*planned, task.cutoff] if origin in stored}
    parent = before.model if before is not None and chain is not None else None
    log.info("trained", segment=key, **fitted.record["rows"])
    return fitted.pools, {
        "fitted": fitted.record | {"rounds": rounds, "parent": parent},
        "pack": bank.put(pack(fitted.models)),
    }


def _pool_chain(version: PoolVersion | None, bank: Bank) -> Dumped | None:
    if version is None or version.chain is None:
        return None
    try:
        return unpack(bank.get(version.artefact)).get(version.chain)
    except CorruptError as error:
        log.warning("chain_lost", artefact=version.artefact, error=str(error))
        return None


def _lent_pool(
    task: TrainingTask, version: PoolVersion | None, settings: Settings, bank: Bank
) -> tuple[Pools, dict[str, Any]]:
    """The pool there is, and those of its rounds: some segments' training never makes it anew."""
    if version is None:
        raise DataError(
            f"{task.partition} has no pool of this recipe yet: the next training of all its segments makes one"
        )
    rounds = {date.fromisoformat(origin): artefact for origin, artefact in version.rounds.items()}
    served = recipes.load(unpack(bank.get(version.artefact))[version.key])
    earlier = _loaded(rounds, version.key, settings, bank)
    return Pools({**earlier.trained, version.cutoff: served}), {"lent": version.model}


def _loaded(rounds: Mapping[date, str], key: str, settings: Settings, bank: Bank) -> Pools:
    """The pools of earlier rounds; instead of one that is damaged an older one lends."""
    load, found = recipes.door(settings.training.recipe).load, {}
    for origin, artefact in rounds.items():
        try:
            found[origin] = load(unpack(bank.get(artefact))[key])
        except CorruptError as error:
            log.warning("pool_round_lost", origin=str(origin), artefact=artefact, error=str(error))
    return Pools(found)


def _chains(task: TrainingTask, bank: Bank) -> dict[str, Dumped]:
    """The chains that can be loaded; a segment whose chain is damaged begins a new one, from its oldest round."""
    packs: dict[str, Mapping[str, Dumped]] = {}
    for artefact in sorted({chain.artefact for chain in task.chains.values()}):
        try:
            packs[artefact] = unpack(bank.get(artefact))
        except CorruptError as error:
            log.warning("chain_lost", artefact=artefact, error=str(error))
            packs[artefact] = {}
    return {
        segment: packs[chain.artefact][chain.key]
        for segment, chain in task.chains.items()
        if chain.key in packs[chain.artefact]
    }


def judge(
    partition: str,
    segments: Mapping[str, str | None],
    champions: Mapping[str, str],
    *,
    cutoff: date,
    forms: Mapping[str, Mapping[Form, str]],
    demand_version: str,
    settings: Settings,
    lake: Lake,
    rounds: pl.DataFrame | None = None,
) -> dict[str, dict[str, object]]:
    """The gate's verdict on each trained segment (segment → mover class), from the partition's stored `rounds`, or others.

    `forms` names the rounds of each form that a segment could serve in, `champions` those of its champion: its own of the
    same weeks, where they are other ones, are what the challenger must not be inferior to.
    """
    last = _judged(cutoff, settings)[-1]  # the newest origin that is judged whole
    judged = pl.col("origin").is_between(_first_judged(cutoff, settings), last)
    stored = (
        rounds.filter(judged).select(JUDGED)
        if rounds is not None
        else lake.read(ROUNDS, partition=partition, columns=JUDGED, where=judged)
    )
    since = stored.select(pl.col("week").min().fill_null(cutoff)).item()
    actual = lake.read(
        DEMAND,
        version=demand_version,
        partition=partition,
        columns=["store", "product", "week", "units", "censored"],
        where=pl.col("final") & (pl.col("week") >= since),
    )
    scored = stored.join(actual, on=["store", "product", "week"], how="left")
    of, nothing = scored.partition_by("segment", "recipe", as_dict=True), scored.clear()
    asked = {
        segment: {*forms[segment].values(), *filter(None, [champions.get(segment)])} for segment in segments
    }
    return {
        segment: judging.judged(
            {recipe: of.get((segment, recipe), nothing) for recipe in asked[segment]},
            forms[segment],
            champions.get(segment),
            newest=settings.training.rounds,
            settings=settings.gate,
            mover=mover,
            seed=seed(settings.training.seed, segment, "gate"),
        )
        for segment, mover in segments.items()
    }


def _judged(cutoff: date, settings: Settings) -> list[date]:
    return origins(cutoff, **_reach(settings))


def _walked(cutoff: date, settings: Settings) -> list[date]:
    return walked(cutoff, **_reach(settings))


def _first_kept(cutoff: date, settings: Settings) -> dict[int, date]:
    """By horizon the oldest origin whose rounds anything reads.

    Orders are replayed from the nearest week ahead, as far back as `REPLAYED`. Rounds stay up to `AT_ONCE` weeks longer.
    """
    found: dict[int, date] = {}
    for own in map(settings.reaching, settings.reaches):
        found |= dict.fromkeys(own.training.horizons, _first_judged(cutoff, own))
    nearest = min(found)
    found[nearest] = min(found[nearest], cutoff - (REPLAYED + conformal.ROUNDS) * WEEK)
    return {horizon: _whole_blocks(since) for horizon, since in found.items()}


def _first_judged(cutoff: date, settings: Settings) -> date:
    """The oldest origin whose rounds the gate judges or intervals are made of, at the reach of these settings."""
    reach = _reach(settings)
    weeks = max(reach["rounds"], conformal.ROUNDS) + reach["longest"] + reach["open_weeks"]
    return min(_walked(cutoff, settings)[0], cutoff - weeks * WEEK)


def _whole_blocks(since: date) -> date:
    """The first week of its block of `AT_ONCE`, the same for everybody."""
    return since - (since.toordinal() // 7 % AT_ONCE) * WEEK


def _reach(settings: Settings) -> dict[str, int]:
    return {
        "rounds": settings.training.rounds,
        "longest": max(settings.training.horizons),
        "open_weeks": settings.demand.returns_weeks,
    }
