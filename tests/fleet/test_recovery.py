import subprocess
import sys
from pathlib import Path

from tests.fleet.test_killed import one_region, outcome

from fleetcast.fleet.progress import Silent
from fleetcast.fleet.recovery import broken_off, recover
from fleetcast.testing.kiosks import opened, run_week

KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import killing
killing.run("progress", Path(sys.argv[2]), int(sys.argv[3]))
"""


def killed(folder: Path, sparks: int) -> None:
    words = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(folder), str(sparks)]
    assert subprocess.run(words, check=False).returncode == -9


def test_a_week_that_was_killed_is_gone_on_with_by_what_the_ledger_says(tmp_path):
    undisturbed, folder = one_region(tmp_path / "a"), one_region(tmp_path / "b")
    run_week(undisturbed)
    killed(folder, 8)
    assert broken_off(opened(folder)) == "2026w46"
    report = recover(opened(folder), progress=Silent(), actor="test")
    assert report is not None
    assert report.resumed
    assert outcome(folder) == outcome(undisturbed)
    assert broken_off(opened(folder)) is None


def test_where_nothing_was_broken_off_nothing_is_done(tmp_path):
    folder = one_region(tmp_path)
    assert recover(opened(folder), progress=Silent(), actor="test") is None
    run_week(folder)
    assert recover(opened(folder), progress=Silent(), actor="test") is None


def test_a_week_that_somebody_alive_is_at_is_left_to_them(tmp_path):
    folder = one_region(tmp_path)
    killed(folder, 8)
    w, waited = opened(folder), []
    with w.ledger.lease("cycle", "somebody", 60):
        assert (
            recover(opened(folder), progress=Silent(), actor="test", patience=0.2, sleep=waited.append)
            is None
        )
    assert broken_off(w) == "2026w46"
    assert recover(opened(folder), progress=Silent(), actor="test") is not None
