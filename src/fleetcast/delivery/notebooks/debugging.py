"""`nb debug`: any step of a cycle as a notebook, with exactly what it was given, in a copy of the environment's state."""

from collections.abc import Mapping
from pathlib import Path

from fleetcast import own, workspace
from fleetcast.delivery.copying import copy_state
from fleetcast.delivery.notebooks.local import STATE, Scratch, workspace_for_trying
from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.history import History
from fleetcast.domain.versions import digest_of
from fleetcast.domain.week import of_label
from fleetcast.fleet import asked, work
from fleetcast.fleet.asked import Asked
from fleetcast.fleet.cutoff import cutoff
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import Only, inputs, orders, run_cycle
from fleetcast.ledger.steps import StepRecord
from fleetcast.workspace import Workspace

ACTOR = "debug"
DATA = "data"  # the cycle of what is no week's: taking files in
ONLY: Mapping[str, Only] = {
    "condition": "condition",
    "derive": "condition",
    "monitor": "monitor",
    "score": "score",
}

HEAD = """# %% [markdown]
# # {name}
# {state} in {environment}, attempt {attempt}, begun {started:%Y-%m-%d %H:%M}.{error}
# All of it works in a copy of the environment's state: nothing here changes the environment.

# %%
import json

import fleetcast

step = fleetcast.step("{name}", workspace="{workspace}", environment="{environment}")
w = step.workspace
print(step)
"""

TRAIN = """
# %% [markdown]
# What the step was given: the task, and the partition as its snapshot holds it.

# %%
task, settings = step.order.task, w.settings.reaching(step.order.task.reach)
history = step.history()
task

# %% [markdown]
# The call of the stage; breakpoints in `training/` and in the workspace's own code are met.

# %%
from fleetcast.training import stage

record = stage.train(
    task,
    history,
    w.tables,
    demand_version=step.order.snapshot["demand"],
    settings=settings,
    lake=w.lake,
    bank=w.bank,
    elsewhere=step.history,
    asked=step.asked,
)
made = json.loads(w.bank.get(record))
print("trained", [segment["segment"] for segment in made["segments"]], "failed", made["failed"])
print("bit for bit what was made then:", record == step.record.output_digest)
"""

SCORE = """
# %% [markdown]
# What the step was given: the task, and the partition as its snapshot holds it.

# %%
task, history = step.order.task, step.history()
task

# %% [markdown]
# The call of the stage; breakpoints in `scoring/` and in the workspace's own code are met.

# %%
from fleetcast.scoring import stage

record = stage.score(task, history, w.tables, settings=w.settings, lake=w.lake, registry=w.registry)
made = json.loads(w.bank.get(record))
print("scored", task.partition, "could not be loaded", made["unloadable"])
print("bit for bit what was made then:", record == step.record.output_digest)
"""

AGAIN = """
# %% [markdown]
# The step again, as part of its cycle: what was done before it is taken over, and it is done anew.

# %%
report = step.again()
print(report.cycle, "release", report.release)
"""


class Step:
    """A step that was opened to be looked at.

    Attributes:
        name: as `2026w46/train/west`.
        record: how it stands in the ledger.
        week: the cutoff.
        workspace: the environment in a copy: its lake, bank and registry may be written to.
        order: what a worker was asked; None of a step that no worker does.
        exact: whether this is what it was given then, by digest; None where that cannot be told.
    """

    def __init__(self, name: str, w: Workspace, record: StepRecord, held: object) -> None:
        self.name, self.workspace, self.record, self._held = name, w, record, held
        self.week = of_label(record.cycle) if record.cycle != DATA else cutoff(w, None)
        self.order: work.Train | work.Score | None = None
        if record.step in ("train", "train long-term", "score"):
            cycle = Cycle(w, self.week, Silent(), ACTOR)
            self.order = orders(cycle, record.step).get(record.part)
        self.exact = digest_of(inputs(self.order)) == record.input_digest if self.order is not None else None

    def history(self, partition: str | None = None) -> History:
        """A partition as the step's snapshot holds it: its own, or another."""
        if self.order is None:
            raise UsageError(f"{self.name} reads no partition; call step.again()")
        name = partition or self.record.part
        return work.history(
            self.workspace, self.order.snapshot, self.order.received, partition=name, cutoff=self.week
        )

    @property
    def asked(self) -> str | None:
        """Where the bank keeps what a training was asked: its record names it."""
        if not isinstance(self.order, work.Train):
            return None
        order = self.order
        return self.workspace.bank.put(asked.dump(Asked(order.snapshot, order.received, order.task)))

    def again(self) -> object:
        """Do the step again in the copy, with what comes before it in its cycle taken over."""
        run = self.workspace.ledger.begin(
            self.record.cycle, self.record.step, self.record.part, self.record.input_digest
        )
        self.workspace.ledger.fail(run, "opened to be debugged")
        own.use(self.workspace.package)
        only = ONLY.get(self.record.step, "train")
        return run_cycle(self.workspace, week=self.week, only=only, progress=Silent(), actor=ACTOR)

    def __repr__(self) -> str:
        said = {
            True: "with exactly what it was given",
            False: "not as it was given: code, settings or data have changed since",
            None: "",
        }[self.exact]
        return f"<step {self.name}, {self.record.state}{f', {said}' if said else ''}>"


def step(name: str, *, workspace: Path | str = ".", environment: str = "dev") -> Step:
    """A step of a cycle, opened in a copy of the environment's state.

    Args:
        name: cycle, step and part, as `2026w46/train/west`; a step without parts as `2026w46/plan`.
        workspace: the folder of `fleetcast.toml`.
        environment: dev or prod.
    """
    w = _open(Path(workspace), environment)
    record = _record(w, name)
    held = Scratch("debug")
    there = workspace_for_trying(w.folder, held.folder / "workspace", home=w.home)
    copy_state(w, there / STATE)
    return Step(name, _open(there, environment, w.address.data, apart=True), record, held)


def write(folder: Path, name: str, *, environment: str = "dev") -> Path:
    """Write the notebook of a step; one of an earlier look at it is overwritten."""
    record = _record(_open(folder, environment), name)
    body = {"train": TRAIN, "train long-term": TRAIN, "score": SCORE}.get(record.step, AGAIN)
    path = folder / "notebooks" / f"debug-{'-'.join(name.replace('/', ' ').split())}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    error = "".join(f"\n#\n# It failed: {line}" for line in (record.error or "").splitlines()[:1])
    head = HEAD.format(
        name=name,
        state=record.state.capitalize(),
        environment=environment,
        attempt=record.attempt,
        started=record.started,
        error=error,
        workspace="..",
    )
    path.write_text(head + body, "utf-8")
    return path


def _open(folder: Path, environment: str, data: Path | None = None, *, apart: bool = False) -> Workspace:
    return workspace.open(folder, environment=environment, data=data, apart=apart)


def _record(w: Workspace, name: str) -> StepRecord:
    cycle, _, rest = name.partition("/")
    wanted, _, part = rest.partition("/")
    cycles = [DATA, *(found.cycle for found in w.ledger.cycles())]
    records = [record for each in cycles for record in w.ledger.steps(each)]
    for record in records:
        if (record.cycle, record.step, record.part) == (cycle, wanted, part or "all"):
            return record
    failed = [record for record in records if record.state == "failed"] or records
    known = some((_name(record) for record in failed), name)
    raise UsageError(
        f"no step {name!r} in {w.environment}: there are {known}" if known else "nothing has been run yet"
    )


def _name(record: StepRecord) -> str:
    return f"{record.cycle}/{record.step}" + ("" if record.part == "all" else f"/{record.part}")
