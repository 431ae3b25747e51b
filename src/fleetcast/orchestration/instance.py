"""Dagster on this machine: where it keeps its history, how it is started, and what it is told of a former life."""

import json
import sys
from pathlib import Path
from typing import Any

from fleetcast.orchestration.supervising import Child
from fleetcast.settings import OrchestrationSettings
from fleetcast.workspace import Workspace

LOCATION = '''"""Written by `fleetcast up`."""

from fleetcast.orchestration.definitions import definitions

defs = definitions({folder!r}, {environment!r})
'''
HOST = "127.0.0.1"  # nobody signs in to Dagster, so nobody from elsewhere may see it


def settle(w: Workspace) -> Path:
    """Write Dagster's own settings beside the ledger; the folder they are in."""
    home = w.state / "dagster"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = instance(w.settings.orchestration, home)
    (home / "dagster.yaml").write_text(json.dumps(written, indent=2), "utf-8")  # JSON is YAML
    location = LOCATION.format(folder=str(w.home), environment=w.environment)
    (home / "location.py").write_text(location, "utf-8")
    return home


def instance(settings: OrchestrationSettings, home: Path) -> dict[str, Any]:
    """What Dagster is told: one run at a time, run again when its process is killed, and nothing is reported to anybody."""
    written = settings.storage
    name = {"env": written.removeprefix("env:")} if written.startswith("env:") else written
    return {
        "storage": {"postgres": {"postgres_url": name}} if written else {"sqlite": {"base_dir": str(home)}},
        "telemetry": {"enabled": False},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
        "run_monitoring": {"enabled": True, "poll_interval_seconds": 10},
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
    }


def children(w: Workspace, home: Path, socket: Path) -> tuple[Child, ...]:
    """Dagster's three processes: the definitions, behind a socket only its owner can open; its daemon; and its pages."""
    orchestration = w.settings.orchestration
    where = {"grpc_server": {"socket": str(socket), "location_name": f"fleetcast-{w.environment}"}}
    workspace = home / "workspace.yaml"
    workspace.write_text(json.dumps({"load_from": [where]}), "utf-8")
    programs = Path(sys.executable).parent
    daemon, web = str(programs / "dagster-daemon"), str(programs / "dagster-webserver")
    pages = [web, "--log-format", "json", "-h", HOST, "-p", str(orchestration.port), "-w", str(workspace)]
    code = [
        str(programs / "dagster"),
        "api",
        "grpc",
        "--log-format",
        "json",
        "-f",
        str(home / "location.py"),
        "-s",
        str(socket),
    ]
    surroundings = {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    read_only = ["--read-only"] if orchestration.read_only else []
    return (
        Child(
            "definitions",
            (*code, "--location-name", "fleetcast"),
            "this machine",
            "assets, checks, sensors",
            surroundings,
        ),
        Child(
            "scheduler",
            (daemon, "run", "--log-format", "json", "-w", str(workspace)),
            "this machine",
            f"Dagster's daemon: the weekly schedule, and every {orchestration.look_seconds} s a look at files, data, "
            "stale models, alarms",
            surroundings,
        ),
        Child(
            "dagster",
            (*pages, *read_only),
            f"http://{HOST}:{orchestration.port}",
            "Dagster's pages" + (", to look at" if read_only else ""),
            surroundings,
        ),
    )


def bury(home: Path) -> list[str]:
    """Runs that Dagster takes for alive, and that a former life has left, are failed, so that its daemon starts them again."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home)) as found:
        alive = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
        runs = found.get_runs(dg.RunsFilter(statuses=alive))
        for run in runs:
            found.report_run_failed(
                run, "Its process was ended with `fleetcast up`; the week goes on by the ledger."
            )
        return [run.run_id for run in runs]
