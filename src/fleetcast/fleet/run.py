"""A cycle: one environment's work for one week, from raw files to published forecasts."""

import errno
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from fleetcast.conditioning import stage as conditioning
from fleetcast.domain.errors import (
    CorruptError,
    DataError,
    GateFailed,
    InfrastructureError,
    PolicyRefusal,
    UsageError,
)
from fleetcast.domain.failures import DISK_FULL, FAILURES, told
from fleetcast.domain.reach import Reach, called, reach_of
from fleetcast.domain.tables import COMPLETENESS, DEMAND, FORECASTS, MEMBERSHIP, ORDERS
from fleetcast.domain.versions import Snapshot, digest_of
from fleetcast.domain.week import is_week, known_by, label, monday
from fleetcast.fleet import ancestry, pins, promoting, rehearsals, reporting, timing, work
from fleetcast.fleet import plan as planning
from fleetcast.fleet import release as releasing
from fleetcast.fleet.executors import beside_the_ledger, executor
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.report import CycleReport, Rehearsal
from fleetcast.fleet.steps import Done, Failed, Steps
from fleetcast.ledger.leases import Lease
from fleetcast.models import recipes
from fleetcast.monitoring import stage as monitoring
from fleetcast.registry.manifest import Reference, Release
from fleetcast.registry.publications import Publication
from fleetcast.scoring import stage as scoring
from fleetcast.scoring.stage import ScoringTask
from fleetcast.settings import branch_digest
from fleetcast.telemetry import get_logger
from fleetcast.training import stage as training
from fleetcast.training.task import TrainingTask
from fleetcast.workspace import Workspace

log = get_logger()

Only = Literal["condition", "train", "validate", "score", "monitor"]
TRAIN: dict[Reach, str] = {
    "short-term": "train",
    "long-term": "train long-term",
}  # the steps they are trained in
LEASE = 30.0  # seconds without a heartbeat until another scheduler may take the cycle over
FILES = 16  # of a table's partition, from which on the older half is joined


def run_cycle(
    w: Workspace, *, week: date | None = None, only: Only | None = None, progress: Progress, actor: str
) -> CycleReport:
    """Do a week, or one part of it. What was done before with the same inputs is not done again."""
    started = time.monotonic()
    try:
        with recorded(w, "cycle", actor=actor):
            w.refuse_checkout()
            return _run_cycle(w, week, only, progress, actor, started)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InfrastructureError(DISK_FULL) from error


def _run_cycle(
    w: Workspace, week: date | None, only: Only | None, progress: Progress, actor: str, started: float
) -> CycleReport:
    with w.ledger.lease("cycle", actor, LEASE) as lease:
        data = Steps("data", w.ledger, w.bank, lease)
        accounts = _condition(w, data, progress) if only in (None, "condition", "validate") else []
        pin = pins.admit(w, actor=actor)
        cycle = Cycle(w, cutoff(w, week, pin), progress, actor, lease, pin)
        cycle.run(only)
        return reporting.report(
            w,
            cycle.week,
            cut=cycle.cut,
            accounts=accounts,
            quorum=cycle.quorum,
            awaiting=cycle.awaiting,
            rehearsed=cycle.rehearsed,
            resumed=cycle.broken_off and cycle.steps.taken_over > 0,
            unchanged=not data.done and not cycle.steps.done,
            seconds=time.monotonic() - started,
        )


def rehearse(w: Workspace, release: Release, *, progress: Progress, actor: str) -> Rehearsal:
    """What a release that is not live would publish for its week; nothing is published."""
    with w.ledger.lease("cycle", actor, LEASE) as lease:
        cycle = Cycle(w, release.manifest.cutoff, progress, actor, lease)
        try:
            return cycle.rehearse_with(release, w.registry.releases.current())
        finally:
            cycle.executor.close()
            cycle.scoring.close()


