"""The composition root: a workspace's folder and settings become live lake, registry, ledger and sources."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import fleetcast
from fleetcast import artifacts, own
from fleetcast.artifacts import Artifact
from fleetcast.conditioning.standard import Conditioner, as_they_stand
from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.domain.reach import Reach
from fleetcast.domain.tables import (
    BASE,
    COMPLETENESS,
    DEMAND,
    FORECASTS,
    HISTOGRAMS,
    MEMBERSHIP,
    ORDERS,
    QUARANTINE,
    ROUNDS,
    SCORES,
    SHADOWS,
    Table,
    covariates,
)
from fleetcast.domain.versions import digest, digest_of
from fleetcast.lake import Lake
from fleetcast.ledger.database import Older
from fleetcast.ledger.store import Ledger
from fleetcast.own import OWN, Kind, Package
from fleetcast.people.store import People
from fleetcast.registry.bank import Bank
from fleetcast.registry.publications import Publications
from fleetcast.registry.store import Registry
from fleetcast.settings import (
    AlertSettings,
    Policy,
    Settings,
    branch_digest,
    deciding_digest,
    load,
    load_policy,
    recipes,
)
from fleetcast.settings.local import Effort, local
from fleetcast.settings.references import resolved
from fleetcast.sources.raw import RawStore

DERIVED = (
    DEMAND,
    MEMBERSHIP,
    ROUNDS,
    FORECASTS,
    SHADOWS,
    ORDERS,
    COMPLETENESS,
    SCORES,
    HISTOGRAMS,
    QUARANTINE,
)
SETTINGS_FILE = "fleetcast.toml"
POLICY_FILE = "policy.toml"
LEDGER = "ledger.db"  # where it is a file
PEOPLE = "people.db"  # where it is a file


@dataclass(frozen=True)
class Address:
    """Where a workspace is and which environment of it is meant: all that a worker needs to open it again.

    `folder` has its settings and code; state and raw files are there too, or at `home` where the code is installed, or
    is only tried out with an `effort`. What is there may be a copy, which stands `apart` from every server.
    """

    folder: Path
    environment: str
    data: Path | None = None
    home: Path | None = None
    effort: Effort | None = None
    apart: bool = False


@dataclass(frozen=True)
class Workspace:
    """One environment of a workspace, opened. Stores are made when first asked for."""

    address: Address
    settings: Settings
    clock: Callable[[], datetime]
    artifact: Artifact | None = None  # that its code is installed from

    @property
    def environment(self) -> str:
        return self.address.environment

    @property
    def folder(self) -> Path:
        return self.address.folder

    @property
    def home(self) -> Path:
        """What paths in the settings are relative to: of state, and of raw files."""
        return self.address.home or self.folder

    @property
    def package(self) -> Package:
        """The workspace's own code."""
        return Package(self.folder / "src" / self.settings.workspace.package)

    @cached_property
    def policy(self) -> Policy:
        if self.address.effort:
            return Policy()  # nobody has to look at what is thrown away
        return load_policy(self.folder / POLICY_FILE)

    @cached_property
    def state(self) -> Path:
        """Where this environment keeps its state; raw files lie beside it, shared by all environments."""
        return self.home / self.settings.state.root / self.environment

    @property
    def log(self) -> Path:
        """Where log lines go that nobody watches."""
        return self.state / "log.jsonl"

    @property
    def traces(self) -> Path:
        """Where the traces of cycles go, unless the settings send them elsewhere."""
        return self.state / "traces.jsonl"

    @cached_property
    def cache(self) -> Path:
        """Compile caches: private, never shared between machines."""
        path = self.state.parent / "cache"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    @cached_property
    def covariates(self) -> tuple[Table, ...]:
        return tuple(
            covariates(name, tuple(spec.keys), tuple(spec.columns), spec.texts)
            for name, spec in self.settings.covariates.items()
        )

    @cached_property
    def base_tables(self) -> dict[str, Table]:
        """The tables that conditioners fill."""
        return {table.name: table for table in (*BASE, *self.covariates)}

    @cached_property
    def tables(self) -> dict[str, Table]:
        return self.base_tables | {table.name: table for table in DERIVED}

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.state / "lake", self.tables)

    @cached_property
    def ledger(self) -> Ledger:
        """The store of all that happened. Where artifacts work, none but they bring an older one up to date."""
        self.state.mkdir(parents=True, exist_ok=True)
        older: Older = "migrate" if self.artifact or self.runs_checkouts else "refuse"
        return Ledger.open(self.ledger_at, self.clock, older=older)

    @property
    def ledger_at(self) -> Path | str:
        """Where the ledger is: a file with the other state, or the URL of a database."""
        if self.address.apart:
            return self.state / LEDGER
        return ledger_at(self.settings, self.environment, self.state)

    @cached_property
    def people(self) -> People:
        """The store of people, one for all environments."""
        written = self.settings.people
        where = self.state.parent / PEOPLE
        session = timedelta(hours=written.session_hours)
        at = where if written.database is None else resolved(written.database, "[people] database")
        return People.open(at, self.clock, session=session)

    @cached_property
    def bank(self) -> Bank:
        return Bank(self.state / "bank")

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.ledger, self.bank, self.environment)

    @cached_property
    def publications(self) -> Publications:
        return Publications(self.state / "publications")

    @cached_property
    def raw(self) -> RawStore:
        return RawStore(self.state.parent)

    @cached_property
    def code(self) -> str:
        """Digest of the code that decides numbers: the package's and the workspace's, and the settings of training."""
        return digest_of(self.code_in_full)

    @cached_property
    def code_in_full(self) -> dict[str, Any]:
        """What `code` is the digest of: the digest of every file, and the settings themselves."""
        package = Path(fleetcast.__file__).parent
        return {
            "fleetcast": _tree(
                package, skip=("client", "faces", "orchestration", "reading", "testing", "sources/sample")
            ),
            "workspace": _tree(self.package.folder, skip=()),
            "recipe": recipes.version(self.settings.training.recipe),
            "settings": {
                "training": self.settings.training.model_dump(mode="json", exclude={"donors"}),
                "segments": self.settings.segments.model_dump(mode="json"),
                "calendar": self.settings.calendar.model_dump(mode="json"),
                "demand": self.settings.demand.model_dump(mode="json"),
                "covariates": {
                    name: spec.model_dump(mode="json") for name, spec in self.settings.covariates.items()
                },
            },
        }

    def code_of(self, reach: Reach) -> str:
        """Digest of the code and settings that decide the numbers of a reach: long-term settings train nothing else anew."""
        if reach == "short-term":
            return self.code
        return digest_of([self.code, branch_digest(self.settings.long_term)])

    def recipe_of(self, reach: Reach) -> str:
        """The recipe's name with the digest of the code and settings behind it: rounds of one id can be compared."""
        return f"{self.settings.reaching(reach).training.recipe}-{self.code_of(reach)[:12]}"

    @cached_property
    def intake(self) -> str:
        """Digest of what turns raw files into tables, beside the sources themselves: code, tables and partitions."""
        package = Path(fleetcast.__file__).parent
        return digest_of(
            {room: _tree(package / room, skip=("sample",)) for room in ("domain", "sources", "conditioning")}
            | {
                "covariates": {name: table.columns for name, table in self.base_tables.items()},
                "partition": self.settings.segments.partition,
            }
        )

    def conditioner_of(self, source: str) -> Conditioner:
        """What makes a source's rows a table's: its conditioner, or nothing where they are so already."""
        declared = self.settings.sources[source]
        if declared.conditioner is None:
            return Conditioner(as_they_stand(str(declared.table)), digest_of({"table": declared.table}))
        module, digest = self.conditioner(declared.conditioner)
        return Conditioner(module.condition, digest)

    def conditioner(self, name: str) -> tuple[ModuleType, str]:
        """The module of a source's conditioner and the digest of its file; only this workspace's own package is looked in."""
        return self.package.module("conditioners", name, "condition(rows, context)")

    @property
    def runs_checkouts(self) -> bool:
        """Whether this environment may run a checkout; where not, it runs artifacts, and nobody is there."""
        return self.settings.environments[self.environment].checkout  # type: ignore[index]

    def refuse_checkout(self) -> None:
        """Stop a run of code that this environment does not allow: a checkout's, or an artifact's that was changed."""
        if self.artifact is None:
            if not self.runs_checkouts:
                raise PolicyRefusal(
                    f"{self.environment} runs only an installed artifact that its release pins, and this is a checkout;"
                    " package it with `fleetcast ci package`, and run it with `fleetcast cd`",
                    name="checkout",
                )
        elif (self.code, deciding_digest(self.settings)) != (self.artifact.code, self.artifact.settings):
            raise PolicyRefusal(
                f"the code installed in {self.folder} is not that of artifact {self.artifact.id[:12]}: it was changed"
                " after it was installed; remove the installation, and let `fleetcast cd` make it anew",
                name="other_code",
            )


