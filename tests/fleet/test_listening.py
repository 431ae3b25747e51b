"""Whoever listens does the week when data have come, tries again what is owed, and ends cleanly."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from time import sleep

import pytest
from tests.fleet.test_lookout import FRAMES, in_a_bucket, with_a_week_more

from fleetcast.domain.errors import ConflictError, DataError, UsageError
from fleetcast.domain.week import WEEK
from fleetcast.fleet import listening
from fleetcast.fleet.listening import Bell
from fleetcast.fleet.progress import Silent
from fleetcast.testing.kiosks import LAST, WEDNESDAY, opened, run_week, write_file, write_workspace

PATIENCE = 60  # seconds until a test gives up; nothing here takes that long
SOURCES = {"deliveries", "products", "stores"}


@contextmanager
def listening_to(folder, do):
    """Somebody listens, in a thread of their own: the bell, and a queue of what was done and what failed."""
    bell, said = Bell(), Queue()

    def doing(w, sources):
        said.put(do(w, sources))

    def listen():
        at = WEDNESDAY + WEEK
        listening.listen(lambda: opened(folder, at), bell, doing, failed=said.put, every=0.02)

    thread = Thread(target=listen)
    thread.start()
    try:
        yield bell, said
    finally:
        bell.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def folder(tmp_path):
    return write_workspace(tmp_path / "chain", FRAMES)


def test_a_new_object_does_the_week_though_its_source_is_not_due_and_what_was_there_before_does_none(folder):
    def do(w, sources):
        return listening.came(w, sources, progress=Silent(), actor="watcher")

    bucket = in_a_bucket(folder)  # that is pulled once a week
    run_week(folder, WEDNESDAY + WEEK)
    with listening_to(folder, do) as (_, said):
        assert said.get(timeout=PATIENCE).report is None
        write_file(folder, "deliveries", with_a_week_more(FRAMES)).rename(bucket / "second.csv")
        assert said.get(timeout=PATIENCE).report.cycle == LAST + WEEK
    with opened(folder).ledger.view() as view:
        assert [one.actor for one in view.audit() if one.action == "trigger.data"] == ["watcher"] * 2


def test_many_rings_while_a_week_is_done_are_one_more_week(folder):
    busy, done = Queue(), Queue()

    def do(_, sources):
        busy.put(sources)
        return done.get(timeout=PATIENCE)

    with listening_to(folder, do) as (bell, said):
        assert busy.get(timeout=PATIENCE) == SOURCES
        for _ in range(20):
            bell.ring("deliveries")
        bell.ring("stores")
        done.put("first")
        assert busy.get(timeout=PATIENCE) == {"deliveries", "stores"}
        done.put("second")
        assert [said.get(timeout=PATIENCE) for _ in range(2)] == ["first", "second"]
        bell.stop()
    assert busy.empty()


def test_a_week_that_somebody_else_is_at_is_owed_and_one_that_cannot_be_done_waits_for_other_data(folder):
    errors = iter([ConflictError("somebody is at it"), DataError("no such column")])

    def do(_, sources):
        for error in errors:
            raise error
        return sources

    with listening_to(folder, do) as (bell, said):
        told = [said.get(timeout=PATIENCE) for _ in range(2)]
        assert [str(error) for error in told] == ["somebody is at it", "no such column"]
        bell.ring("stores")  # of all that was owed nothing is any more
        assert said.get(timeout=PATIENCE) == {"stores"}


def test_a_share_that_is_away_for_a_while_is_waited_for_and_one_that_never_was_there_is_an_error(
    folder, monkeypatch
):
    monkeypatch.setenv("FLEETCAST_DATA", str(folder / "data"))
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace('path = "data/', 'path = "{data}/'), "utf-8")
    with listening_to(folder, lambda _, sources: sources) as (_, said):
        assert said.get(timeout=PATIENCE) == SOURCES
        (folder / "data").rename(folder / "away")
        sleep(0.1)  # some looks
        (folder / "away" / "stores" / "second.csv").write_text("store")
        (folder / "away").rename(folder / "data")
        assert said.get(timeout=PATIENCE) == {"stores"}
    monkeypatch.setenv("FLEETCAST_DATA", str(folder / "nowhere"))
    with pytest.raises(UsageError, match="nowhere is not there"):
        listening.listen(lambda: opened(folder), Bell(), print, failed=print)


def test_the_command_watches_until_it_is_asked_to_end(folder):
    words = ["trigger", "data", "--watch", "--every", "60", "--workspace", str(folder)]
    command = "from fleetcast.faces.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", command, *words], stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stderr is not None
        assert program.stderr.readline().startswith("watching the sources of")
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE) == 0
