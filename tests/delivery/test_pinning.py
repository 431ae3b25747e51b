import subprocess

import pytest

from fleetcast.delivery.pinning import pin
from fleetcast.domain.errors import UsageError
from fleetcast.fleet import pins, run
from fleetcast.fleet.progress import Silent
from fleetcast.testing.kiosks import WEDNESDAY, opened
from fleetcast.testing.repositories import commit, git


@pytest.fixture
def conditioned(repository):
    """A repository whose dev has taken its files in; Ada works there."""
    git(repository, "config", "user.name", "Ada")
    git(repository, "config", "user.email", "ada@example.com")
    run.run_cycle(opened(repository), only="condition", progress=Silent(), actor="ada")
    return repository


def test_a_pin_is_a_commit_on_a_branch_of_its_own_and_the_files_stay_as_they_are(conditioned):
    (conditioned / "fleetcast.toml").write_text((conditioned / "fleetcast.toml").read_text() + "# at work\n")
    before = git(conditioned, "status", "--porcelain")
    found = pin(opened(conditioned), branch=True)
    assert found.branch == f"data/2026w46-{found.snapshot[:8]}"
    assert git(conditioned, "diff", "--name-only", "main", found.branch) == "data.lock"
    assert git(conditioned, "show", f"{found.branch}:data.lock") == found.text.strip()
    assert (
        git(conditioned, "log", "-1", "--format=%s", found.branch)
        == f"Data of 2026w46: {found.snapshot[:12]}"
    )
    assert git(conditioned, "status", "--porcelain") == before
    with pytest.raises(UsageError, match="there is a branch"):
        pin(opened(conditioned), branch=True)


def test_once_it_is_merged_there_is_nothing_to_pin(conditioned):
    found = pin(opened(conditioned), branch=True)
    git(conditioned, "merge", "--quiet", "--no-ff", "-m", "Data", found.branch)
    assert pins.locked(opened(conditioned)).digest == found.snapshot
    assert pin(opened(conditioned), branch=True).same


def test_without_a_branch_the_file_is_written(conditioned):
    found = pin(opened(conditioned), branch=False)
    assert (conditioned / "data.lock").read_text() == found.text
    commit(conditioned, "Data")


def test_the_text_of_the_branch_tells_what_changed(conditioned):
    pin(opened(conditioned), branch=False)
    commit(conditioned, "Data")
    late = conditioned / "data" / "deliveries" / "late.csv"
    first = (conditioned / "data" / "deliveries" / "first.csv").read_text().splitlines()
    late.write_text("\n".join([first[0], first[1].rpartition(",")[0] + ",999.0"]) + "\n")
    run.run_cycle(
        opened(conditioned, WEDNESDAY.replace(hour=11)), only="condition", progress=Silent(), actor="ada"
    )
    found = pin(opened(conditioned), branch=True)
    text = git(conditioned, "log", "-1", "--format=%B", found.branch)
    assert "| deliveries | correction, " in text
    assert "Somebody has to look at:" in text
    assert "more than 13 weeks back" in text
    assert (
        subprocess.run(
            ["git", "-C", conditioned, "fsck", "--strict"], check=False, capture_output=True
        ).returncode
        == 0
    )


def test_whom_git_does_not_know_is_told_so(conditioned, monkeypatch):
    for what in ("name", "email"):
        git(conditioned, "config", "--unset", f"user.{what}")
    monkeypatch.setenv("HOME", str(conditioned / "nobody"))
    git(conditioned, "config", "user.useConfigOnly", "true")
    with pytest.raises(
        UsageError, match=r"Git does not know who you are; tell it with git config user\.name"
    ):
        pin(opened(conditioned), branch=True)
