"""A plain bare repository with the emitted hook, two people who push to it, and a CI runner that records what it ran."""

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleetcast import workspace
from fleetcast.delivery import report
from fleetcast.delivery.protection import Rules
from fleetcast.delivery.report import Check, Report
from fleetcast.domain.errors import PolicyRefusal
from fleetcast.faces.cli import app

pytestmark = pytest.mark.slow  # every push starts the program anew, as on a server

CHECKS = Rules().checks
ME = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
SETTINGS = 'schema = 1\n\n[workspace]\nname = "shop"\npackage = "shop"\n'


class Clone:
    """A person's checkout of the server's repository."""

    def __init__(self, folder: Path, bare: Path) -> None:
        self.folder, self.bare = folder, bare
        git("clone", "--quiet", str(bare), str(folder))

    def git(self, *words: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        return git("-C", str(self.folder), *words, fails=fails)

    def commit(self, text: str) -> None:
        (self.folder / "recipe.toml").write_text(text, "utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", text)

    def push(self, *refs: str) -> None:
        self.git("push", "--quiet", "origin", *refs)

    def refused(self, *refs: str) -> str:
        """What the server says to a push that it does not take."""
        said = self.git("push", "--quiet", "origin", *refs, fails=True).stderr
        return " ".join(said.replace("remote:", " ").split())

    def merged(self, branch: str) -> str:
        """The tree of a branch merged into main, and main checked out at it."""
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--no-edit", branch)
        return self.tree()

    def tree(self) -> str:
        return self.git("rev-parse", "HEAD^{tree}").stdout.strip()

    def head(self, ref: str = "HEAD") -> str:
        return self.git("rev-parse", ref).stdout.strip()


def git(*words: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *ME, *words], env=env, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stderr
    return done


class Server:
    """The bare repository, its hook, and the workspace whose prod ledger keeps what it refuses."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.workspace, self.reports = folder / "fleet.git", folder / "ops", folder / "reports"
        git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self.workspace.mkdir()
        (self.workspace / "fleetcast.toml").write_text(SETTINGS, "utf-8")
        fleetcast("ci", "emit", "--workspace", self.workspace, "--host", "git", "--out", self.bare)

    def record(self, verb: str, state: str, **subject: str) -> None:
        """What a CI runner on the server does after it ran a verb."""
        made = Report(verb, datetime(2026, 11, 16, tzinfo=UTC), subject, (Check("lint", state, "as it is"),))
        report.write(made, self.reports)
        fleetcast("ci", "record", "--git-dir", self.bare, "--report", self.reports)

    def check(self, tree: str) -> None:
        for verb in CHECKS:
            self.record(verb, "passed", tree=tree)

    def tip(self, branch: str) -> str:
        return git("--git-dir", str(self.bare), "rev-parse", branch).stdout.strip()

    def audit(self) -> list:
        with workspace.open(self.workspace, environment="prod").ledger as ledger:
            assert ledger.verify().ok
            return ledger.audit()


def fleetcast(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app.app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def server(tmp_path) -> Server:
    return Server(tmp_path)


@pytest.fixture
def ada(server, tmp_path) -> Clone:
    """A clone whose main is on the server, with one commit."""
    clone = Clone(tmp_path / "ada", server.bare)
    clone.git("switch", "--quiet", "--create", "main")
    clone.commit("first")
    clone.push("main")
    return clone


def test_a_feature_branch_is_everybodys_own_and_what_was_merged_and_checked_gets_onto_main(
    server, ada, tmp_path
):
    ben = Clone(tmp_path / "ben", server.bare)
    ben.git("switch", "--quiet", "--create", "better-lags")
    ben.commit("lags = [1, 2]")
    ben.push("better-lags")
    ben.commit("lags = [1, 2, 4]")
    ben.git("commit", "--quiet", "--amend", "--message", "another try")
    ben.push("--force", "better-lags")

    tree = ben.merged("better-lags")
    server.check(tree)
    ben.push("main")

    assert server.tip("main") == ben.head()
    assert server.audit() == []


def test_a_direct_push_to_main_is_refused_and_is_in_the_audit_chain_before_it_is_told(server, ada):
    old = ada.head()
    ada.commit("quick fix")

    said = ada.refused("main")

    [event] = server.audit()
    assert (event.action, event.subject, event.policy) == (
        "refused.direct_push",
        "refs/heads/main",
        "protection",
    )
    assert (event.before, event.after) == (old, ada.head())
    assert "refs/heads/main: direct_push: main moves by merges only" in said
    assert re.search(rf"\(audit record {event.seq} of prod\)", said)
    assert server.tip("main") == old
    assert "1 records, each sealed" in fleetcast(
        "audit", "verify", "--workspace", server.workspace, "--env", "prod"
    )


def test_a_merge_without_checks_is_refused_and_taken_when_they_are_recorded(server, ada):
    ada.git("switch", "--quiet", "--create", "better-lags")
    ada.commit("lags = [1]")
    ada.push("better-lags")
    tree = ada.merged("better-lags")

    server.record(
        CHECKS[0], "passed", commit=ada.head("better-lags")
    )  # its tree is the merge's: main had not moved
    assert f"`{CHECKS[1]}` was not recorded" in ada.refused("main")
    server.record(CHECKS[1], "failed", tree=tree)
    assert f"`{CHECKS[1]}` failed" in ada.refused("main")
    server.record(CHECKS[1], "passed", tree=tree)
    ada.push("main")

    assert [event.action for event in server.audit()] == ["refused.missing_checks"] * 2


def test_a_merge_that_pins_other_data_waits_for_its_validation_on_these(server, ada):
    ada.git("switch", "-q", "-c", "data/2026w46")
    (ada.folder / "data.lock").write_text("schema = 1\n", "utf-8")
    ada.git("add", "data.lock")
    ada.commit("new data")
    ada.push("data/2026w46")
    ada.merged("data/2026w46")
    server.check(ada.tree())
    assert "`ci model-validation --pinned` was not recorded" in ada.refused("main")
    server.record("ci model-validation --pinned", "passed", tree=ada.tree())
    ada.push("main")
    assert server.tip("main") == ada.head()


def test_a_check_that_fails_later_takes_back_that_it_passed_and_both_are_kept(server, ada):
    tree = ada.tree()
    server.record(CHECKS[0], "passed", tree=tree)
    server.record(CHECKS[0], "failed", tree=tree)

    kept = json.loads((server.bare / "fleetcast" / "checks" / tree / "ci-code-validation.json").read_text())
    assert kept["verdict"]["state"] == "failed"
    assert [each["state"] for each in kept["earlier"]] == ["passed"]
    assert kept["report"]["checks"][0]["name"] == "lint"


def test_a_report_that_looked_at_nothing_does_not_count(server, ada):
    report.write(
        Report(CHECKS[0], datetime(2026, 11, 16, tzinfo=UTC), {"tree": ada.tree()}, ()), server.reports
    )
    assert "does not count" in fleetcast("ci", "record", "--git-dir", server.bare, "--report", server.reports)


def test_checks_of_other_files_do_not_count_for_a_merge(server, ada):
    ada.git("switch", "--quiet", "--create", "one")
    ada.commit("one")
    ada.push("one")
    server.check(ada.tree())
    ada.git("switch", "--quiet", "--create", "two", "main")
    (ada.folder / "other.toml").write_text("two", "utf-8")
    ada.git("add", "--all")
    ada.git("commit", "--quiet", "--message", "two")
    ada.push("two")
    server.check(ada.tree())
    ada.merged("one")
    ada.push("main")
    ada.merged("two")  # each was checked, both together were not
    assert "missing_checks" in ada.refused("main")


def test_a_merge_of_a_branch_that_was_not_pushed_is_a_direct_push(server, ada):
    ada.git("switch", "--quiet", "--create", "mine")
    ada.commit("mine")
    server.check(ada.merged("mine"))
    assert "direct_push" in ada.refused("main")
    assert "direct_push" in ada.refused("mine", "main")  # not even in the same push


def test_a_force_push_and_the_deletion_of_a_protected_branch_are_refused(server, ada):
    old = ada.head()
    ada.git("commit", "--quiet", "--amend", "--message", "history as it should have been")
    assert "force_push" in ada.refused("--force", "main")
    assert "force_push: main is protected and cannot be deleted" in ada.refused("--delete", "main")
    assert server.tip("main") == old


def test_one_refused_ref_refuses_all_of_a_push(server, ada):
    ada.git("branch", "harmless")
    ada.commit("quick fix")
    assert "direct_push" in ada.refused("harmless", "main")
    git("--git-dir", str(server.bare), "rev-parse", "--verify", "harmless", fails=True)


def test_a_tag_of_a_fleet_can_be_given_and_neither_moved_nor_deleted(server, ada):
    ada.git("tag", "fleet-1")
    ada.git("tag", "draft")
    ada.push("fleet-1", "draft")
    ada.git("switch", "--quiet", "--create", "elsewhere")
    ada.commit("elsewhere")
    ada.git("tag", "--force", "fleet-1")
    assert "moved_tag" in ada.refused("--force", "fleet-1")
    assert "moved_tag" in ada.refused("--delete", "fleet-1")
    ada.push("--delete", "draft")
    assert {event.action for event in server.audit()} == {"refused.moved_tag"}


def test_a_release_branch_begins_on_main_or_at_what_was_checked(server, ada):
    ada.push("main:refs/heads/release/2026w46")
    ada.git("switch", "--quiet", "--create", "release/2026w47")
    ada.commit("a fix of its own")
    assert "missing_checks" in ada.refused("release/2026w47")
    server.check(ada.tree())
    ada.push("release/2026w47")
    assert server.tip("release/2026w47") == ada.head()


def test_a_replacement_that_lies_about_a_commit_changes_nothing(server, ada):
    old = ada.head()
    ada.git("switch", "--quiet", "--create", "better-lags")
    ada.commit("lags = [1]")
    ada.push("better-lags")
    server.check(ada.merged("better-lags"))
    good = ada.head()
    ada.git("reset", "--quiet", "--hard", old)
    ada.commit("quick fix")
    ada.git("replace", ada.head(), good)
    ada.push(f"refs/replace/{ada.head()}")
    assert "direct_push" in ada.refused("main")


def test_a_server_that_cannot_write_down_a_refusal_refuses_all_the_same(server, ada):
    shutil.rmtree(server.workspace)
    ada.commit("quick fix")
    assert "is no workspace" in ada.refused("main")


def test_who_pushes_is_named_as_the_server_knows_them(server, ada, monkeypatch):
    monkeypatch.setenv("REMOTE_USER", "ada@example.org")
    ada.commit("quick fix")
    ada.refused("main")
    assert server.audit()[0].actor.startswith("ada@example.org (as ")


def test_a_server_may_ask_for_other_checks(server, ada):
    ada.git("switch", "--quiet", "--create", "better-lags")
    ada.commit("lags = [1]")
    ada.push("better-lags")
    ada.merged("better-lags")
    ada.push("main:refs/heads/as-merged")  # the server knows the commit
    server.record("ci package", "passed", tree=ada.tree())
    update = f"{server.tip('main')} {ada.head()} refs/heads/main\n"
    words = ["ci", "protect", "--workspace", str(server.workspace), "--git-dir", str(server.bare)]
    asked = [*words, "--require", "ci package"]
    assert CliRunner().invoke(app.app, asked, input=update).exit_code == 0
    assert isinstance(CliRunner().invoke(app.app, words, input=update).exception, PolicyRefusal)


def test_a_report_about_files_that_were_not_committed_is_not_recorded(server, ada):
    made = Report(CHECKS[0], datetime(2026, 11, 16, tzinfo=UTC), {"commit": ada.head(), "dirty": True}, ())
    report.write(made, server.reports)
    done = CliRunner().invoke(
        app.app, ["ci", "record", "--git-dir", str(server.bare), "--report", str(server.reports)]
    )
    assert "commit, and run it again" in str(done.exception)


def test_a_record_that_was_moved_to_another_tree_is_found_out(server, ada):
    ada.git("switch", "--quiet", "--create", "better-lags")
    ada.commit("lags = [1]")
    ada.push("better-lags")
    server.check(tree := ada.tree())
    ada.commit("lags = [2]")
    ada.push("better-lags")
    checks = server.bare / "fleetcast" / "checks"
    (checks / tree).rename(checks / ada.merged("better-lags"))
    assert "somebody moved or changed it" in ada.refused("main")
