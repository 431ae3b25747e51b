"""Training registered models once more, from what their lineage names: how far is each of them reproduced?"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from fleetcast import telemetry, workspace
from fleetcast.domain.errors import CorruptError, InfrastructureError, UsageError, some
from fleetcast.domain.versions import digest_of
from fleetcast.fleet import release as releasing
from fleetcast.fleet import releases, sealed
from fleetcast.fleet.again import once_more
from fleetcast.fleet.inputs import KNOWN, Inputs
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.reproduction import Difference, Level, Likeness, reaches
from fleetcast.fleet.workers import SINGLE_THREAD
from fleetcast.registry.models import ModelVersion
from fleetcast.workspace import Address, Workspace


def chosen(
    w: Workspace, names: Sequence[str] = (), *, release: str | None = None, sample: int | None = None
) -> list[ModelVersion]:
    """The models of these names, else all that a release needs (the live one, where none is named); or some of them.

    Which ones a sample has is chance that the release and the names decide: the same today and tomorrow, others next week.
    """
    if names:
        found = [_named(w, name) for name in names]
    else:
        of = _release(w, release)
        found = list(w.registry.models.named(sorted(of[1])).values())
        found.sort(key=lambda version: digest_of([of[0], version.name]) if sample else version.name)
    return sorted(found[:sample], key=lambda version: (version.segment, version.name))


def _named(w: Workspace, name: str) -> ModelVersion:
    with w.ledger.view() as view:
        stored = view.models(names=[name])
        if not stored:
            known = view.model_names()
            raise UsageError(f"model {name} is not registered; there are {some(known, like=name)}")
    return ModelVersion.read(stored[0])


def _release(w: Workspace, name: str | None) -> tuple[str, set[str]]:
    """The id of a release and the models it needs; CorruptError names what was changed in it since it was cut."""
    live = name or w.ledger.pointer()
    if live is None:
        raise UsageError(f"nothing is released in {w.environment} yet; run `fleetcast run`")
    try:
        found = releases.named(w, live)
    except CorruptError as error:
        with w.ledger.view() as view:
            known = view.release_ids()
        for one in known:
            if changed := sealed.manifest_changed(w, one):
                raise CorruptError(f"{error}; {changed}") from error
        raise
    return found.id, found.manifest.models


def with_chains(w: Workspace, versions: Iterable[ModelVersion]) -> list[ModelVersion]:
    """With the models that each was warm-started from: when every link is reproduced, the chain is."""
    inputs, found = Inputs(w), {version.name: version for version in versions}
    following = list(found.values())
    while following:
        version = following.pop()
        before = _before(w, inputs, version)
        if before is not None and before.name not in found:
            found[before.name] = before
            following.append(before)
    return sorted(found.values(), key=lambda version: (version.segment, version.name))


def _before(w: Workspace, inputs: Inputs, version: ModelVersion) -> ModelVersion | None:
    """The model whose chain a warm start went on from."""
    if not version.lineage.get("warm_starts"):
        return None
    if version.kind == "pool":
        pooling = inputs.order(version).task.pooling
        return w.registry.models.get(pooling.version.model) if pooling and pooling.version else None
    earlier = w.registry.models.list(segment=version.segment)
    return next((one for one in earlier if one.artefact == version.lineage.get("went_on_from")), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """How far models are to be reproduced: None asks for R1 where the machine is alike, for R2 elsewhere."""

    level: Level | None = None
    anyway: bool = False  # also where code, packages or settings are others by now
    threads: int | None = None  # of linear algebra, in a process of its own


@dataclass(frozen=True, slots=True)
class Reproduced:
    """How far one model was reproduced: `inputs` that are not what its record names, and the first field that differs."""

    model: str
    kind: str
    asked: Level
    level: Level | None
    inputs: tuple[Difference, ...]
    first: Difference | None
    mape_change: float | None
    ok: bool


def reproduce(
    w: Workspace, versions: Iterable[ModelVersion], asked: Asked, progress: Progress
) -> list[Reproduced]:
    """Hold every model's inputs against its record, and train those once more whose training can be repeated."""
    versions, inputs = list(versions), Inputs(w, alone=asked.level == "R0")
    progress.stage("inputs", len(versions))
    differ: dict[str, tuple[Difference, ...]] = {}
    for version in versions:
        differ[version.name] = tuple(inputs.differs(version))
        progress.advance("inputs", version.name)
    progress.done("inputs", f"{sum(not found for found in differ.values())} are what their records name")

    able = [version for version in versions if _able(differ[version.name], asked)]
    if asked.level == "R0":
        found = {version.name: Likeness("R0") for version in able}
    else:
        found = _retrained(w, able, asked.threads or _usual(w), progress)
    return [_answer(version, differ[version.name], found.get(version.name), asked) for version in versions]


