"""The emitted workflows of GitHub, done step by step: real verbs, on a repository, beside the state of dev and prod."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from examples.delivery import retailer
from tests.delivery.local_runner import Ran, Runner, cloned, machine

from fleetcast.artifacts import Artifact
from fleetcast.domain.tables import FORECASTS
from fleetcast.registry.manifest import Release
from fleetcast.testing.kiosks import SETTINGS
from fleetcast.testing.repositories import commit, git
from fleetcast.workspace import open as opened

FLEETCAST = Path(sys.executable).with_name("fleetcast")
APPROVERS = ("ben", "cyd")
RELEASE = "release/2026w47"
CHECKS = ("code-validation", "model-validation")

pytestmark = pytest.mark.delivery


@dataclass
class Road:
    """A Git server, Ada's checkout, and the machine of the environments: their state, and where raw files arrive."""

    folder: Path

    @property
    def ada(self) -> Path:
        return self.folder / "ada"

    @property
    def incoming(self) -> Path:
        return self.folder / "incoming"

    @property
    def surroundings(self) -> dict[str, str]:
        ours = {"FLEETCAST_DATA": str(self.incoming), "OMP_NUM_THREADS": "1"}
        return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | ours

    def pushed(self, revision: str, ref: str) -> str:
        git(self.ada, "push", "--quiet", "origin", f"{revision}:{ref}")
        return ref

    def merge(self, branch: str) -> str:
        """The commit that the server makes of a branch and main, as for a pull request."""
        git(self.ada, "switch", "--quiet", "--detach", "origin/main")
        git(self.ada, "merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch)
        return git(self.ada, "rev-parse", "HEAD")

    def ran(self, workflow: str, *, ref: str, passed: tuple[str, ...] = ()) -> tuple[Ran, Runner]:
        """What an event starts; checks that have `passed` are not done again."""
        text = (self.ada / ".github" / "workflows" / f"fleetcast-{workflow}.yml").read_text("utf-8")
        runner = Runner(
            self.folder / f"runner-of-{workflow}",
            cloned(self.folder / "server.git"),
            machine(self.folder / f"programs-of-{workflow}", FLEETCAST),
            surroundings=self.surroundings,
            people={"prod-release": lambda: self.sign(reported(runner, "validate-model")["release"])},
        )
        ran = runner.run(text, ref=ref, variables={"FLEETCAST_RELEASE_BRANCH": RELEASE}, passed=passed)
        assert set(ran.results.values()) == {"success"}, ran.output
        return ran, runner

    def typed(self, *words: str | Path) -> str:
        """A verb, typed by somebody on the machine of the environments."""
        done = subprocess.run(
            [FLEETCAST, *words],
            cwd=self.ada,
            env=self.surroundings,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def sign(self, release: str) -> None:
        for person in APPROVERS:
            self.typed("release", "approve", release, "--env", "prod", "--key", self.folder / person)

    def live(self, environment: str) -> Release:
        """What is live; the newest week was forecast by it."""
        w = opened(self.ada, environment=environment)
        live = w.registry.releases.current()
        assert live is not None
        rows = w.lake.read(FORECASTS)
        assert set(rows.filter(rows["cycle"] == rows["cycle"].max())["release"]) == {live.id}
        return live


def report_of(runner: Runner, job: str) -> dict[str, Any]:
    return json.loads((runner.artifacts / f"report-{job}" / "report.json").read_text("utf-8"))


def reported(runner: Runner, job: str) -> dict[str, Any]:
    """What a job's report is about."""
    return report_of(runner, job)["subject"]


def packaged(runner: Runner) -> str:
    return Artifact.read(runner.artifacts / "dist").id


@pytest.fixture(scope="module")
def road(tmp_path_factory) -> Road:
    """Ada's chain of kiosks on a server: its raw files and its state are elsewhere, and Ben and Cyd sign."""
    made = Road(tmp_path_factory.mktemp("road"))
    signers = ""
    for person in APPROVERS:
        key = made.folder / person
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        signers += f'[signers."{person}@example.com"]\nkey = "{" ".join(key.with_suffix(".pub").read_text().split()[:2])}"\n'
    state = f'[state]\nroot = "{made.folder / "state"}"\n'
    retailer.write(made.ada, f"schema = 1\n{signers}", settings=f"{SETTINGS}\n{state}")
    made.incoming.mkdir()
    (made.ada / "data").rename(made.incoming / "data")
    settings = made.ada / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace('path = "data/', 'path = "{data}/data/'), "utf-8")
    made.typed("ci", "emit", "--host", "github", "--group", "acme")
    git(made.folder, "init", "--quiet", "--bare", "--initial-branch", "main", "server.git")
    git(made.ada, "init", "--quiet", "--initial-branch", "main")
    for what, who in (("name", "Ada"), ("email", "ada@example.com")):
        git(made.ada, "config", f"user.{what}", who)
    git(made.ada, "remote", "add", "origin", str(made.folder / "server.git"))
    commit(made.ada, "A chain of kiosks")
    made.pushed("main", "refs/heads/main")
    git(made.ada, "switch", "--quiet", "-c", "thirteen-weeks")
    settings.write_text(settings.read_text("utf-8").replace("[4, 13]", "[4, 8, 13]"), "utf-8")
    commit(made.ada, "Eight weeks too")
    return made


def test_a_pull_request_is_checked_and_touches_no_environment(road):
    ran, _ = road.ran("pull-request", ref=road.pushed(road.merge("thirteen-weeks"), "refs/pull/1/merge"))
    assert tuple(ran.results) == CHECKS
    assert not (road.folder / "state").exists()


def test_a_merge_to_main_is_published_in_dev_by_what_was_packaged_of_it(road):
    merged = road.merge("thirteen-weeks")
    ref = road.pushed(merged, "refs/heads/main")
    _, runner = road.ran("main", ref=ref, passed=CHECKS)
    live = road.live("dev")
    assert live.manifest.artifact == packaged(runner)
    assert reported(runner, "score")["commit"] == merged


def test_a_data_pull_request_is_validated_on_what_it_pins_and_leaves_dev_as_it_is(road):
    before = road.live("dev")
    retailer.correction(road.incoming)
    git(road.ada, "switch", "--quiet", "--detach", "origin/main")
    road.typed("condition")
    branch = json.loads(road.typed("data", "pin", "--json"))["branch"]
    head = opened(road.ada).ledger.head()
    ran, runner = road.ran("pull-request-data", ref=road.pushed(road.merge(branch), "refs/pull/2/merge"))
    assert set(ran.results) == {"pinned-data"}
    assert "gate" in [check["name"] for check in report_of(runner, "pinned-data")["checks"]]
    assert (opened(road.ada).ledger.head(), road.live("dev")) == (head, before)


def test_a_merge_to_a_release_branch_is_published_in_prod_once_people_have_signed(road):
    ref = road.pushed("origin/main", f"refs/heads/{RELEASE}")
    _, runner = road.ran("release", ref=ref, passed=CHECKS)
    assert road.live("prod").manifest.artifact == packaged(runner) == road.live("dev").manifest.artifact


def test_new_data_are_published_in_prod_with_the_release_branchs_code_and_wait_for_nobody(road):
    before = road.live("prod")
    git(road.ada, "switch", "--quiet", "--detach", "origin/main")
    (road.ada / "policy.toml").write_text((road.ada / "policy.toml").read_text("utf-8") + "# ours\n", "utf-8")
    road.pushed(commit(road.ada, "main goes on"), "refs/heads/main")
    retailer.next_week(road.incoming)
    _, runner = road.ran("data-prod", ref="refs/heads/main")
    live = road.live("prod")
    assert live.manifest.artifact == before.manifest.artifact == packaged(runner)
    assert live.manifest.cutoff > before.manifest.cutoff
