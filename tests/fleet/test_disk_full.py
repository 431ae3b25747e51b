import json
import os
import subprocess
import sys

import pytest
from tests.fleet.test_killed import one_region, outcome

from fleetcast.testing.kiosks import run_week

# A mount namespace of one's own: as root it is there for the asking, else as root of a user namespace.
APART = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]


@pytest.mark.slow
def test_a_week_on_a_full_disk_says_so_and_goes_on_when_there_is_room(tmp_path):
    """What lies on the disk in the end is as if it had been large enough from the beginning."""
    undisturbed, full = (one_region(tmp_path / name) for name in "ab")
    run_week(undisturbed)
    ended = subprocess.run(
        [*APART, sys.executable, "-m", "tests.fleet.filling", full],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert len(found["said"]) >= 4
    assert {line for line in found["said"] if "full" not in line} == set()
    left = json.loads(json.dumps(outcome(undisturbed)))
    assert {name: found["outcome"][name] for name in left} == left
    assert found["healthy"]
