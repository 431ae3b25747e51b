"""The check `secrets`: does any file of the workspace hold a key, a token or a password?"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from fleetcast.delivery import git
from fleetcast.delivery.checks.measured import counted
from fleetcast.delivery.leaks import WAIVER, leaks
from fleetcast.delivery.report import Check, Finding
from fleetcast.settings import SecretPolicy

LARGEST = 10 << 20  # bytes; what is larger is data, and is named as not looked at
LOOKED = 8192  # bytes at the beginning of a file in which a NUL tells that it is no text
LEFT_OUT = {
    ".fleetcast", ".git", ".hypothesis", ".import_linter_cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox",
    ".venv", "__pycache__", "node_modules", "venv",
}  # fmt: skip  # where no Git says which files are kept


def secrets(folder: Path, policy: SecretPolicy) -> Check:
    files = _files(folder)
    chosen = {path: path.relative_to(folder).as_posix() for path in files}
    looked = {
        path: name
        for path, name in chosen.items()
        if not any(fnmatchcase(name, pattern) for pattern in policy.ignored_paths)
    }
    found = tuple(finding for path, name in looked.items() for finding in _findings(path, name))

    errors = sum(finding.level == "error" for finding in found)
    evidence = {"files": len(looked), "ignored": len(chosen) - len(looked)}
    if errors:
        says = f"{counted(errors, 'secret')} in {counted(len(looked), 'file')}; a secret that was committed is known: replace it"
        return Check("secrets", "failed", says, found, evidence=evidence)
    return Check("secrets", "passed", f"none in {counted(len(looked), 'file')}", found, evidence=evidence)


def _files(folder: Path) -> list[Path]:
    """What Git keeps; where there is no Git, all but what tools leave behind."""
    try:
        return git.tracked(folder)
    except git.NoRepository:
        return sorted(_walked(folder))


def _walked(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir() and path.name not in LEFT_OUT:
            yield from _walked(path)
        elif path.is_file():
            yield path


def _findings(path: Path, name: str) -> Iterator[Finding]:
    if path.stat().st_size > LARGEST:
        yield Finding("too-large", f"larger than {LARGEST >> 20} MB, and not looked at", name, level="note")
        return
    content = path.read_bytes()
    if b"\0" in content[:LOOKED]:
        return
    for leak in leaks(content.decode("utf-8", "replace")):
        message = f"{leak.shown}; take it out, or write `{WAIVER}` in a comment on its line"
        yield Finding(leak.kind, message, name, leak.line)
