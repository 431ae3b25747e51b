import pytest

from fleetcast.domain.errors import SettingsError
from fleetcast.settings import Policy, load_policy

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"


def written(tmp_path, text: str) -> Policy:
    (tmp_path / "policy.toml").write_text(f"schema = 1\n{text}", "utf-8")
    return load_policy(tmp_path / "policy.toml")


def test_without_a_policy_prod_needs_two_approvals_and_dev_none(tmp_path):
    policy = load_policy(tmp_path / "policy.toml")
    assert {name: policy.promotion.of(name).approvals for name in ("dev", "prod")} == {
        "dev": 0,
        "prod": 2,
    }


def test_what_is_not_written_of_an_environment_is_as_by_default(tmp_path):
    policy = written(tmp_path, '[promotion.prod]\npeople = ["ada", "ben@example.com"]\n')
    assert policy.promotion.prod.approvals == 2
    assert policy.promotion.prod.people == ("ada", "ben@example.com")
    assert policy.promotion.dev.approvals == 0


def test_a_signer_has_a_key_as_openssh_writes_it(tmp_path):
    policy = written(tmp_path, f'[signers."ada@example.com"]\nkey = "{KEY}"\n')
    assert policy.signers["ada@example.com"].key == KEY


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[promotion.prod]\napproval = 2\n", 3, "promotion.prod.approval"),
        ("[promotion.prod]\napprovals = -1\n", 3, "promotion.prod.approvals"),
        ('[signers.ada]\nkey = "not a key"\n', 3, "signers.ada.key"),
        ('[promotion.prod]\nunattended = ["everything"]\n', 3, "promotion.prod.unattended[0]"),
        (
            '[[advisories.waived]]\nadvisory = "GHSA-1"\nuntil = 2026-12-01\n',
            2,
            "advisories.waived[0].reason",
        ),
    ],
)
def test_a_wrong_policy_says_where(tmp_path, text, line, key):
    with pytest.raises(SettingsError) as caught:
        written(tmp_path, text)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [(line, key)]
