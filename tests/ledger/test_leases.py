"""Leases: two schedulers, one effect."""

import os
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime

import pytest

from fleetcast.domain.errors import ConflictError
from fleetcast.ledger.store import Ledger


def test_a_lease_is_held_by_one_at_a_time(ledger):
    with ledger.lease("run", "ana", 60):
        with pytest.raises(ConflictError, match="done by ana"), ledger.lease("run", "ben", 60):
            pytest.fail("two hold it")
        with ledger.lease("another", "ben", 60):
            pass


def test_a_lease_is_free_as_soon_as_its_block_is_left(ledger):
    with pytest.raises(RuntimeError), ledger.lease("run", "ana", 60):
        raise RuntimeError
    with ledger.lease("run", "ben", 60) as lease:
        assert lease.epoch == 2


def test_a_lease_that_ran_out_is_taken_over_and_its_old_holder_told(ledger, clock):
    with ledger.lease("run", "ana", 0.1) as slow:
        clock.forward(minutes=5)  # a laptop that slept
        slow.check()
        with ledger.lease("run", "ben", 60):
            deadline = time.monotonic() + 5
            while not slow.lost and time.monotonic() < deadline:
                time.sleep(0.02)
            with pytest.raises(ConflictError, match="ana lost the lease"):
                slow.check()


def test_an_old_holder_cannot_free_the_lease_of_the_next(ledger, clock):
    with ledger.lease("run", "ana", 60):
        clock.forward(minutes=5)
        following = ledger.lease("run", "ben", 60)
        following.__enter__()
    with pytest.raises(ConflictError, match="done by ben"), ledger.lease("run", "cy", 60):
        pytest.fail("two hold it")
    following.__exit__(None, None, None)


def test_a_lease_is_renewed_while_it_is_held(path):
    with Ledger.open(path, lambda: datetime.now(UTC)) as ledger, ledger.lease("run", "ana", 0.3) as lease:
        time.sleep(0.8)
        with pytest.raises(ConflictError), ledger.lease("run", "ben", 0.3):
            pytest.fail("two hold it")
        lease.check()


def killed_with_a_lease(path):
    program = f"""
        import os, pathlib, signal
        from datetime import UTC, datetime
        from fleetcast.ledger.store import Ledger
        with Ledger.open(pathlib.Path({str(path)!r}), lambda: datetime(2026, 11, 23, 6, tzinfo=UTC)) as ledger:
            with ledger.lease("run", "ana", 3600):
                os.kill(os.getpid(), signal.SIGKILL)
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])


def test_a_killed_holder_is_replaced_at_once_though_its_parent_has_not_taken_note(ledger, path):
    with killed_with_a_lease(path) as killed:
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
        with ledger.lease("run", "ben", 60) as lease:
            assert lease.epoch == 2
    assert killed.returncode == -9