def ledger_at(settings: Settings, environment: str, state: Path) -> Path | str:
    """Where settings put the ledger of an environment: a file with its other `state`, or the URL of a database."""
    written = settings.environments[environment].ledger  # type: ignore[index]
    return state / LEDGER if written is None else resolved(written, f"[environments.{environment}] ledger")


def open(  # noqa: A001 — `workspace.open` reads as what it does
    folder: Path,
    *,
    environment: str = "dev",
    data: Path | None = None,
    clock: Callable[[], datetime] | None = None,
    apart: bool = False,
) -> Workspace:
    """Open one environment of the workspace in `folder`; `data` (else $FLEETCAST_DATA) is where `{data}` points.

    An installed artifact brings settings and code with it, and `folder` is where its state and raw files are. In a copy,
    `apart`, the ledger is the file in it, whatever server the settings name, and nobody is told anything.
    """
    folder, installed = folder.resolve(), artifacts.here()
    home = folder
    if installed:
        folder = installed.folder
    settings = _settings(folder)
    if apart:
        settings = settings.model_copy(update={"alerts": AlertSettings(channels={})})
    if environment not in settings.environments:
        known = ", ".join(settings.environments)
        raise UsageError(f"no environment {environment!r} in {folder / SETTINGS_FILE}; it has {known}")
    if data is None and os.environ.get("FLEETCAST_DATA"):
        data = Path(os.environ["FLEETCAST_DATA"])
    address = Address(folder, environment, data, home if installed else None, apart=apart)
    return _with_own(Workspace(address, settings, clock or _now, installed.artifact if installed else None))


