"""Work is started by a process that may die, and found by another: by the ledger's lease and a lock that the kernel keeps."""

import subprocess
import sys

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

from fleetcast.domain.errors import InfrastructureError
from fleetcast.orchestration.desk import Desk, see_to
from fleetcast.orchestration.looking import finished

pytestmark = pytest.mark.orchestration

RUN = ("run", "--week", WEEK)
STARTER = """
import sys
from pathlib import Path
from fleetcast import workspace
from fleetcast.orchestration.desk import Desk, see_to
see_to(Desk(workspace.open(Path(sys.argv[1]))), sys.argv[2:], lambda: False)
"""


@pytest.fixture
def folder(tmp_path):
    return chain(tmp_path / "chain")


def seen_to(folder):
    w = opened(folder)
    return see_to(Desk(w), RUN, lambda: finished(w, CYCLE))


def test_work_outlives_who_started_it_and_whoever_comes_next_joins_it(folder, tmp_path):
    hold(folder)
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(folder), *RUN])
    eventually(lambda: held(folder))
    starter.kill()
    starter.wait()
    desk = Desk(opened(folder))
    work = desk.work
    assert work is not None
    assert work.verb == RUN
    assert desk.taken
    assert desk.start(RUN) is None
    let_go(folder)
    assert seen_to(folder) == "joined"
    assert set(attempts(folder).values()) == {1}
    assert seen_to(folder) == "already done"
    run(undisturbed := chain(tmp_path / "undisturbed"))
    assert left(folder) == left(undisturbed)


def test_work_that_is_ended_with_its_desk_is_taken_up_by_the_next_one(folder):
    hold(folder)
    process = Desk(opened(folder)).start(RUN)
    assert process is not None
    eventually(lambda: held(folder))
    desk = Desk(opened(folder))
    assert desk.clear() is not None
    assert not desk.taken
    let_go(folder)
    assert seen_to(folder) == "done"
    assert max(attempts(folder).values()) == 2
    assert {key for key, number in attempts(folder).items() if number == 2} <= {
        ("train", "east"),
        ("train", "west"),
    }


def test_work_that_fails_is_told_in_its_own_words(folder):
    with pytest.raises(InfrastructureError, match=r"ended with exit code 2: .*1999-01-04"):
        see_to(Desk(opened(folder)), ("run", "--week", "1999-01-04"), lambda: False)
