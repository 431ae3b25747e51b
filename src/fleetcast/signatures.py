"""Signatures of people, by the keys they push with: `ssh-keygen -Y` makes and verifies them, without any server."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fleetcast.domain.errors import InfrastructureError, UsageError

NAMESPACE = "fleetcast"  # so that a signature under something else is none under this


def sign(text: str, key: Path) -> str:
    """The signature of a text with a private key, or with the public one of an agent's; armoured."""
    if not key.is_file():
        raise UsageError(f"{key} is no key; name the file of your SSH key with --key")
    return _run(["-Y", "sign", "-q", "-f", str(key.resolve()), "-n", NAMESPACE], text)


def flaw(text: str, signature: str, person: str, keys: Mapping[str, str]) -> str:
    """Why a signature is not this person's under this text; empty when it is. `keys` are public ones by person."""
    if person not in keys:
        return "has no key in the policy"
    with tempfile.TemporaryDirectory() as folder:
        signers, signed = Path(folder, "signers"), Path(folder, "signature")
        signers.write_text(f'{person} namespaces="{NAMESPACE}" {keys[person]}\n', "utf-8")
        signed.write_text(signature, "utf-8")
        arguments = ["-Y", "verify", "-f", str(signers), "-I", person, "-n", NAMESPACE, "-s", str(signed)]
        done = _done(arguments, text)
    return "" if done.returncode == 0 else "the signature is not that of their key under this release"


def _run(arguments: list[str], text: str) -> str:
    done = _done(arguments, text)
    if done.returncode:
        raise UsageError(f"ssh-keygen could not sign: {done.stderr.strip()}")
    return done.stdout


def _done(arguments: list[str], text: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("ssh-keygen")
    if program is None:
        raise InfrastructureError("ssh-keygen is not installed; it comes with OpenSSH's client")
    return subprocess.run(  # noqa: S603 — a program found by name, arguments of ours
        [program, *arguments], input=text, capture_output=True, text=True, check=False
    )
