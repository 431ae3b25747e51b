"""Secrets in texts and files. None stands here whole: what is looked for is put together when a test runs."""

import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.checks.leaked import secrets
from fleetcast.delivery.leaks import leaks
from fleetcast.settings import SecretPolicy

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "src" / "fleetcast" / "sources" / "sample" / "workspace"
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
DRAWN = random.Random(7)  # noqa: S311 — no secret is a secret here


def drawn(length, signs=string.ascii_letters + string.digits):
    return "".join(DRAWN.choices(signs, k=length))


SECRETS = {
    "aws-key": AWS,
    "private-key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "azure-storage-key": "AccountKey" + "=" + drawn(86) + "==",
    "azure-shared-access": "https://shop.blob.example/x?se=1&" + "sig" + "=" + drawn(43) + "%3D",
    "azure-client-secret": "Abc" + "8Q~" + drawn(34),
    "databricks-token": "dapi" + drawn(32, "0123456789abcdef"),
    "gcp-key": "AIza" + drawn(35),
    "gcp-client-secret": "GOCSPX" + "-" + drawn(28),
    "github-token": "ghp_" + drawn(36),
    "gitlab-token": "glpat" + "-" + drawn(20),
    "slack-token": "xoxb" + "-123456789012-" + drawn(24),
    "slack-webhook": "https://hooks.slack.com" + "/services/T0AB12/B0CD34/" + drawn(24),
    "npm-token": "npm_" + drawn(36),
    "pypi-token": "pypi-" + "AgEIcHlwaS5vcmc" + drawn(60),
    "password-in-url": "postgresql://shop:" + "hunter2@db.example/shop",
}


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items(), ids=SECRETS)
@pytest.mark.parametrize("line", ['x = "{}"', "x: {}", "export X={}", "{}"])
def test_a_secret_is_known_by_its_form_wherever_it_stands(kind, secret, line):
    (leak,) = leaks("# first\n" + line.format(secret) + "\n")
    assert (leak.kind, leak.line) == (kind, 2)


@pytest.mark.parametrize(
    "line",
    [
        'password = "{}"',
        "DB_PASSWORD={}",
        'api_key: "{}"',
        'options = {{"client_secret": "{}"}}',
        'settings["auth_token"] = "{}"',
        'token: str = "{}"',
        "access-key := '{}'",
    ],
)
def test_a_value_drawn_by_lot_is_a_secret_when_it_is_assigned_to_one(line):
    (leak,) = leaks(line.format("q8Zr1vLx0PwT5yKd" + "Jm3"))
    assert (leak.kind, leak.shown) == ("assigned-secret", "19 characters")


@pytest.mark.parametrize(
    "line",
    [
        'password = os.environ["SHOP_PASSWORD"]',
        'password = "{password}"',
        "password: ${{ secrets.DB_PASSWORD_2026 }}",
        'token_url = "https://login.example/oauth2/v2"',
        "url = 'postgresql://shop:***@db.example/shop'",
        "url = f'postgresql://{user}:{password}@db.example'",
        "postgresql://user:password@db.example",
        'secret = "the name of the vault, version 2"',
        'secret_name = "prod-database"',
        "def token(self, tokens: list[str]) -> str:",
        "token = tokenizer.next_token_of_line_2(text)",
        'digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
        'password = ""',
        "api_token = None",
    ],
)
def test_what_only_speaks_of_secrets_is_none(line):
    assert list(leaks(line)) == []


def test_a_waiver_on_the_line_is_kept_to_and_holds_for_no_other():
    text = f"a = '{AWS}'  # fleetcast: not-a-secret\nb = '{AWS}'\n"
    assert [leak.line for leak in leaks(text)] == [2]


@given(st.sampled_from(sorted(SECRETS)), st.text(string.printable.replace("\n", ""), max_size=20))
def test_a_secret_is_never_printed_whole(kind, before):
    for leak in leaks(f"{before} {SECRETS[kind]}"):
        assert SECRETS[kind] not in leak.shown
        assert len(leak.shown) < 24


def test_a_long_line_of_data_is_looked_through_for_forms():
    assert [leak.kind for leak in leaks("1," * 50_000 + AWS)] == ["aws-key"]


# ------------------------------------------------------------------------------------------------ files


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text(f"\nkey = '{AWS}'\n", "utf-8")
    (tmp_path / "notes.md").write_text("nothing\n", "utf-8")
    return tmp_path


def test_a_planted_key_fails_with_its_file_and_line(folder):
    check = secrets(folder, SecretPolicy())
    assert (check.state, check.evidence) == ("failed", {"files": 2, "ignored": 0})
    (finding,) = check.findings
    assert (finding.rule, finding.path, finding.line) == ("aws-key", "src/a.py", 2)
    assert AWS not in str(finding)


def test_paths_that_the_policy_ignores_are_not_looked_at(folder):
    check = secrets(folder, SecretPolicy(ignored_paths=("src/*",)))
    assert (check.state, check.evidence) == ("passed", {"files": 1, "ignored": 1})


def test_with_git_only_what_it_keeps_is_looked_at(folder, git):
    git(folder, "init", "-q")
    git(folder, "add", "notes.md")
    assert secrets(folder, SecretPolicy()).state == "passed"
    git(folder, "add", "src/a.py")
    assert secrets(folder, SecretPolicy()).state == "failed"


def test_what_tools_leave_behind_and_what_is_no_text_is_left_out(folder):
    (folder / "src" / "a.py").unlink()
    for name in (".venv", ".fleetcast", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / "x.py").write_text(AWS, "utf-8")
    (folder / "model.bin").write_bytes(b"\0" + AWS.encode())
    (folder / "link").symlink_to(folder / ".venv", target_is_directory=True)
    assert secrets(folder, SecretPolicy()).evidence == {"files": 2, "ignored": 0}
    assert secrets(folder, SecretPolicy()).state == "passed"


def test_a_file_that_is_too_large_is_named(folder):
    (folder / "src" / "a.py").unlink()
    (folder / "big.csv").write_bytes(b"1," * (6 << 20))
    (finding,) = secrets(folder, SecretPolicy()).findings
    assert (finding.rule, finding.level) == ("too-large", "note")


@pytest.mark.parametrize("place", [ROOT, DEMO], ids=["this repository", "the demo"])
def test_what_we_ship_holds_no_secret_and_raises_no_false_alarm(place):
    hostile = ("tests/delivery/notebooks/hostile/*",)  # which are there to be found
    assert secrets(place, SecretPolicy(ignored_paths=hostile)).findings == ()
