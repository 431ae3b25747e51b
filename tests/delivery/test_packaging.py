import json
import re
import shutil
import zipfile

import pytest

from fleetcast import workspace
from fleetcast.artifacts import FILE, LOCK, Artifact, installed_at
from fleetcast.delivery import lock
from fleetcast.delivery.installing import install, run_there
from fleetcast.delivery.packaging import package
from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.settings import deciding_digest
from fleetcast.testing.repositories import commit, git


@pytest.fixture(scope="session")
def packaged(committed, tmp_path_factory):
    """An artifact of the chain's first commit, and where it lies."""
    return package(committed, tmp_path_factory.mktemp("dist") / "artifact")


@pytest.fixture
def artifact(packaged, tmp_path):
    return shutil.copytree(packaged.folder, tmp_path / "artifact")


def test_an_artifact_has_the_code_and_settings_of_its_commit(packaged, committed):
    w = workspace.open(committed)
    made = packaged.artifact
    assert (made.code, made.settings) == (w.code, deciding_digest(w.settings))
    assert made.commit == git(committed, "rev-parse", "HEAD")
    assert (made.workspace, made.authors) == ("kiosks", ("ada@example.com",))


def test_the_same_commit_makes_the_same_artifact_wherever_it_is_checked_out(packaged, committed, tmp_path):
    git(tmp_path, "clone", "--quiet", str(committed), "elsewhere")
    again = package(tmp_path / "elsewhere", tmp_path / "dist")
    assert again.artifact == packaged.artifact
    assert (again.folder / FILE).read_bytes() == (packaged.folder / FILE).read_bytes()


def test_an_artifact_says_what_it_is_made_of(packaged):
    bill = json.loads((packaged.folder / "sbom.cdx.json").read_text())
    made_of = {part["name"]: part for part in bill["components"]}
    assert bill["metadata"]["component"]["name"] == "kiosks"
    assert {"fleetcast", "polars", "numpy"} <= made_of.keys()
    assert made_of["numpy"]["externalReferences"][0]["hashes"]


def test_tests_notebooks_and_raw_files_stay_at_home(repository, tmp_path):
    (repository / "tests").mkdir()
    (repository / "tests" / "test_all.py").write_text("def test_it(): ...\n")
    (repository / "notes.txt").write_text("for us only\n")
    commit(repository, "Tests")
    made = package(repository, tmp_path / "dist")
    names = zipfile.ZipFile(made.folder / made.artifact.wheel).namelist()
    shared = sorted(re.sub(r".*/share/fleetcast/workspace/", "", name) for name in names if "/share/" in name)
    conditioners = [f"src/kiosks/conditioners/{table}.py" for table in ("deliveries", "products", "stores")]
    assert shared == ["fleetcast.toml", "policy.toml", *conditioners]


def test_what_is_not_committed_is_no_artifact(repository, tmp_path):
    (repository / "fleetcast.toml").write_text((repository / "fleetcast.toml").read_text() + "\n# new\n")
    with pytest.raises(UsageError, match=r"1 files of .* are not as committed \(fleetcast.toml\)"):
        package(repository, tmp_path / "dist")


def test_something_else_is_not_overwritten_and_an_older_artifact_is(repository, artifact, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds something else than an artifact"):
        package(repository, tmp_path / "mine")
    (repository / "new").write_text("x")
    commit(repository, "Something new", by="ben")
    made = package(repository, artifact)
    assert Artifact.read(artifact).id == made.artifact.id


def test_a_lock_that_says_otherwise_than_what_was_tested_is_refused(repository, tmp_path):
    text = (repository / LOCK).read_text()
    (repository / LOCK).write_text(re.sub(r"(?m)^polars==\S+", "polars==0.1.0", text))
    commit(repository, "Another polars")
    with pytest.raises(UsageError, match=r"polars is locked at 0\.1\.0, and .* is installed"):
        package(repository, tmp_path / "dist")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("polars>=1\n", "polars is not pinned to one version"),
        ("polars==1.0\n", "polars has no hash"),
        ("@@@\n", "@@@: "),
    ],
)
def test_a_lock_pins_everything_to_one_version_and_its_hashes(line, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        lock.read(line)


def test_without_a_lock_or_a_version_nothing_is_packaged(repository, tmp_path):
    git(repository, "rm", "--quiet", LOCK)
    commit(repository, "No lock")
    with pytest.raises(UsageError, match=r"has no requirements.lock in Git: make it anew"):
        package(repository, tmp_path / "dist")
    (repository / "pyproject.toml").write_text('[project]\nname = "kiosks"\n')
    commit(repository, "No version")
    with pytest.raises(UsageError, match=r"has no \[project\] version"):
        package(repository, tmp_path / "dist")


def test_authors_are_those_of_what_is_new_since_the_last_release(repository, tmp_path):
    git(repository, "tag", "fleet-1")
    (repository / "policy.toml").write_text("schema = 1\n# mine\n")
    commit(repository, "A policy\n\nCo-authored-by: Cyd <Cyd@Example.com>", by="ben")
    made = package(repository, tmp_path / "dist")
    assert made.artifact.authors == ("ben@example.com", "cyd@example.com")


def test_an_edited_artifact_is_refused(artifact):
    body = json.loads((artifact / FILE).read_text())
    (artifact / FILE).write_text(json.dumps({**body, "authors": ["nobody@example.com"]}))
    with pytest.raises(PolicyRefusal, match="was edited after it was packaged") as caught:
        Artifact.read(artifact)
    assert caught.value.name == "edited_manifest"


@pytest.mark.parametrize("damage", ["changed", "missing", "unreadable"])
def test_an_artifact_whose_files_are_not_what_was_packaged_is_refused(artifact, damage):
    if damage == "changed":
        (artifact / LOCK).write_text((artifact / LOCK).read_text() + "\n")
    elif damage == "missing":
        (artifact / LOCK).unlink()
    else:
        (artifact / FILE).write_text("{}")
    with pytest.raises(PolicyRefusal, match=r"package it anew"):
        Artifact.read(artifact)


def test_a_folder_without_an_artifact_says_what_makes_one(tmp_path):
    with pytest.raises(UsageError, match="fleetcast ci package"):
        Artifact.read(tmp_path)


@pytest.mark.slow
def test_an_artifact_is_installed_once_and_whole_and_runs_from_there(artifact, tmp_path):
    made = install(artifact, tmp_path / "state")
    mark = made.root / "installed.json"
    before = mark.stat().st_mtime_ns
    assert install(artifact, tmp_path / "state") == made
    assert mark.stat().st_mtime_ns == before
    assert run_there(made, ["--version"]) == 0
    mark.unlink()  # as if it had been broken off
    (made.root / "venv" / "bin" / "fleetcast").unlink()
    assert installed_at(made.root) is None
    assert run_there(install(artifact, tmp_path / "state"), ["--version"]) == 0