def cutoff(w: Workspace, week: date | None, pin: Snapshot | None = None) -> date:
    """The week a cycle is for: the one asked for, else the newest with deliveries that is complete by now.

    `pin` is the snapshot that the cycle reads, else the one that stands.
    """
    span = work.first_and_last_week(w, pin or pins.standing(w))
    if span is None:
        raise DataError(
            f"there are no deliveries in {w.environment} yet; run `fleetcast run` or `fleetcast condition`"
        )
    first, last = span
    if week is not None and not is_week(week):
        raise UsageError(f"{week} is no Monday, and a week is named by its Monday: {monday(week)}")
    if week is not None and not first <= week <= last:
        raise UsageError(f"no deliveries are known of the week {week}; weeks {first} to {last} have some")
    now, ready = w.clock(), w.settings.calendar.ready_after_days
    newest = min(last, monday(now.date()))
    while known_by(newest, ready) > now:
        newest -= timedelta(weeks=1)
    if week is not None and week > newest:
        raise UsageError(
            f"the week {week} is complete on {known_by(week, ready):%Y-%m-%d}; until then run {newest}"
        )
    published = max((leaf.week for leaf in w.lake.leaves(COMPLETENESS)), default="")
    if str(week or newest) < published:
        raise UsageError(
            f"the week {week or newest} is over: {published} is published already, by models that know more; leave it as it is"
        )
    return week or newest


def _condition(w: Workspace, steps: Steps, progress: Progress) -> list[conditioning.Account]:
    """Take in the raw files there are; the same files, conditioners and settings make nothing new."""
    progress.stage("receive", None)
    received = conditioning.receive(w.settings, base=w.home, data=w.address.data, raw=w.raw, now=w.clock())
    files = sum(len(found) for found in received.values())
    progress.done("receive", f"{files} files of {len(received)} sources")
    conditioners = {source: w.conditioner_of(source) for source in received}

    progress.stage("condition", len(received))
    done = steps.once(
        "condition",
        {"code": w.intake, "sources": conditioning.inputs(received, conditioners, w.settings)},
        lambda: [
            asdict(account)
            for account in conditioning.condition(
                received,
                conditioners,
                w.base_tables,
                settings=w.settings,
                raw=w.raw,
                lake=w.lake,
                progress=lambda source: progress.advance("condition", source),
            )
        ],
    )
    accounts = [conditioning.Account(**account) for account in done.result]
    quarantined = sum(account.quarantined for account in accounts)
    rows = sum(account.rows for account in accounts)
    progress.done(
        "condition", f"{rows:,} rows, {quarantined:,} quarantined" + (" (as before)" if done.resumed else "")
    )
    return accounts


