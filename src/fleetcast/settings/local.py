"""Settings as a validation on one machine has them: nothing beyond one process, its sample and a temporary folder."""

from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Literal

from fleetcast.settings.tree import (
    AlertSettings,
    EnvironmentSettings,
    ExecutionSettings,
    GateSettings,
    Settings,
    SourceSettings,
    StateSettings,
    TelemetrySettings,
    TrainingSettings,
)

Effort = Literal["quick", "full"]

DATA = "{data}/"
UNWRITTEN = ("json", "xml")  # formats that are read only
ROUNDS = 4  # the fewest that training makes

# A few hundred rows prove no accuracy: every model that was trained serves, and the gate's own limits are told beside it.
OPEN = GateSettings(mape=1e9, skill=-1e9, bias=1e9, noninferiority=1e9, minimum_rounds=1, quorum=0)


def local(settings: Settings, effort: Effort, *, databases: Collection[str] = ()) -> Settings:
    """One process, no server, no state of anybody's; `quick` trains what the settings name, as briefly as it can be.

    `databases` are the sources whose SQLite file lies in the sample itself, where one was made by hand.
    """
    changed = {
        "state": StateSettings(),
        "sources": {
            name: _never_late(source if name in databases else sampled(name, source))
            for name, source in settings.sources.items()
        },
        "execution": ExecutionSettings(engine="serial"),
        "telemetry": TelemetrySettings(traces="none"),
        "environments": {"dev": EnvironmentSettings(checkout=True)},
        "alerts": AlertSettings(channels={}),
        "gate": OPEN,
    }
    if effort == "quick":
        changed["training"] = _brief(settings.training)
        changed["long_term"] = settings.long_term.model_copy(update={"rounds": ROUNDS})
    return settings.model_copy(update=changed)


def _brief(training: TrainingSettings) -> TrainingSettings:
    least = {
        "rounds": ROUNDS,
        "passes": 1,
        "net_epochs": 1,
        "net_members": min(1, training.net_members),
        "pool_net_members": min(1, training.pool_net_members),
        "net_engine": "cpu",  # jax compiles longer than such nets take
    }
    return training.model_copy(update=least)


def _never_late(source: SourceSettings) -> SourceSettings:
    return source.model_copy(update={"due_days": None})  # a sample is as old as it is


def sampled(name: str, source: SourceSettings) -> SourceSettings:
    """The source as it lies in a sample: relative paths as they are, the rest in a folder of the source's name.

    What a database answers, and what is pulled, is there as JSON lines: nobody needs the database, or the network.

    >>> def there(path, **more): return sampled("till", SourceSettings(path=path, format="csv", columns={}, **more)).path
    >>> there("data/till/*.csv"), there("{data}/till/*.csv"), there("/srv/export/*.csv"), there("../raw/till.csv")
    ('data/till/*.csv', 'till/*.csv', 'till/*.csv', 'till/till.csv')
    """
    if source.format == "sql" and source.pull is None:
        return source.model_copy(update={"path": f"{name}.jsonl", "format": "jsonl", "query": None})
    if source.pull or source.format in UNWRITTEN:
        given = {"path": f"{name}/*.jsonl", "format": "jsonl", "query": None, "rows": None, "pull": None}
        return source.model_copy(update=given)
    path = source.path.removeprefix(DATA)
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        path = f"{name}/{_tail(path)}"
    return source.model_copy(update={"path": path})


def _tail(path: str) -> str:
    """A pattern from its first folder with a wildcard on, else its file."""
    parts = PurePosixPath(path).parts
    wild = next((n for n, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts) - 1)
    return "/".join(parts[wild:])
