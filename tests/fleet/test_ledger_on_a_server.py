import subprocess
import sys

from tests.fleet.test_killed import KILLING, outcome

from fleetcast.fleet import audit
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, run_week, write_workspace


def chain(folder, *, regions=("east",), engine="serial", ledger=None):
    settings = SETTINGS.replace('"serial"', f'"{engine}"\nworkers = 2')
    if ledger:
        settings += f'\n[environments.dev]\nledger = "{ledger}"\n'
    return write_workspace(folder, kiosks(regions=regions, stores=1, weeks=50), settings=settings)


def test_a_week_on_a_servers_ledger_is_the_week_on_a_files(tmp_path, postgresql, monkeypatch):
    monkeypatch.setenv("FLEETCAST_LEDGER", postgresql.database())
    both = ("east", "west")
    file = chain(tmp_path / "file", regions=both)
    server = chain(tmp_path / "server", regions=both, engine="processes", ledger="env:FLEETCAST_LEDGER")
    run_week(file)
    report = run_week(server)
    assert outcome(server) == outcome(file)
    assert "ledger" not in report.files
    assert not list((server / ".fleetcast").rglob("ledger.db*"))
    assert audit.verify(opened(server)).ok
    assert run_week(server).unchanged


def test_a_run_killed_at_every_boundary_resumes_there_too(tmp_path, postgresql):
    undisturbed = chain(tmp_path / "undisturbed")
    killed = [chain(tmp_path / name, ledger=postgresql.database()) for name in ("stages", "writes")]
    run_week(undisturbed)
    ended = subprocess.run(
        [sys.executable, KILLING, *killed], capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    assert all(int(number) >= 5 for number in ended.stdout.split())
    for folder in killed:
        assert outcome(folder) == outcome(undisturbed)
