import re
import threading
from datetime import timedelta

import pytest

from fleetcast.domain.errors import ConflictError
from fleetcast.fleet import audit
from fleetcast.fleet.progress import Silent
from fleetcast.testing.kiosks import WEDNESDAY, kiosks, opened, run_week, write_workspace


class Waiting(Silent):
    """Tells when a stage has begun, and waits there."""

    def __init__(self, stage: str) -> None:
        self.name = stage
        self.reached, self.go_on = threading.Event(), threading.Event()

    def stage(self, name, total):
        if name == self.name:
            self.reached.set()
            assert self.go_on.wait(60)


@pytest.fixture
def waiting(tmp_path):
    """A run that has stopped before it scores, in a workspace of one region."""
    folder = write_workspace(tmp_path / "chain", kiosks(regions=("east",), stores=1, weeks=50))
    progress, ended = Waiting("score"), []

    def run():
        try:
            ended.append(run_week(folder, progress=progress))
        except ConflictError as told:
            ended.append(told)

    thread = threading.Thread(target=run)
    thread.start()
    assert progress.reached.wait(60)
    yield folder, progress, thread, ended
    progress.go_on.set()
    thread.join(60)


def test_of_two_runs_at_once_the_second_is_told_who_is_at_it_and_the_effect_is_one(waiting):
    folder, progress, thread, ended = waiting
    with pytest.raises(ConflictError, match="cycle is being done by test"):
        run_week(folder)
    progress.go_on.set()
    thread.join(60)
    assert ended[0].series.published == 4
    assert run_week(folder).unchanged
    once(folder)


def test_a_run_that_was_taken_for_dead_adds_nothing(waiting):
    """It hears of it at its next heartbeat and stops, or is sooner and finds its week done."""
    folder, progress, thread, ended = waiting
    taken_over = run_week(folder, WEDNESDAY + timedelta(hours=1))  # the lease has run out meanwhile
    assert taken_over.series.published == 4
    progress.go_on.set()
    thread.join(60)
    (end,) = ended
    if isinstance(end, ConflictError):
        assert re.search("lost the lease|took it over", str(end))
    else:
        assert end.series.published == 4
    once(folder)


def once(folder):
    w = opened(folder)
    done = [record.action for record in audit.log(w)]
    assert [action for action in done if not action.startswith("incident.")] == [
        "model.register",
        "release.cut",
        "release.promote",
        "model.transition",
    ]
    assert len(w.registry.releases.list()) == len(w.publications.list()) == 1
    assert audit.verify(w).ok