def _usual(w: Workspace) -> int | None:
    """How many threads training takes in a process of its own; None where it takes this one, with whatever it has."""
    return None if w.settings.execution.engine == "serial" else 1


def _able(differ: tuple[Difference, ...], asked: Asked) -> bool:
    return not differ or (asked.anyway and _known(differ))


def _known(differ: tuple[Difference, ...]) -> bool:
    """Whether what differs is only what may: a record that was changed is not to be gone by."""
    return all(one.field.split(".")[0] in KNOWN and not one.sealed for one in differ)


def _answer(
    version: ModelVersion, differ: tuple[Difference, ...], found: Likeness | None, asked: Asked
) -> Reproduced:
    level = found.level if found else None
    if level is None and not differ:
        level = "R0"
    alike = version.lineage.get("machine") == releasing.machine() and asked.threads is None
    wanted: Level = asked.level or ("R1" if alike else "R2")
    if version.kind != "ensemble" and wanted == "R3":
        wanted = "R2"  # it has no metric of its own
    return Reproduced(
        version.name,
        version.kind,
        wanted,
        level,
        differ,
        differ[0] if differ else found.first if found else None,
        found.mape_change if found else None,
        ok=_able(differ, asked) and reaches(level, wanted),
    )


def _retrained(
    w: Workspace, versions: Iterable[ModelVersion], threads: int | None, progress: Progress
) -> dict[str, Likeness]:
    """Models of one training are trained together; where they have to be, in a process with other threads."""
    together: dict[tuple[str, str], list[str]] = {}
    for version in versions:
        key = str(version.lineage["task"]), str(version.lineage["settings"])
        together.setdefault(key, []).append(version.name)
    progress.stage("retrain", len(together))
    found: dict[str, Likeness] = {}
    with _elsewhere(threads) as there:
        for names in together.values():
            found |= _sent(there, w, names) if there else once_more(w, names)
            progress.advance("retrain", names[0])
    exact = sum(one.level == "R1" for one in found.values())
    progress.done("retrain", f"{exact} of {len(found)} models bit for bit")
    return found


@contextmanager
def _elsewhere(threads: int | None) -> Iterator[ProcessPoolExecutor | None]:
    """A process whose engines take so many threads: they read that when they are imported, and never again."""
    if threads is None:
        yield None
        return
    before = {name: os.environ.get(name) for name in SINGLE_THREAD}
    os.environ.update(dict.fromkeys(SINGLE_THREAD, str(threads)))
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            yield pool
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _sent(there: ProcessPoolExecutor, w: Workspace, names: list[str]) -> dict[str, Likeness]:
    try:
        return there.submit(_away, w.address, names).result()
    except BrokenExecutor as error:
        raise InfrastructureError(
            f"the process that trained {names[0]} was killed; has the machine too little memory? Name fewer models"
        ) from error


def _away(address: Address, names: list[str]) -> dict[str, Likeness]:
    w = workspace.open(address.folder, environment=address.environment, data=address.data)
    telemetry.configure(w.log, clock=w.clock)  # what is said here is nobody's result
    return once_more(w, names)
