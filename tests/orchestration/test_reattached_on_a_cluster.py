"""Dagster has training done on a Ray cluster, with the ledger on a PostgreSQL, and is killed in the middle of it."""

import subprocess
import sys
import time

import pytest
from tests.orchestration.chains import (
    CYCLE,
    WEEK,
    attempts,
    chain,
    eventually,
    held,
    hold,
    left,
    let_go,
    opened,
    run,
)

pytestmark = pytest.mark.orchestration

DAGSTER = """
import sys
import dagster as dg
from fleetcast.orchestration.definitions import definitions

job = definitions(sys.argv[1]).resolve_job_def("week_dev")
with dg.DagsterInstance.local_temp(sys.argv[3]) as instance:
    result = job.execute_in_process(instance=instance, partition_key=sys.argv[2])
    found = {event.asset_key.path[1]: event.materialization.metadata["how"].value
             for event in result.get_asset_materialization_events()}
    print("HOW", found)
"""


def dagster(folder, history):
    words = [sys.executable, "-c", DAGSTER, str(folder), WEEK, str(history)]
    with (history / "said").open("w") as said:
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, text=True)


def test_a_training_goes_on_without_its_orchestrator_which_finds_it_again(tmp_path, postgresql, monkeypatch):
    monkeypatch.setenv("FLEETCAST_LEDGER", postgresql.database())
    ledger = '\n[environments.dev]\nledger = "env:FLEETCAST_LEDGER"\n'
    folder = chain(tmp_path / "chain", engine="ray", more=ledger)
    hold(folder)
    killed = dagster(folder, tmp_path)
    eventually(lambda: held(folder))
    killed.kill()
    killed.communicate()
    at_work = opened(folder).ledger.holder("cycle")
    assert at_work is not None  # it steers the cluster in a session of its own
    again = dagster(folder, tmp_path)
    eventually(lambda: 'execution of step "models_dev"' in (tmp_path / "said").read_text())
    time.sleep(1)  # it looks twice a second whether they are done
    let_go(folder)
    told, _ = again.communicate(timeout=500)
    assert again.returncode == 0, told
    assert "'tables': 'already done', 'models': 'joined'" in told
    assert {step.state for step in opened(folder).ledger.steps(CYCLE)} == {"done"}
    assert set(attempts(folder).values()) == {1}
    assert [cycle.attempt for cycle in opened(folder).ledger.cycles()] == [1]
    run(undisturbed := chain(tmp_path / "undisturbed"))
    assert left(folder) == left(undisturbed)
