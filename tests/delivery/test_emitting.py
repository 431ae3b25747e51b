import json
import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleetcast.delivery.hosts import group_of, host_of
from fleetcast.domain.errors import UsageError
from fleetcast.faces.cli import app

SETTINGS = 'schema = 1\n\n[workspace]\nname = "shop"\npackage = "shop"\n'
CI = ".github/workflows/fleetcast-main.yml"


@pytest.fixture
def shop(tmp_path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "fleetcast.toml").write_text(SETTINGS, "utf-8")
    return folder


def emit(folder: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app.app, ["ci", "emit", "--workspace", str(folder), *words])
    if isinstance(done.exception, UsageError):
        assert code == 2
        return str(done.exception)
    assert done.exit_code == code, done.output
    return done.output


def states(folder: Path, *words: str, code: int = 0) -> dict[str, str]:
    return {each["path"]: each["state"] for each in json.loads(emit(folder, "--json", *words, code=code))}


def for_github(folder: Path, *words: str, code: int = 0) -> dict[str, str]:
    return states(folder, "--host", "github", "--group", "acme", *words, code=code)


def test_files_are_written_once_and_then_are_as_they_were(shop):
    assert set(for_github(shop).values()) == {"new"}
    assert set(for_github(shop).values()) == {"same"}
    assert "/src/shop/conditioners/ @acme/data-engineers" in (shop / ".github" / "CODEOWNERS").read_text(
        "utf-8"
    )


def test_a_check_names_what_is_stale_with_a_diff_and_writes_nothing(shop):
    for_github(shop)
    file = shop / CI
    file.write_text(file.read_text("utf-8").replace("--env dev", "--env prod"), "utf-8")

    said = emit(shop, "--check", "--group", "acme", code=1)

    assert f"stale: {CI}" in said
    assert "-      - run: fleetcast cd promote --env prod --report report" in said
    assert "+      - run: fleetcast cd promote --env dev --report report" in said
    assert "--env prod" in file.read_text("utf-8")
    for_github(shop)
    emit(shop, "--check", "--group", "acme")


def test_a_file_that_somebody_else_wrote_stays_and_with_it_all_others(shop):
    owners = shop / ".github" / "CODEOWNERS"
    owners.parent.mkdir()
    owners.write_text("* @acme/everybody\n", "utf-8")

    assert ".github/CODEOWNERS in" in emit(shop, "--host", "github", "--group", "acme", code=2)
    assert owners.read_text("utf-8") == "* @acme/everybody\n"
    assert not (shop / CI).exists()
    assert for_github(shop, "--check", code=1)[".github/CODEOWNERS"] == "foreign"
    for_github(shop, "--force")
    assert "@acme/operations" in owners.read_text("utf-8")


def test_a_workflow_that_is_emitted_no_more_is_taken_away_and_a_persons_own_is_not(shop):
    for_github(shop)
    left, own = (shop / ".github" / "workflows" / f"fleetcast-{name}.yml" for name in ("nightly", "own"))
    left.write_text((shop / CI).read_text("utf-8"), "utf-8")
    own.write_text("name: mine\n", "utf-8")

    assert for_github(shop, "--check", code=1)[".github/workflows/fleetcast-nightly.yml"] == "gone"
    for_github(shop)
    assert not left.exists()
    assert own.exists()


def test_the_number_of_people_who_look_at_a_change_is_the_policys(shop):
    (shop / "policy.toml").write_text("schema = 1\n\n[promotion.prod]\napprovals = 3\n", "utf-8")
    for_github(shop)
    ruleset = json.loads((shop / ".github" / "rulesets" / "fleetcast-release.json").read_text("utf-8"))
    [pull] = [rule["parameters"] for rule in ruleset["rules"] if rule["type"] == "pull_request"]
    assert pull["required_approving_review_count"] == 3


@pytest.mark.parametrize(
    ("remote", "host", "group"),
    [
        ("git@github.com:acme/fleet.git", "github", "acme"),
        ("https://github.com/acme/fleet", "github", "acme"),
        ("https://gitlab.example.org/acme/data/fleet.git", "gitlab", "acme/data"),
        ("ssh://git@gitlab.com:2222/acme/fleet.git", "gitlab", "acme"),
        ("https://acme@dev.azure.com/acme/forecasting/_git/fleet", "azure", "acme/forecasting/_git"),
    ],
)
def test_the_host_is_the_one_the_remote_lies_on(remote, host, group, tmp_path):
    assert host_of(tmp_path, remote) == host
    assert group_of(remote) == group


def test_the_remote_of_a_checkout_is_asked(shop):
    subprocess.run(["git", "init", "--quiet", str(shop)], check=True)
    subprocess.run(
        ["git", "-C", str(shop), "remote", "add", "origin", "git@gitlab.com:acme/data/fleet.git"], check=True
    )
    assert ".gitlab-ci.yml" in states(shop)
    assert "@acme/data/operations" in (shop / ".gitlab" / "CODEOWNERS").read_text("utf-8")


def test_a_workspace_inside_a_repository_is_told_that_hosts_read_files_at_the_root(shop):
    subprocess.run(["git", "init", "--quiet", str(shop.parent)], check=True)
    assert "lies inside the repository" in emit(shop, "--host", "github", "--group", "acme", code=2)
    assert set(for_github(shop, "--out", str(shop.parent)).values()) == {"new"}
    assert (shop.parent / CI).is_file()


def test_a_host_that_is_not_clear_has_to_be_named(shop):
    assert "--host github|azure|gitlab|git" in emit(shop, code=2)
    (shop / ".gitlab-ci.yml").touch()
    (shop / ".azure-pipelines").mkdir()
    assert "it has files of azure, gitlab" in emit(shop, code=2)


def test_owners_have_to_be_of_a_group(shop):
    assert "--group NAME" in emit(shop, "--host", "github", code=2)


def test_the_hook_goes_into_a_bare_repository_and_is_executable(shop, tmp_path):
    bare = tmp_path / "fleet.git"
    assert "--out DIR" in emit(shop, "--host", "git", code=2)
    bare.mkdir()
    assert "is no Git repository" in emit(shop, "--host", "git", "--out", str(bare), code=2)
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    emit(shop, "--host", "git", "--out", str(bare))
    hook = bare / "hooks" / "pre-receive"
    assert os.access(hook, os.X_OK)
    hook.chmod(0o644)  # git would pass over it
    assert states(shop, "--host", "git", "--out", str(bare), "--check", code=1) == {
        "hooks/pre-receive": "changed"
    }


def test_a_hook_whose_program_is_gone_lets_nothing_through(shop, tmp_path):
    from fleetcast.delivery.pipelines import hooks

    [script] = hooks.emit(program="/nowhere/fleetcast", workspace=str(shop), environment="prod").values()
    done = subprocess.run(["sh", "-c", script], input="", capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "Pushes are refused: /nowhere/fleetcast is not there" in done.stderr