class Cycle:
    """One environment's work for one week; its methods are its steps, in order."""

    def __init__(
        self,
        w: Workspace,
        week: date,
        progress: Progress,
        actor: str,
        lease: Lease | None = None,
        pin: Snapshot | None = None,
    ) -> None:
        self.w, self.week, self.actor = w, week, actor
        self.pin = pin or pins.standing(w)  # the base tables that it reads
        self.name = label(week)
        self.deadline = timing.deadline(week, w.settings.execution.publish_within_days)
        self.progress = timing.Timed(
            progress, timing.usual(w.ledger, before=self.name), self.deadline, w.clock
        )
        self.steps = Steps(self.name, w.ledger, w.bank, lease)
        self.broken_off = False  # whether the run before this one did not come to its end
        self.cut: Release | None = None  # the release made for this week, unless it was rolled back since
        self.quorum = True  # until a release of this cycle misses it
        self.awaiting = ""  # why the release made for this week waits for people, if it does
        self.rehearsed: Rehearsal | None = None
        self.untrained: dict[str, str] = {}  # models that its training failed to make, with the reason
        self.partitions = work.partitions(w, self.pin)
        self.executor = executor(w.settings.execution)
        self.scoring = beside_the_ledger(w.settings.execution, self.executor)

    def run(self, only: Only | None) -> None:
        """Do the steps; the ledger keeps the cycle's state whatever happens."""
        self.broken_off = any(c.cycle == self.name and c.state != "done" for c in self.w.ledger.cycles())
        self.w.ledger.cycle_started(self.name)
        try:
            if only in (None, "condition", "train", "validate"):
                self.derive()
            if only in (None, "train", "validate"):
                self.train_and_release(promote=only is None)
            if only == "validate":
                self.rehearse()
            if only in (None, "score"):
                self.score_and_publish()
            if only in (None, "monitor"):
                self.monitor()
                self._compact()
        except BaseException as error:
            self.w.ledger.cycle_finished(self.name, "failed", {"error": str(error)})
            raise
        finally:
            self.executor.close()
            self.scoring.close()
        in_time = None if self.deadline is None else self.w.clock() <= self.deadline
        self.w.ledger.cycle_finished(self.name, "done", {"only": only or "all", "in_time": in_time})

    # ---------------------------------------------------------------- data

    def derive(self) -> None:
        """Net demand and segments, as of the cutoff."""
        self.progress.stage("derive", None)
        settings = self.w.settings
        branches = (settings.demand, settings.segments, settings.calendar)
        inputs = {
            "tables": dict(self.pin.tables),
            "settings": [branch_digest(branch) for branch in branches],
            "horizons": list(settings.horizons),
            "code": self.w.code,
            "received": [moment.isoformat() for moment in self.received],
        }
        self.steps.once("derive", inputs, self._derive)
        self.progress.done("derive", f"demand of {len(self.partitions)} partitions up to {self.week}")

    def _derive(self) -> dict[str, str]:
        conditioning.derive(
            self.w.lake,
            cutoff=self.week,
            settings=self.w.settings,
            received=self.received,
            snapshot=self.pin,
        )
        return dict(self.pin.tables) | dict(self.w.lake.snapshot([DEMAND, MEMBERSHIP]).tables)

    @cached_property
    def received(self) -> tuple[datetime, ...]:
        """When files came in, as everything in this cycle sees it."""
        return reporting.received(self.w, self.week)

    @cached_property
    def snapshot(self) -> Snapshot:
        """What the steps after `derive` read."""
        found = reporting.snapshot(self.w, self.week)
        if found is None:
            raise UsageError(
                f"week {self.week} has not been conditioned in {self.w.environment}; run `fleetcast condition` first"
            )
        return found

    # ---------------------------------------------------------------- models

    def train_and_release(self, *, promote: bool) -> None:
        """Plan, train, judge, cut a release, and make it live when the quorum is met."""
        fleet = reporting.cells(self.w, self.week, self.snapshot)
        decisions = self._plan(fleet)
        chosen = {decision["segment"] for decision in decisions if decision["retrain"]}
        trained = {reach: self._train(fleet, chosen, reach) for reach in self.w.settings.reaches}
        if not chosen and self._pinned():
            return  # the live release stays as it is
        trained = {reach: self._with_waiting(made, reach) for reach, made in trained.items()}
        self.progress.stage("release", None)
        released = self.steps.once(
            "release",
            {
                "trained": trained,
                "gate": branch_digest(self.w.settings.gate),
                "week": str(self.week),
                "artifact": self.w.artifact.id if self.w.artifact else None,
                "policy": releasing.keep_policy(self.w),
            },
            lambda: self._release(fleet, trained),
        )
        release, quorum = released.result["release"], released.result["quorum"]
        self.quorum, self.untrained = quorum["met"], released.result["failed"]
        self.progress.done("release", f"{release[:12]}: {quorum['text']}")
        promoted = False
        if promote and quorum["met"]:
            promoted = self._promoted(released.result)
        if not promoted or self.w.ledger.pointer() == release:  # else it was live, and rolled back
            self.cut = self.w.registry.releases.get(release)

    def orders(self, step: str) -> "dict[str, work.Train] | dict[str, work.Score]":
        """What the parts of a step are asked that leaves for workers, by part; nothing of any other step."""
        reach = next((reach for reach, name in TRAIN.items() if name == step), None)
        if reach is not None:
            fleet = reporting.cells(self.w, self.week, self.snapshot)
            chosen = {decision["segment"] for decision in self._plan(fleet) if decision["retrain"]}
            return self._training(fleet, chosen, reach)
        live = self.w.registry.releases.current()
        return self._scoring(live.id) if step == "score" and live else {}

    def _training(self, fleet: list[reporting.Cell], chosen: set[str], reach: Reach) -> dict[str, work.Train]:
        return {
            task.partition: work.Train(self.w.address, self.snapshot, self.received, task)
            for task in self._training_tasks(fleet, chosen, reach)
        }

    def _with_waiting(self, trained: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
        """With the trainings of earlier runs of this week whose models wait: no release has brought them to serve yet."""
        earlier = {
            step.part: step.output_digest
            for step in self.w.ledger.steps(self.name)
            if step.step == TRAIN[reach]
            and step.output_digest
            and step.part not in trained["outputs"].keys() | trained["failed"].keys()
        }
        if not earlier:  # as in a week that is done in one go: then no models have to be read
            return {**trained, "waiting": []}
        code, waiting = self.w.code_of(reach), self.w.registry.models.list(state="registered")
        packs = {version.artefact for version in waiting if version.lineage.get("code") == code}
        more = {
            partition: output
            for partition, output in earlier.items()
            if self.steps.result(output)["pack"] in packs
        }
        outputs = dict(sorted({**more, **trained["outputs"]}.items()))
        return {**trained, "outputs": outputs, "waiting": sorted(more)}

    def _pinned(self) -> bool:
        """Whether the live release names the artifact and the policy that are here now: they change without any training."""
        live = self.w.registry.releases.current()
        own = (self.w.artifact.id if self.w.artifact else None, releasing.keep_policy(self.w))
        return live is not None and (live.manifest.artifact, live.manifest.policy) == own

    def _promoted(self, released: Mapping[str, Any]) -> bool:
        """Make a release live unless it was before; true when it was. One that is damaged leaves the live one serving.

        So does one that people have to look at first.
        """
        live, made = self.w.registry.releases.current(), self.w.registry.releases.get(released["release"])
        decision = promoting.decide(self.w, made, live)
        if not decision.allowed and (live is None or live.id != made.id):
            self.awaiting = decision.why
            log.warning("awaits_approval", release=made.id, why=decision.why)
            return False
        try:
            done = self.steps.once(
                "promote", {"release": released["release"]}, lambda: self._promote(released)
            )
        except CorruptError as error:
            log.warning("not_promoted", release=released["release"], error=str(error))
            return False
        return done.resumed

    def _plan(self, fleet: list[reporting.Cell]) -> list[dict[str, Any]]:
        inputs = {
            "segments": [str(cell.segment) for cell in fleet],
            "snapshot": self.snapshot.digest,
            "code": [self.w.code_of(reach) for reach in self.w.settings.reaches],
            "settings": branch_digest(self.w.settings.retraining),
        }
        decided = self.steps.once(
            "plan",
            inputs,
            lambda: [
                {"segment": d.segment, "retrain": d.retrain, "reason": d.reason}
                for d in planning.plan(self.w, week=self.week, snapshot=self.snapshot, fleet=fleet)
            ],
        )
        return list(decided.result)

    def _train(self, fleet: list[reporting.Cell], chosen: set[str], reach: Reach) -> dict[str, Any]:
        """Records by partition, and the error of those that failed whole, of the models of a reach."""
        orders = self._training(fleet, chosen, reach)
        step = TRAIN[reach]
        self.progress.stage(step, len(orders))
        outputs: dict[str, str] = {}
        failed: dict[str, str] = {}
        for partition, ended in self.steps.each(step, orders, _train_inputs, work.train, self.executor):
            if isinstance(ended, Failed):
                failed[partition] = ended.error
                log.error("partition_failed", step=step, partition=partition, error=ended.error)
            else:
                outputs[partition] = ended.output
            self.progress.advance(step, partition)
        asked = sorted(name for name in chosen if reach_of(name) == reach)
        self.progress.done(step, f"{len(asked)} segments in {len(orders)} partitions")
        if DISK_FULL in failed.values():  # it is no segment's fault, and the others would find no room either
            raise InfrastructureError(DISK_FULL)
        return {
            "outputs": dict(sorted(outputs.items())),
            "failed": dict(sorted(failed.items())),
            "chosen": asked,
        }

    def _training_tasks(
        self, fleet: list[reporting.Cell], chosen: set[str], reach: Reach
    ) -> Iterator[TrainingTask]:
        versions, recipe = self.w.registry.models.list(), self.w.recipe_of(reach)
        settings = self.w.settings.reaching(reach).training
        pools = recipes.door(settings.recipe).pools
        chains = ancestry.chains(versions, recipe=recipe, week=self.week)
        donors = ancestry.donors(
            versions,
            [cell.segment for cell in fleet],
            named=settings.donors,
            partition=self.w.settings.segments.partition,
            recipe=recipe,
            week=self.week,
        )
        names = {str(cell.segment): called(str(cell.segment), reach) for cell in fleet}
        for partition in sorted({cell.partition for cell in fleet if names[str(cell.segment)] in chosen}):
            here = [str(cell.segment) for cell in fleet if cell.partition == partition]
            segments = [segment for segment in here if names[segment] in chosen]
            yield TrainingTask(
                partition,
                tuple(segments),
                self.week,
                recipe,
                {segment: chains[names[segment]] for segment in segments if names[segment] in chains},
                ancestry.pooling(versions, partition, recipe=recipe, week=self.week, whole=segments == here)
                if pools
                else None,
                {segment: donors[segment] for segment in segments if segment in donors},
                reach,
            )

    def _release(self, fleet: list[reporting.Cell], trained: Mapping[Reach, Any]) -> dict[str, Any]:
        live = self.w.registry.releases.current()
        records: list[dict[str, Any]] = []
        failed: dict[str, str] = {}
        verdicts: dict[str, dict[str, Any]] = {}
        for reach in trained:
            made = self._records(trained[reach], reach)
            failed |= self._failed(fleet, trained[reach], made, reach)
            verdicts |= self._judge(fleet, made, live, reach)
            records += made
        origin = releasing.Origin.of(self.w, self.snapshot, self.week)
        fresh = [record for record in records if not record["waits"]]
        versions = releasing.register(
            fresh, verdicts, origin=origin, live=live, registry=self.w.registry, actor=self.actor
        ) | releasing.registered([record for record in records if record["waits"]], self.w.registry)
        baselines = dict(live.manifest.baselines) if live else {}
        for record in records:
            for baseline in record["baselines"]:
                baselines[baseline["segment"]] = Reference.to(versions[baseline["key"]])
        everything = {
            called(str(c.segment), reach): str(c.baseline) for reach in self.w.settings.reaches for c in fleet
        }
        served = {
            name: baseline
            for name, baseline in everything.items()
            if (name in verdicts or name in failed) and baseline in baselines
        }
        lost = self.w.bank.damaged(live.manifest.artefacts) if live else set()
        pools = releasing.pools(records, versions, self.w.registry)
        chosen = releasing.members(served, versions, verdicts, failed, live, baselines, lost, pools)
        features = sorted({s["features"] for record in records for s in record["segments"]})
        manifest = releasing.manifest(
            chosen,
            baselines,
            verdicts,
            fleet=everything,
            origin=origin,
            features=digest_of(features),
            live=live,
        )
        # keyed anew, the fleet has no champion to keep, and the live release has no model for anybody
        first = live is None or live.manifest.members.keys().isdisjoint(everything)
        quorum = releasing.quorum(manifest, first=first, settings=self.w.settings.gate)
        release = self.w.registry.releases.cut(
            manifest,
            actor=self.actor,
            reason=f"week {self.week}",
            segments=list(everything if live else manifest.members),
            baselines=set(everything.values()),
        )
        return {
            "release": release.id,
            "expected": live.id if live else None,
            "quorum": {"met": quorum.met, "counted": quorum.counted, "of": quorum.of, "text": quorum.text},
            "failed": failed,
        }

    def _records(self, trained: Mapping[str, Any], reach: Reach) -> list[dict[str, Any]]:
        """What training left, with when it ended and the code it was trained with."""
        steps = self.w.ledger.steps(self.name)
        ended = {step.part: step.ended for step in steps if step.step == TRAIN[reach] and step.ended}
        return [
            self.steps.result(output)
            | {
                "ended": ended[partition],
                "code": self.w.code_of(reach),
                "waits": partition in trained["waiting"],
            }
            for partition, output in trained["outputs"].items()
        ]

    def _failed(
        self,
        fleet: list[reporting.Cell],
        trained: Mapping[str, Any],
        records: list[dict[str, Any]],
        reach: Reach,
    ) -> dict[str, str]:
        """Models that were to be trained and were not, with the reason."""
        failed: dict[str, str] = {}
        for record in records:
            failed |= record["failed"]
        done = {made["key"] for record in records for made in record["segments"]}
        for cell in fleet:
            name = called(str(cell.segment), reach)
            if name in {*trained["chosen"]} - done - failed.keys():
                failed[name] = trained["failed"].get(cell.partition, "was to be trained, and was not")
        return failed

    def _judge(
        self,
        fleet: list[reporting.Cell],
        records: list[dict[str, Any]],
        live: Release | None,
        reach: Reach,
    ) -> dict[str, dict[str, Any]]:
        verdicts: dict[str, dict[str, Any]] = {}
        champions = self._champion_recipes(live, reach)
        movers = {str(cell.segment): cell.mover for cell in fleet}
        for record in records:
            found = training.judge(
                record["partition"],
                {made["segment"]: movers.get(made["segment"]) for made in record["segments"]},
                champions,
                cutoff=self.week,
                forms={made["segment"]: made["forms"] for made in record["segments"]},
                demand_version=self.snapshot["demand"],
                settings=self.w.settings.reaching(reach),
                lake=self.w.lake,
            )
            verdicts |= {called(segment, reach): verdict for segment, verdict in found.items()}
        return verdicts

    def _champion_recipes(self, live: Release | None, reach: Reach) -> dict[str, str]:
        if live is None:
            return {}
        members = live.manifest.reaching(reach)
        serving = {m.model: segment for segment, m in members.items() if m.serving == "ensemble"}
        found = self.w.registry.models.named(list(serving))
        return {serving[name]: str(version.lineage["recipe"]) for name, version in found.items()}

    def _promote(self, released: Mapping[str, Any]) -> dict[str, str]:
        made = self.w.registry.releases.get(released["release"])
        reason = f"week {self.week}: {released['quorum']['text']}"
        promoting.promote(
            self.w, made, actor=self.actor, reason=reason, attended=False, over=released["expected"]
        )
        return {"live": released["release"]}

    # ---------------------------------------------------------------- forecasts

    def _refusal(self) -> str:
        """What the first model that could not be trained was told."""
        name = min(self.untrained, default=None)
        return f" ({name}: {self.untrained[name]})" if name is not None else ""

    def score_and_publish(self) -> None:
        """Forecast with the live release and publish; what cannot be trusted fails over, segment by segment."""
        live = self.w.registry.releases.current()
        if live is None:
            raise GateFailed(
                f"nothing is released in {self.w.environment}, so nothing can be scored{self._refusal()}; "
                "see why with `fleetcast release list`"
            )
        self._refuse_other_artifact(live)
        today = {str(cell.segment) for cell in reporting.cells(self.w, self.week, self.snapshot)}
        if live.manifest.reaching("short-term").keys().isdisjoint(today):
            raise GateFailed(
                f"release {live.id[:12]} has no model of today's segments: it was made for other [segments] keys;"
                " `fleetcast run` makes one for these"
            )
        orders = self._scoring(live.id)
        self.progress.stage("score", len(orders))
        records: dict[str, Any] = {}
        failed: dict[str, str] = {}
        for partition, ended in self.steps.each("score", orders, _score_inputs, work.score, self.scoring):
            if isinstance(ended, Failed):
                failed[partition] = ended.error
            else:
                records[partition] = ended.result
            self.progress.advance("score", partition)
        records |= self._carried(orders, failed)
        scoring.withdraw(self.w.lake, cycle=self.week, partitions=self.partitions)
        missing = sum(record["missing"] for record in records.values())
        if missing:
            raise GateFailed(
                f"{missing} active series have neither a forecast nor a reason why not; nothing is published"
            )
        published = sum(record["published"] for record in records.values())
        self.progress.done("score", f"{published:,} series")
        self._publish(live)
        if failed:
            raise _not_scored(failed, orders, "its last forecasts were carried forward")

    def rehearse(self) -> None:
        """Forecast with this week's release and with the live one, side by side, and publish nothing."""
        live = self.w.registry.releases.current()
        if self.cut is not None:
            self.rehearse_with(self.cut, live)

    def rehearse_with(self, new: Release, live: Release | None) -> Rehearsal:
        """The same with any release of this week."""
        releases = dict.fromkeys([new.id, *([live.id] if live else [])])
        orders = {
            f"{release} {partition}": order
            for release in releases
            for partition, order in self._scoring(release, rehearsal=True).items()
        }
        self.progress.stage("rehearse", len(orders))
        found: dict[str, dict[str, Any]] = {
            release: {"segments": {}, "unlike_judged": {}, "failed": {}} for release in releases
        }
        for part, ended in self.steps.each("rehearse", orders, _score_inputs, work.score, self.scoring):
            release, _, partition = part.partition(" ")
            if isinstance(ended, Failed):
                found[release]["failed"][partition] = ended.error
            else:
                for what in ("segments", "unlike_judged"):
                    found[release][what] |= ended.result[what]
            self.progress.advance("rehearse", part)
        known = rehearsals.known(self.w, new, live)
        self.rehearsed = rehearsals.held(found[new.id], found[live.id] if live else None, known=known)
        rehearsals.keep(self.steps, new.id, self.rehearsed)
        self.progress.done("rehearse", self.rehearsed.text)
        return self.rehearsed

    def _scoring(self, release: str, *, rehearsal: bool = False) -> dict[str, work.Score]:
        settings = self.w.settings
        branches = (settings.orders, settings.long_term)
        return {
            partition: work.Score(
                self.w.address,
                self.snapshot,
                self.received,
                ScoringTask(partition, self.week, release, self.snapshot, rehearsal),
                code=digest_of([self.w.code, *(branch_digest(branch) for branch in branches)]),
            )
            for partition in self.partitions
        }

    def _refuse_other_artifact(self, live: Release) -> None:
        """Where no checkout may run, a release is served by the artifact that made it, and by no other."""
        own = self.w.artifact.id if self.w.artifact else None
        if not self.w.runs_checkouts and own != live.manifest.artifact:
            raise PolicyRefusal(
                f"release {live.id[:12]} is live and pins artifact {str(live.manifest.artifact)[:12]}, and this is"
                f" {str(own)[:12]}; promote a release that this one made, or run the one that is pinned:"
                " `fleetcast cd score` without --artifact finds it",
                name="other_artifact",
            )

    def _carried(self, orders: Mapping[str, work.Score], failed: Mapping[str, str]) -> dict[str, Any]:
        """What stands in for the partitions that could not be scored."""
        records = {}
        for partition, error in sorted(failed.items()):
            log.error("not_scored", partition=partition, error=error)
            try:
                records[partition] = work.carry(orders[partition])
            except FAILURES as another:
                raise _not_scored(failed, orders, f"nothing is published: {told(another)}") from another
        return records

    def _publish(self, live: Release) -> None:
        leaves = {
            table.name: [
                leaf.digest for leaf in self.w.lake.leaves(table) if leaf.week == self.week.isoformat()
            ]
            for table in (FORECASTS, ORDERS, COMPLETENESS)
        }
        seq, sealed = self.w.ledger.head()
        self.w.publications.publish(Publication(self.name, live.id, digest_of(leaves), seq, sealed))

    def monitor(self) -> None:
        """Hold earlier forecasts against what was sold since."""
        self.progress.stage("monitor", None)
        longest = max(self.w.settings.training.horizons)
        inputs = {
            "forecasts": self.w.lake.version(FORECASTS),
            "demand": self.snapshot["demand"],
            "longest": longest,
        }
        done: Done = self.steps.once(
            "monitor",
            inputs,
            lambda: monitoring.monitor(self.w.lake, self.snapshot, cutoff=self.week, longest=longest),
        )
        self.progress.done("monitor", f"{done.result['rows']:,} forecasts met their actuals")

    def _compact(self) -> None:
        """Join the files that week after week leaves in the tables; what they hold stays as it is."""
        for table in self.w.tables.values():
            self.w.lake.compact(table, files_at_most=FILES)


def _not_scored(failed: Mapping[str, str], orders: Mapping[str, work.Score], what: str) -> GateFailed:
    partition, error = min(failed.items())
    return GateFailed(
        f"{len(failed)} of {len(orders)} partitions could not be scored; {partition}: {error}; {what}"
    )


def inputs(order: work.Train | work.Score) -> object:
    """What decides the outcome of a part that leaves for a worker; its digest is kept with the step."""
    return _train_inputs(order) if isinstance(order, work.Train) else _score_inputs(order)


def _train_inputs(order: work.Train) -> object:
    task = order.task
    return {
        "snapshot": order.snapshot.digest,
        "partition": task.partition,
        "segments": list(task.segments),
        "cutoff": str(task.cutoff),
        "recipe": task.recipe,
        "reach": task.reach,
        "chains": {
            segment: [chain.artefact, chain.key, chain.refused] for segment, chain in task.chains.items()
        },
        "pool": ancestry.inputs(task.pooling),
        "donors": {segment: donor.model for segment, donor in task.donors.items()},
    }


def _score_inputs(order: work.Score) -> object:
    task = order.task
    return {
        "snapshot": order.snapshot.digest,
        "partition": task.partition,
        "cutoff": str(task.cutoff),
        "release": task.release,
        "code": order.code,
        **({"rehearsal": True} if task.rehearsal else {}),
    }
