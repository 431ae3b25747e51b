"""A cycle: one environment's work for one week, from raw files to published forecasts."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from fleetcast.conditioning import stage as conditioning
from fleetcast.domain.errors import DataError, GateFailed, UsageError
from fleetcast.domain.tables import COMPLETENESS, DEMAND, FORECASTS, MEMBERSHIP, ORDERS
from fleetcast.domain.versions import Snapshot, digest_of
from fleetcast.domain.week import known_by, label, monday
from fleetcast.fleet import plan as planning
from fleetcast.fleet import release as releasing
from fleetcast.fleet import reporting, work
from fleetcast.fleet.executors import executor
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.report import CycleReport
from fleetcast.fleet.steps import Done, Failed, Steps
from fleetcast.monitoring import stage as monitoring
from fleetcast.registry.manifest import Reference, Release
from fleetcast.registry.publications import Publication
from fleetcast.scoring.stage import ScoringTask
from fleetcast.settings import branch_digest
from fleetcast.telemetry import get_logger
from fleetcast.training import stage as training
from fleetcast.workspace import Workspace

log = get_logger()

Only = Literal["condition", "train", "score", "monitor"]
LEASE = 10.0  # seconds without a heartbeat until another scheduler may take the cycle over


def run_cycle(
    w: Workspace, *, week: date | None = None, only: Only | None = None, progress: Progress, actor: str
) -> CycleReport:
    """Do a week, or one part of it. What was done before with the same inputs is not done again."""
    w.refuse_checkout()
    started = time.monotonic()
    with w.ledger.lease("cycle", actor, LEASE):
        accounts = _condition(w, progress) if only in (None, "condition") else []
        cycle = Cycle(w, cutoff(w, week), progress, actor)
        cycle.run(only)
        return reporting.report(
            w, cycle.week, accounts=accounts, resumed=cycle.resumed, seconds=time.monotonic() - started
        )


def cutoff(w: Workspace, week: date | None) -> date:
    """The week a cycle is for: the one asked for, else the newest with deliveries that is complete by now."""
    span = work.first_and_last_week(w)
    if span is None:
        raise DataError(
            f"there are no deliveries in {w.environment} yet; run `fleetcast run` or `fleetcast condition`"
        )
    first, last = span
    if week is not None and not first <= week <= last:
        raise UsageError(f"no deliveries are known of the week {week}; weeks {first} to {last} have some")
    now, ready = w.clock(), w.settings.calendar.ready_after_days
    newest = min(last, monday(now.date()))
    while known_by(newest, ready) > now:
        newest -= timedelta(weeks=1)
    return week or newest


def _condition(w: Workspace, progress: Progress) -> list[conditioning.Account]:
    """Take in the raw files there are; the same files, conditioners and settings make nothing new."""
    progress.stage("receive", None)
    received = conditioning.receive(w.settings, base=w.folder, data=w.address.data, raw=w.raw, now=w.clock())
    files = sum(len(found) for found in received.values())
    progress.done("receive", f"{files} files of {len(received)} sources")
    conditioners = {}
    for source in received:
        module, digest = w.conditioner(w.settings.sources[source].conditioner)
        conditioners[source] = conditioning.Conditioner(module.condition, digest)

    progress.stage("condition", len(received))
    done = Steps("data", w.ledger, w.bank).once(
        "condition",
        conditioning.inputs(received, conditioners, w.settings),
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

    def __init__(self, w: Workspace, week: date, progress: Progress, actor: str) -> None:
        self.w, self.week, self.progress, self.actor = w, week, progress, actor
        self.name = label(week)
        self.steps = Steps(self.name, w.ledger, w.bank)
        self.resumed = False
        self.partitions = work.partitions(w)
        self.executor = executor(w.settings.execution)

    def run(self, only: Only | None) -> None:
        """Do the steps; the ledger keeps the cycle's state whatever happens."""
        self.w.ledger.cycle_started(self.name)
        try:
            if only in (None, "condition", "train"):
                self.derive()
            if only in (None, "train"):
                self.train_and_release(promote=only is None)
            if only in (None, "score"):
                self.score_and_publish()
            if only in (None, "monitor"):
                self.monitor()
        except BaseException as error:
            self.w.ledger.cycle_finished(self.name, "failed", {"error": str(error)})
            raise
        self.w.ledger.cycle_finished(self.name, "done", {"only": only or "all"})

    # ---------------------------------------------------------------- data

    def derive(self) -> None:
        """Net demand and segments, as of the cutoff."""
        self.progress.stage("derive", None)
        base = self.w.lake.snapshot(self.w.base_tables.values())
        branches = (self.w.settings.demand, self.w.settings.segments, self.w.settings.calendar)
        inputs = {
            "tables": dict(base.tables),
            "settings": [branch_digest(branch) for branch in branches],
            "code": self.w.code,
        }
        done = self.steps.once("derive", inputs, self._derive)
        self.progress.done("derive", f"demand of {len(self.partitions)} partitions up to {self.week}")
        self.resumed |= done.resumed

    def _derive(self) -> dict[str, str]:
        conditioning.derive(self.w.lake, cutoff=self.week, settings=self.w.settings)
        return dict(self.w.lake.snapshot([*self.w.base_tables.values(), DEMAND, MEMBERSHIP]).tables)

    @cached_property
    def snapshot(self) -> Snapshot:
        """What the steps after `derive` read."""
        for record in self.w.ledger.steps(self.name):
            if record.step == "derive" and record.output_digest:
                return Snapshot.of(self.steps.result(record.output_digest))
        raise UsageError(
            f"week {self.week} has not been conditioned in {self.w.environment}; run `fleetcast condition` first"
        )

    # ---------------------------------------------------------------- models

    def train_and_release(self, *, promote: bool) -> None:
        """Plan, train, judge, cut a release, and make it live when the quorum is met."""
        fleet = reporting.cells(self.w, self.week, self.snapshot)
        decisions = self._plan([str(cell.segment) for cell in fleet])
        trained = self._train(fleet, {decision["segment"] for decision in decisions if decision["retrain"]})
        released = self.steps.once(
            "release",
            {"trained": trained, "gate": branch_digest(self.w.settings.gate), "week": str(self.week)},
            lambda: self._release(fleet, trained),
        )
        quorum = released.result["quorum"]
        self.progress.done("release", f"{released.result['release'][:12]}: {quorum['text']}")
        if promote and quorum["met"]:
            self.steps.once(
                "promote", {"release": released.result["release"]}, lambda: self._promote(released.result)
            )

    def _plan(self, segments: list[str]) -> list[dict[str, Any]]:
        inputs = {"segments": segments, "snapshot": self.snapshot.digest, "code": self.w.code}
        decided = self.steps.once(
            "plan",
            inputs,
            lambda: [
                {"segment": d.segment, "retrain": d.retrain, "reason": d.reason}
                for d in planning.plan(self.w, week=self.week, snapshot=self.snapshot, segments=segments)
            ],
        )
        return list(decided.result)

    def _train(self, fleet: list[reporting.Cell], chosen: set[str]) -> dict[str, Any]:
        """Records by partition, and the error of those that failed whole."""
        orders = {}
        chains = self._chains()
        for partition in sorted({cell.partition for cell in fleet if str(cell.segment) in chosen}):
            segments = [
                str(c.segment) for c in fleet if c.partition == partition and str(c.segment) in chosen
            ]
            task = training.TrainingTask(
                partition,
                tuple(segments),
                self.week,
                self.recipe,
                {segment: chains[segment] for segment in segments if segment in chains},
            )
            orders[partition] = work.Train(self.w.address, self.snapshot, task)
        self.progress.stage("train", len(orders))
        outputs: dict[str, str] = {}
        failed: dict[str, str] = {}
        for partition, ended in self.steps.each("train", orders, _train_inputs, work.train, self.executor):
            if isinstance(ended, Failed):
                failed[partition] = ended.error
                log.error("partition_failed", partition=partition, error=ended.error)
            else:
                outputs[partition] = ended.output
                self.resumed |= ended.resumed
            self.progress.advance("train", partition)
        self.progress.done("train", f"{len(chosen)} segments in {len(orders)} partitions")
        return {
            "outputs": dict(sorted(outputs.items())),
            "failed": dict(sorted(failed.items())),
            "chosen": sorted(chosen),
        }

    @cached_property
    def recipe(self) -> str:
        """The recipe's name with the digest of the code and settings behind it: rounds of one id can be compared."""
        return f"{self.w.settings.training.recipe}-{self.w.code[:12]}"

    def _chains(self) -> dict[str, training.Chain]:
        """Where each segment's newest network lies that this recipe may go on from: one of an earlier week."""
        chains = {}
        for version in self.w.registry.models.list():
            lineage = version.lineage
            fits = lineage.get("recipe") == self.recipe and str(lineage.get("cutoff")) < str(self.week)
            if version.kind == "ensemble" and fits and lineage.get("chain"):
                chains[version.segment] = training.Chain(version.artefact, lineage["chain"])
        return chains

    def _release(self, fleet: list[reporting.Cell], trained: Mapping[str, Any]) -> dict[str, Any]:
        self.progress.stage("release", None)
        records = {partition: self.steps.result(output) for partition, output in trained["outputs"].items()}
        failed = self._failed(fleet, trained, records)
        live = self.w.registry.releases.current()
        verdicts = self._judge(fleet, records, live)
        origin = releasing.Origin(
            self.w.code, releasing.lock(), self.snapshot.digest, branch_digest(self.w.settings), self.week
        )
        versions = releasing.register(
            list(records.values()),
            verdicts,
            origin=origin,
            live=live,
            registry=self.w.registry,
            now=self.w.clock(),
            actor=self.actor,
        )
        baselines = dict(live.manifest.baselines) if live else {}
        for record in records.values():
            for baseline in record["baselines"]:
                baselines[baseline["segment"]] = Reference.to(versions[baseline["key"]])
        judged = {str(c.segment): str(c.baseline) for c in fleet if str(c.segment) in {*verdicts, *failed}}
        served = {
            segment: name for segment, name in judged.items() if segment in verdicts or name in baselines
        }
        chosen = releasing.members(served, versions, verdicts, failed, live, baselines)
        features = sorted({s["features"] for record in records.values() for s in record["segments"]})
        manifest = releasing.manifest(
            chosen,
            baselines,
            verdicts,
            everything=[str(c.segment) for c in fleet],
            origin=origin,
            features=digest_of(features),
            live=live,
        )
        quorum = releasing.quorum(manifest, first=live is None, settings=self.w.settings.gate)
        release = self.w.registry.releases.cut(
            manifest, actor=self.actor, reason=f"week {self.week}", segments=list(manifest.members)
        )
        return {
            "release": release.id,
            "expected": live.id if live else None,
            "quorum": {"met": quorum.met, "counted": quorum.counted, "of": quorum.of, "text": quorum.text},
            "failed": failed,
        }

    def _failed(
        self, fleet: list[reporting.Cell], trained: Mapping[str, Any], records: Mapping[str, Any]
    ) -> dict[str, str]:
        """Segments that were to be trained and were not, with the reason."""
        failed: dict[str, str] = {}
        for record in records.values():
            failed |= record["failed"]
        for cell in fleet:
            if cell.partition in trained["failed"] and str(cell.segment) in trained["chosen"]:
                failed[str(cell.segment)] = trained["failed"][cell.partition]
        return failed

    def _judge(
        self, fleet: list[reporting.Cell], records: Mapping[str, Any], live: Release | None
    ) -> dict[str, dict[str, Any]]:
        verdicts: dict[str, dict[str, Any]] = {}
        champions = self._champion_recipes(live)
        movers = {str(cell.segment): cell.mover for cell in fleet}
        for partition, record in records.items():
            segments = {trained["segment"]: movers.get(trained["segment"]) for trained in record["segments"]}
            verdicts |= training.judge(
                partition,
                segments,
                champions,
                cutoff=self.week,
                recipe=record["recipe"],
                demand_version=self.snapshot["demand"],
                settings=self.w.settings,
                lake=self.w.lake,
            )
        return verdicts

    def _champion_recipes(self, live: Release | None) -> dict[str, str]:
        if live is None:
            return {}
        serving = {
            m.model: segment for segment, m in live.manifest.members.items() if m.serving == "ensemble"
        }
        found = self.w.registry.models.named(list(serving))
        return {serving[name]: str(version.lineage["recipe"]) for name, version in found.items()}

    def _promote(self, released: Mapping[str, Any]) -> dict[str, str]:
        self.w.registry.releases.promote(
            released["release"],
            actor=self.actor,
            reason=f"week {self.week}: {released['quorum']['text']}",
            expected=released["expected"],
            policy="quorum",
        )
        return {"live": released["release"]}

    # ---------------------------------------------------------------- forecasts

    def score_and_publish(self) -> None:
        """Forecast with the live release and publish; what cannot be trusted fails over, segment by segment."""
        live = self.w.registry.releases.current()
        if live is None:
            raise GateFailed(
                f"nothing is released in {self.w.environment}, so nothing can be scored; see why with `fleetcast release list`"
            )
        orders = {
            partition: work.Score(
                self.w.address, self.snapshot, ScoringTask(partition, self.week, live.id, self.snapshot)
            )
            for partition in self.partitions
        }
        self.progress.stage("score", len(orders))
        records: dict[str, Any] = {}
        failed: dict[str, str] = {}
        for partition, ended in self.steps.each("score", orders, _score_inputs, work.score, self.executor):
            if isinstance(ended, Failed):
                failed[partition] = ended.error
            else:
                records[partition] = ended.result
                self.resumed |= ended.resumed
            self.progress.advance("score", partition)
        if failed:
            partition, error = next(iter(sorted(failed.items())))
            raise GateFailed(
                f"{len(failed)} of {len(orders)} partitions could not be scored; {partition}: {error}"
            )
        missing = sum(record["missing"] for record in records.values())
        if missing:
            raise GateFailed(
                f"{missing} active series have neither a forecast nor a reason why not; nothing is published"
            )
        published = sum(record["published"] for record in records.values())
        self.progress.done("score", f"{published:,} series")
        self._publish(live)

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
        inputs = {"forecasts": self.w.lake.version(FORECASTS), "demand": self.snapshot["demand"]}
        done: Done = self.steps.once(
            "monitor", inputs, lambda: monitoring.monitor(self.w.lake, self.snapshot, cutoff=self.week)
        )
        self.progress.done("monitor", f"{done.result['rows']:,} forecasts met their actuals")


def _train_inputs(order: work.Train) -> object:
    task = order.task
    return {
        "snapshot": order.snapshot.digest,
        "partition": task.partition,
        "segments": list(task.segments),
        "cutoff": str(task.cutoff),
        "recipe": task.recipe,
        "chains": {segment: [chain.artefact, chain.key] for segment, chain in task.chains.items()},
    }


def _score_inputs(order: work.Score) -> object:
    task = order.task
    return {
        "snapshot": order.snapshot.digest,
        "partition": task.partition,
        "cutoff": str(task.cutoff),
        "release": task.release,
    }
