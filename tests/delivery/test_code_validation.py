"""The verb `ci code-validation`: one report, whose state is the exit code, whatever there is to check with."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.delivery.conftest import advisory
from tests.delivery.test_licences import installed

from fleetcast.delivery.checks.measured import measured
from fleetcast.delivery.validation import CHECKS, code_validation
from fleetcast.domain.errors import UsageError
from fleetcast.sources import sample

DEMO = Path(sample.__file__).parent / "workspace"
CONDITIONER = "src/shop/conditioners/deliveries.py"


@pytest.fixture
def validated(shop, now):
    def validated(*only, **options):
        return code_validation(shop, started=now, only=only, **options)

    return validated


def fleetcast(*words, **environment):
    code = f"import sys; sys.argv = ['fleetcast', *{[*map(str, words)]!r}]; from fleetcast.faces.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def states(report):
    return {check.name: check.state for check in report.checks}


def test_a_good_workspace_passes_every_check_in_their_order(validated):
    report = validated()
    assert tuple(states(report)) == CHECKS
    assert {*states(report).values()} == {"passed", "skipped"}
    assert report.exit_code == 0
    assert all(check.wall_seconds > 0 for check in report.checks)


def test_only_the_checks_that_are_asked_for_run_and_are_told_as_they_do(validated):
    heard = []

    class Ear:
        def begins(self, name):
            heard.append(name)

        def ended(self, check):
            heard.append(check.state)

    validated("secrets", "settings", watching=Ear())
    assert heard == ["settings", "passed", "secrets", "passed"]


def test_coverage_alone_runs_the_tests_it_needs(validated):
    assert states(validated("coverage")) == {"coverage": "passed"}


def test_outside_of_git_there_is_no_commit_and_all_else_works(validated):
    assert validated("secrets").subject == {
        "commit": None, "branch": None, "tree": None, "dirty": None, "authors": None, "only": ["secrets"],
    }  # fmt: skip


def test_the_subject_is_what_git_says_before_tools_leave_files_behind(shop, validated, git):
    test = shop / "tests" / "test_deliveries.py"
    test.write_text(test.read_text("utf-8") + "    open('left.txt', 'w').close()\n", "utf-8")
    git(shop, "init", "-q")
    git(shop, "add", ".")
    git(shop, "commit", "-q", "-m", "first")
    subject = validated("tests").subject
    assert "left.txt" in git(shop, "status", "--porcelain")
    assert (subject["commit"], subject["branch"]) == (git(shop, "rev-parse", "HEAD"), "main")
    assert (subject["dirty"], subject["authors"]) == (False, ("ada@shop.example",))


def test_a_wrong_policy_fails_whatever_reads_it_and_is_told_with_its_line(shop, validated):
    (shop / "policy.toml").write_text("schema = 1\n\n[secrets]\nignored = []\n", "utf-8")
    report = validated("licences", "advisories", "secrets")
    assert {*states(report).values()} == {"failed"}
    assert {(check.findings[0].path, check.findings[0].line) for check in report.checks} == {
        ("policy.toml", 4)
    }


def test_a_requirement_that_is_none_fails(shop, validated):
    text = (shop / "pyproject.toml").read_text("utf-8")
    (shop / "pyproject.toml").write_text(text.replace('"fleetcast"', '"fleetcast >>> 1"'), "utf-8")
    assert states(validated("licences")) == {"licences": "failed"}


def test_an_expired_waiver_fails_and_a_database_that_is_too_old_is_infrastructure(shop, validated, planted):
    (shop / "policy.toml").write_text(
        'schema = 1\n\n[[advisories.waived]]\nadvisory = "PYSEC-2026-1"\nuntil = 2026-11-01\nreason = "no use of it"\n',
        "utf-8",
    )
    assert validated("advisories", source=str(planted(advisory()))).exit_code == 1
    assert (
        validated("advisories", source=str(planted(advisory(modified="2026-01-01T00:00:00Z")))).exit_code == 3
    )


def test_a_locked_version_is_held_against_advisories_too(shop, validated, planted):
    told = advisory(package="locked-only")
    assert validated("advisories", source=str(planted(told))).exit_code == 0
    (shop / "requirements.lock").write_text("locked-only==1.0 --hash=sha256:00\n", "utf-8")
    assert validated("advisories", source=str(planted(told))).exit_code == 1


def test_what_the_disk_does_not_give_is_no_verdict(shop):
    def look():
        raise PermissionError(13, "Permission denied", str(shop / "keys.env"))

    check = measured("secrets", look, shop)
    assert (check.state, check.says) == ("infrastructure", f"{shop}/keys.env: Permission denied")


def test_a_check_that_does_not_exist_is_named_beside_those_that_do(validated):
    with pytest.raises(UsageError, match=r"no check 'lnt'; there are advisories, coverage, licences, lint"):
        validated("lnt")


@pytest.mark.slow
def test_the_demo_passes_its_own_code_validation(tmp_path, now):
    shutil.copytree(DEMO, tmp_path / "demo", ignore=shutil.ignore_patterns(".*_cache", "__pycache__"))
    assert [
        finding
        for check in code_validation(tmp_path / "demo", started=now).checks
        for finding in check.findings
    ] == []


# ---------------------------------------------------------------------------------------- as it is typed


def test_bad_code_exits_with_1_and_leaves_files_that_other_tools_read(shop, tmp_path):
    (shop / CONDITIONER).write_text("def condition(:\n", "utf-8")
    (shop / "keys.env").write_text("AWS_KEY=AKIA" + "IOSFODNN7EXAMPLE\n", "utf-8")
    only = [word for name in ("settings", "tests", "secrets") for word in ("--only", name)]
    done = fleetcast("ci", "code-validation", "--workspace", shop, "--report", tmp_path / "out", *only)
    assert done.returncode == 1
    assert f"{CONDITIONER}:1" in done.stdout
    assert "keys.env:1" in done.stdout
    assert "IOSFODNN7" not in done.stdout + done.stderr + (tmp_path / "out" / "report.json").read_text(
        "utf-8"
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "junit.xml", "report.json", "results.sarif", "summary.md",
    ]  # fmt: skip


def test_the_report_as_json_is_all_that_standard_output_gets(shop):
    done = fleetcast("ci", "code-validation", "--workspace", shop, "--only", "secrets", "--json")
    told = json.loads(done.stdout)
    assert (told["verb"], told["state"], told["exit_code"], done.returncode) == (
        "ci code-validation",
        "passed",
        0,
        0,
    )
    assert '"check": "secrets"' in done.stderr  # a log line, where nobody watches


def test_advisories_that_cannot_be_reached_exit_with_3(shop):
    words = ("--only", "advisories", "--advisories", "http://127.0.0.1:1/all.zip")
    done = fleetcast("ci", "code-validation", "--workspace", shop, *words)
    assert done.returncode == 3
    assert "could not check" in done.stdout


def test_a_dependency_under_the_gpl_exits_with_1(shop, tmp_path):
    installed(tmp_path / "site", "viral", License_Expression="GPL-3.0-or-later")
    text = (shop / "pyproject.toml").read_text("utf-8")
    (shop / "pyproject.toml").write_text(text.replace('"fleetcast"', '"fleetcast", "viral>=1"'), "utf-8")
    done = fleetcast(
        "ci", "code-validation", "--workspace", shop, "--only", "licences", PYTHONPATH=str(tmp_path / "site")
    )
    assert done.returncode == 1
    assert "viral 1.0 is under GPL-3.0-or-later" in done.stdout


@pytest.mark.parametrize("words", [("--workspace", "nowhere"), ("--only", "lnt"), ("--report", __file__)])
def test_wrong_usage_exits_with_2(shop, words):
    assert fleetcast("ci", "code-validation", "--workspace", shop, *words).returncode == 2
