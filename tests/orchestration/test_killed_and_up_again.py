"""Everything is killed in the middle of a training; `fleetcast up` comes back, and the week with it."""

import signal
import subprocess

import pytest
from tests.orchestration.chains import (
    CYCLE,
    PROGRAM,
    attempts,
    chain,
    eventually,
    held,
    hold,
    kill_all,
    left,
    let_go,
    opened,
    processes,
    run,
)

from fleetcast.orchestration.looking import finished

pytestmark = pytest.mark.orchestration

SETTINGS = '\n[orchestration]\nscheduler = "{scheduler}"\nlook_seconds = 2\nport = {port}\n'


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = chain(tmp_path_factory.mktemp("undisturbed") / "chain")
    run(folder)
    return left(folder)


def up(folder):
    with (folder / "told").open("ab") as told:
        return subprocess.Popen([PROGRAM, "up", "--workspace", str(folder)], stdout=told, stderr=told)


def done(folder):
    w = opened(folder)
    return bool(w.ledger.cycles()) and finished(w, CYCLE)


@pytest.mark.parametrize("scheduler", ["own", "dagster"])
def test_a_week_goes_on_where_it_was_killed_and_ends_as_if_nothing_had_happened(
    tmp_path, undisturbed, scheduler, free_port
):
    folder = chain(tmp_path / "chain", more=SETTINGS.format(scheduler=scheduler, port=free_port))
    hold(folder)
    first = up(folder)
    eventually(lambda: held(folder))
    kill_all(folder)
    first.wait()
    eventually(lambda: not processes(folder))
    let_go(folder)
    second = up(folder)
    eventually(lambda: done(folder))
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0, (folder / "told").read_text()
    assert not processes(folder)
    assert left(folder) == undisturbed
    again = {step for (step, _), number in attempts(folder).items() if number > 1}
    assert again == {"train"}
    assert f"week {CYCLE} was broken off, and goes on" in (folder / "told").read_text()


def test_two_at_once_are_one_too_many_and_the_end_of_one_is_the_end_of_its_work(tmp_path):
    folder = chain(tmp_path / "chain", more=SETTINGS.format(scheduler="own", port=3070))
    hold(folder)
    first = up(folder)
    eventually(lambda: held(folder))
    words = [PROGRAM, "up", "--workspace", str(folder)]
    second = subprocess.run(words, capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert "up is being done by" in second.stderr
    first.terminate()
    assert first.wait(60) == 0
    assert not processes(folder)  # the week too: it goes on with the next one
