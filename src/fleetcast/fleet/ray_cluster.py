"""A crew on a Ray cluster: one this process starts for itself, or one that is there. The only module that knows Ray."""

import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetcast.domain.cost import Cost
from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.fleet.attempts import Ended, Event, Loss, Lost, Started, attempt
from fleetcast.fleet.workers import LOOK, OVER, WORKER, as_workers, become_worker, memory_mb
from fleetcast.settings import ExecutionSettings
from fleetcast.settings.references import resolved
from fleetcast.workspace import installed

if TYPE_CHECKING:
    from ray import ObjectRefGenerator

# Read by Ray when it is imported. Only who has the token can talk to a cluster; nothing is reported to anybody; and what
# runs on a node is what is installed there, not a copy of this folder.
ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # those of attempts that were given up
}
# A cluster of one machine, whatever the system: it listens on loopback only.
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
OBJECT_STORE = 80 * 2**20  # bytes, about the least Ray takes: tasks and digests are all that travels


@dataclass(slots=True)
class _Given:
    number: int
    began: bool = False


@dataclass
class RayCluster:
    """Joins its cluster when there is work for it; the whole queue goes there, so that a cluster grows with it."""

    settings: ExecutionSettings
    _given: "dict[ObjectRefGenerator, _Given]" = field(default_factory=dict)
    _joined: bool = False
    _folder: Path | None = None  # of a cluster of our own
    _shared: bool = False  # this process had joined a cluster before, and stays there

    def room(self, given: int) -> bool:
        return not self.settings.workers or given < self.settings.workers

    def give(self, number: int, work: Callable[[Any], str], task: object, memory_mb: int) -> None:
        ray = self._join()
        remote = ray.remote(
            _at_work
        ).options(
            num_cpus=self.settings.cpus_per_task,
            num_gpus=self.settings.gpus_per_task,
            memory=memory_mb * 2**20 or None,  # what a node must have free
            max_retries=0,  # tries are counted in one place, for all crews
            name=str(task)[:200],
        )
        self._given[remote.remote(work, task, memory_mb, installed())] = _Given(number)

    def events(self, seconds: float) -> list[Event]:
        import ray

        given = list(self._given)
        if not given:
            time.sleep(seconds)
            return []
        ray.wait(given, timeout=seconds, fetch_local=False)
        ready, _ = ray.wait(given, num_returns=len(given), timeout=0, fetch_local=False)
        return [self._heard(one) for one in ready]

    def stop(self, number: int) -> None:
        import ray

        for one in [one for one, given in self._given.items() if given.number == number]:
            del self._given[one]
            with suppress(TypeError):  # "no owner found": it has just ended by itself
                ray.cancel(one, force=True)

    def whole_memory_mb(self, memory_mb: int) -> int:
        import ray

        nodes = [node["Resources"].get("memory", 0.0) for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        return max(memory_mb, int(max(nodes, default=0.0) / 2**20)) if memory_mb else 0

    def starving(self) -> str:
        import ray

        has = ray.cluster_resources()  # type: ignore[no-untyped-call]
        asked = {"CPU": self.settings.cpus_per_task, "GPU": self.settings.gpus_per_task}
        wanted = ", ".join(f"{count:g} {kind}" for kind, count in asked.items() if count)
        there = ", ".join(f"{has.get(kind, 0):g} {kind}" for kind in asked)
        memory = f" and {self.settings.memory_limit_mb} MB" if self.settings.memory_limit_mb else ""
        return f"each task asks for {wanted}{memory}; the cluster has {there} in all"

    def close(self) -> None:
        """Leave the cluster, and end it if it is our own. What is still running there is cancelled."""
        if not self._joined:
            return
        for given in list(self._given.values()):
            self.stop(given.number)
        self._leave()

    def _leave(self) -> None:
        import ray

        self._joined = False
        if not self._shared:
            ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _join(self) -> Any:
        address = resolved(self.settings.address, "[execution] address")
        ray = _installed(alone=address == "local")
        if self._joined:
            return ray
        self._shared = ray.is_initialized()
        if not self._shared:
            self._begin(ray, address)
        self._joined = True
        return ray

    def _begin(self, ray: Any, address: str) -> None:
        how: dict[str, Any] = {"runtime_env": {"env_vars": WORKER}}
        if address == "local":
            self._folder = Path(tempfile.mkdtemp(prefix="fc-"))  # short: a socket's path has 107 bytes
            how = {
                "num_cpus": self.settings.workers or os.cpu_count() or 1,
                "object_store_memory": OBJECT_STORE,
                "include_dashboard": False,
                "_temp_dir": str(self._folder),
            }
        # Ray would print what it thinks of a worker that died on standard output, where results go.
        ray._private.worker._worker_logs_enabled = False  # noqa: SLF001
        try:
            _reach(address)
            with (
                as_workers()
            ):  # workers of our own inherit it, and start faster than in a runtime environment
                ray.init(address, log_to_driver=False, configure_logging=False, **how)
        except Exception as error:  # Ray raises plain ones too: one is that a node was not up in 30 seconds
            self._leave()
            raise InfrastructureError(f"the Ray cluster at {address} cannot be joined: {error}") from error

    def _heard(self, one: "ObjectRefGenerator") -> Event:
        import ray

        given = self._given[one]
        try:
            said = ray.get(next(one))
        except ray.exceptions.RayTaskError as error:
            del self._given[one]
            raise error.as_instanceof_cause() from error  # type: ignore[no-untyped-call]
        except ray.exceptions.RayError as error:
            del self._given[one]
            return _lost(given.number, error)
        if not given.began:
            given.began = True
            return Started(given.number)
        del self._given[one]
        output, words, cost, over = said
        if over:
            ray.cancel(one, force=True)
            return Lost(given.number, "memory", words)
        return Ended(given.number, output, words, cost)


def _at_work(
    work: Callable[[Any], str], task: object, limit_mb: int, code: str
) -> Iterator[tuple[str | None, str | None, Cost | None, bool]]:
    """Runs on a worker: says that it has begun, and then output, error and cost, and whether that was too much memory."""
    yield None, None, None, False
    if code != installed():
        yield (
            None,
            f"the Fleetcast installed on node {os.uname().nodename} is another one than here; install the same",
            None,
            False,
        )
        return
    become_worker()
    doing = _hands().submit(attempt, work, task)
    while limit_mb and not doing.done():
        time.sleep(LOOK)
        if memory_mb(os.getpid()) > limit_mb:
            yield None, OVER.format(limit_mb), None, True
            time.sleep(5)  # until it is cancelled, which ends this process
            os._exit(1)
    output, error, cost = doing.result()
    yield output, error, cost, False


@cache
def _hands() -> ThreadPoolExecutor:
    """The thread that works: always the same one, since what a warm worker holds open may belong to a thread."""
    return ThreadPoolExecutor(1)


def _lost(number: int, error: Exception) -> Lost:
    from ray import exceptions

    known: list[tuple[type[Exception], Loss, str]] = [
        (exceptions.OutOfMemoryError, "memory", "its worker process was killed: its node was out of memory"),
        (exceptions.NodeDiedError, "machine", "its node was lost"),
        (exceptions.WorkerCrashedError, "killed", "its worker process was killed"),
    ]
    for kind, loss, words in known:
        if isinstance(error, kind):
            return Lost(number, loss, words)
    return Lost(number, "killed", f"its worker was lost: {type(error).__name__}: {error}")


def _reach(address: str) -> None:
    """OSError unless somebody listens there: Ray itself would try for seven minutes."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _installed(*, alone: bool) -> Any:
    """Ray, set up before it is imported; a cluster of our own gets a token that nobody else knows."""
    os.environ.update(ENVIRONMENT)
    if alone:
        os.environ.update(ALONE)
    if alone and not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "Ray is not installed: pip install 'fleetcast[ray]', or choose another engine in [execution]"
        ) from error
    return ray
