import subprocess
import sys
from pathlib import Path

import pytest

from fleetcast.fleet import audit
from fleetcast.fleet.progress import Silent
from fleetcast.testing.kiosks import kiosks, opened, run_week, write_workspace

RESUMED = "incident.opened"  # that a run was broken off is told
KILLING = Path(__file__).with_name("killing.py")


def outcome(folder):
    """What a week leaves: content of every table, the live release and its models, what was published."""
    w = opened(folder)
    return {
        "tables": {name: w.lake.version(table) for name, table in w.tables.items()},
        "live": w.ledger.pointer(),
        "releases": [release.id for release in w.registry.releases.list()],
        "models": {version.name: (version.state, version.artefact) for version in w.registry.models.list()},
        "published": [(p.cycle, p.release, p.forecasts, p.revision) for p in w.publications.list()],
        "audit": [(record.action, record.subject) for record in audit.log(w) if record.action != RESUMED],
    }


def one_region(folder):
    return write_workspace(folder / "chain", kiosks(regions=("east",), stores=1, weeks=50))


def test_a_run_killed_at_every_boundary_resumes_and_ends_as_if_nothing_had_happened(tmp_path):
    undisturbed, at_each_stage, at_each_write = (one_region(tmp_path / name) for name in "abc")
    run_week(undisturbed)
    ended = subprocess.run(
        [sys.executable, KILLING, at_each_stage, at_each_write],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    stages, writes = map(int, ended.stdout.split())
    assert stages >= 14
    assert writes >= 5
    for folder in (at_each_stage, at_each_write):
        assert outcome(folder) == outcome(undisturbed)
        assert audit.verify(opened(folder)).ok
        assert run_week(folder).unchanged


class CutOff(Silent):
    """Somebody presses ctrl-C when a stage begins."""

    def __init__(self, stage: str) -> None:
        self.name = stage

    def stage(self, name, total):
        if name == self.name:
            raise KeyboardInterrupt


def test_the_run_after_one_that_was_cut_off_says_that_it_took_over(tmp_path):
    folder = one_region(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_week(folder, progress=CutOff("score"))
    assert opened(folder).ledger.cycles()[0].state == "failed"
    report = run_week(folder)
    assert report.resumed
    assert not report.unchanged
    assert opened(folder).ledger.cycles()[0].state == "done"
