import subprocess
from pathlib import Path

import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.signatures import flaw, sign


def key(folder: Path, person: str) -> Path:
    path = folder / person
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def public(path: Path) -> str:
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def test_a_signature_holds_for_its_text_its_person_and_its_key_only(tmp_path):
    ada, ben = key(tmp_path, "ada"), key(tmp_path, "ben")
    keys = {"ada": public(ada), "ben": public(ben)}
    signature = sign("release 1", ada)
    assert flaw("release 1", signature, "ada", keys) == ""
    assert flaw("release 2", signature, "ada", keys)
    assert flaw("release 1", signature, "ben", keys)
    assert flaw("release 1", signature, "ada", {"ada": public(ben)})
    assert flaw("release 1", "no signature", "ada", keys)
    assert flaw("release 1", signature, "cyd", keys) == "has no key in the policy"


def test_a_signature_made_for_something_else_does_not_hold(tmp_path):
    ada = key(tmp_path, "ada")
    (tmp_path / "text").write_text("release 1")
    subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-f", ada, "-n", "git", tmp_path / "text"], check=True)
    assert flaw("release 1", (tmp_path / "text.sig").read_text(), "ada", {"ada": public(ada)})


def test_what_is_no_key_cannot_sign(tmp_path):
    with pytest.raises(UsageError, match="is no key"):
        sign("release 1", tmp_path / "nobody")
    (tmp_path / "text").write_text("no key")
    with pytest.raises(UsageError, match="could not sign"):
        sign("release 1", tmp_path / "text")