def _with_own(opened: Workspace) -> Workspace:
    """The workspace, whose own features and recipes are found by name from now on."""
    for kind, name in _declared(opened.settings):
        opened.package.digest(kind, name)  # says so now where it is not there
    own.use(opened.package)
    return opened


def _declared(settings: Settings) -> Iterator[tuple[Kind, str]]:
    """The modules that settings of training name."""
    yield from (("features", name) for name in settings.training.features.own)
    if settings.training.recipe.startswith(OWN):
        yield "recipes", settings.training.recipe.removeprefix(OWN)


def open_locally(
    folder: Path, home: Path, *, effort: Effort, clock: Callable[[], datetime] | None = None
) -> Workspace:
    """Open the workspace in `folder` on one machine's own: what it reads is in `home`, and nothing is written elsewhere."""
    settings = _settings(folder)
    databases = [
        name
        for name, source in settings.sources.items()
        if source.format == "sql"
        and source.pull is None
        and "://" not in source.path
        and (home / source.path).is_file()
    ]
    settings = local(settings, effort, databases=databases)
    return _with_own(
        Workspace(Address(folder, "dev", home, home, effort, apart=True), settings, clock or _now)
    )


def reopen(address: Address) -> Workspace:
    """The workspace of an address, in another process maybe."""
    if address.effort and address.home:
        return open_locally(address.folder, address.home, effort=address.effort)
    return open(
        address.home or address.folder,
        environment=address.environment,
        data=address.data,
        apart=address.apart,
    )


def _settings(folder: Path) -> Settings:
    if not (folder / SETTINGS_FILE).is_file():
        raise UsageError(
            f"{folder} is no workspace: it has no {SETTINGS_FILE}; name one with --workspace, or try `fleetcast demo`"
        )
    return load(folder / SETTINGS_FILE)


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def installed() -> str:
    """Digest of the Fleetcast that is installed here: two machines that share work must have the same."""
    return digest_of(_tree(Path(fleetcast.__file__).parent, skip=()))


def _tree(root: Path, *, skip: tuple[str, ...]) -> dict[str, str]:
    files: dict[str, Any] = {}
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(skip or ("\0",)):
            files[name] = digest(path.read_bytes())
    return files
