import pytest

from fleetcast.delivery.lock import make
from fleetcast.delivery.readiness import doctor

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"


@pytest.fixture
def looked(repository, now):
    """What the doctor says of a repository with this policy: check → its state and its rules."""

    def looked(policy: str = "schema = 1\n") -> dict[str, tuple[str, list[str]]]:
        (repository / "policy.toml").write_text(policy, "utf-8")
        report = doctor(repository, program="fleetcast", started=now)
        return {
            check.name: (check.state, [finding.rule for finding in check.findings]) for check in report.checks
        }

    return looked


def signers(*people: str) -> str:
    return "".join(f'[signers.{person}]\nkey = "{KEY}"\n' for person in people)


@pytest.mark.parametrize(
    ("policy", "state", "rules"),
    [
        ("schema = 1\n", "skipped", []),
        ("schema = 1\n[promotion.dev]\napprovals = 1\n", "failed", ["too-few", "nobody-yet"]),
        ("schema = 1\n" + signers("ada"), "failed", ["too-few"]),
        ("schema = 1\n" + signers("ada", "ben"), "passed", ["just-enough"]),
        ("schema = 1\n" + signers("ada", "ben", "cyd"), "passed", []),
        (
            'schema = 1\n[promotion.prod]\npeople = ["ada", "eve"]\n' + signers("ada", "ben"),
            "failed",
            ["no-key", "too-few"],
        ),
        ("schema = 1\n[promotion.prod]\napprovals = 0\n", "passed", []),
    ],
)
def test_enough_people_have_to_be_able_to_sign(looked, policy, state, rules):
    assert looked(policy)["approvers"] == (state, rules)


def test_a_sample_tests_and_a_lock_have_to_be_there(looked, repository):
    found = looked()
    assert (found["sample"], found["tests"]) == (("failed", ["no-sample"]), ("failed", ["no-tests"]))
    assert (found["lock"], found["tools"]) == (("passed", []), ("passed", []))
    (repository / "requirements.lock").unlink()
    assert looked()["lock"] == ("failed", ["no-lock"])
    make(repository)
    assert looked()["lock"] == ("passed", [])


def test_what_is_not_committed_is_told_and_files_of_no_host_are_not_missed(looked):
    found = looked("schema = 1\n# new\n")
    assert found["repository"] == ("passed", ["not-committed"])
    assert found["workflows"] == ("skipped", [])
