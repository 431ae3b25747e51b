import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from fleetcast.fleet import audit
from fleetcast.fleet.progress import Silent
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, run_week, write_workspace


def outcome(folder):
    """All that a week leaves but its times: tables, releases with their names, models, publications, the audit log."""
    w = opened(folder)
    live = w.registry.releases.current()
    assert live is not None
    return {
        "tables": {name: w.lake.version(table) for name, table in w.tables.items()},
        "releases": [release.id for release in w.registry.releases.list()],
        "verdicts": live.manifest.verdicts,
        "models": {version.name: (version.state, version.artefact) for version in w.registry.models.list()},
        "published": [(p.cycle, p.release, p.forecasts, p.revision) for p in w.publications.list()],
        "audit": [(record.action, record.subject) for record in audit.log(w)],
    }


def attempts(folder):
    """How often each partition was tried, by step."""
    steps = opened(folder).ledger.steps("2026w46")
    return {name: sorted(step.attempt for step in steps if step.step == name) for name in ("train", "score")}


class Killing(Silent):
    """Kills one worker, when it is at the training that has begun."""

    def __init__(self, workers) -> None:
        self.workers, self.killed = workers, []
        self.others = set(workers())  # of somebody else

    def stage(self, name, total):
        if name == "train":
            threading.Thread(target=self.kill, daemon=True).start()

    def kill(self):
        while not (found := set(self.workers()) - self.others):
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(min(found), signal.SIGKILL)
        self.killed.append(min(found))


def processes():
    return [child.pid for child in multiprocessing.active_children()]


def ray_workers():
    """The processes of Ray's workers that are training: they carry it in their title."""
    titles = {path.parent.name: path for path in Path("/proc").glob("[0-9]*/cmdline")}
    return [int(pid) for pid, path in titles.items() if title(path).startswith("ray::train")]


def title(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def workspace(folder, engine, nets):
    settings = SETTINGS.replace("net_members = 0", f"net_members = {nets}")
    written = settings.replace('"serial"', f'"{engine}"\nworkers = 2')
    return write_workspace(folder / engine, kiosks(stores=1, weeks=50), settings=written)


@pytest.mark.parametrize(
    ("engine", "workers", "nets"),
    [("processes", processes, 0), pytest.param("ray", ray_workers, 1, marks=pytest.mark.cluster)],
)
def test_two_workers_one_of_them_killed_leave_the_same_bytes_as_one_process(tmp_path, engine, workers, nets):
    here, there = (workspace(tmp_path, name, nets) for name in ("serial", engine))
    killing = Killing(workers)
    run_week(
        there, progress=killing
    )  # first: Ray forks, and JAX, which one process loads for its nets, warns of that
    run_week(here)
    assert killing.killed
    assert outcome(there) == outcome(here)
    assert attempts(there) == {"train": [1, 2], "score": [1, 1]}
