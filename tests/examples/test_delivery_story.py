"""The story of a delivery, told as `make demo-delivery` tells it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STORY = Path(__file__).parents[2] / "examples" / "delivery" / "story.py"
REFUSED = [
    "direct_push",
    "missing_checks",
    "force_push",
    "moved_tag",
    "self_approval",
    "stale_approval",
    "edited_manifest",
    "bad_model",
]


@pytest.mark.delivery
def test_code_and_data_go_to_production_and_back_and_every_shortcut_is_refused_and_kept(tmp_path):
    done = subprocess.run(
        [sys.executable, STORY, "--keep", tmp_path / "story"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told["refused"]) == REFUSED
    events = list(told["refused"].values())
    assert len(set(events)) == len(REFUSED)
    assert all(isinstance(event, int) and event > 0 for event in events)
    assert told["audit"] == "verified"
    assert (told["approvals"], told["releases"]) == (4, 6)
