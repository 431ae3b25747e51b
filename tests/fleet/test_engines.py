from fleetcast.domain.tables import FORECASTS
from fleetcast.testing.kiosks import kiosks, opened, run_week, write_workspace


def outcome(folder):
    """All that was computed; a release also names the settings, and they name the engine."""
    w = opened(folder)
    live = w.registry.releases.current()
    assert live is not None
    return (
        {name: w.lake.version(table) for name, table in w.tables.items() if name != "forecasts"},
        {version.name: version.artefact for version in w.registry.models.list()},
        live.manifest.members,
        live.manifest.verdicts,
        w.lake.read(FORECASTS).drop("release").rows(),
    )


def test_worker_processes_leave_the_same_bytes_as_one_process(tmp_path):
    folders = [
        write_workspace(tmp_path / name, kiosks(stores=1, weeks=50)) for name in ("serial", "processes")
    ]
    settings = folders[1] / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace('"serial"', '"processes"\nworkers = 2'), "utf-8")
    reports = [run_week(folder) for folder in folders]
    assert outcome(folders[0]) == outcome(folders[1])
    assert reports[0].verdicts == reports[1].verdicts
