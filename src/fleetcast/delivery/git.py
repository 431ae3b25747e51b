"""What Git says of a checkout: read by its own program, with nothing in its environment that could mislead it."""

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import UsageError

_SPARED = (
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
)  # how to reach others, not what to read
RELEASED = "fleet-*"  # tags of what was released
_CO_AUTHOR = re.compile(r"(?im)^co-authored-by:.*<(?P<address>[^>]+)>\s*$")


class NoRepository(UsageError):
    """There is nothing that Git could say of a folder."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit as it was checked out; `branch` is None for a detached head, as most CI systems have.

    `tree` is the digest of all files of the commit; `dirty` says that files of the folder differ from it. Authors are
    the addresses of who wrote the commit, its co-authors after its author.
    """

    commit: str
    branch: str | None
    tree: str
    dirty: bool
    authors: tuple[str, ...]


def checkout(folder: Path) -> Checkout:
    """What is checked out in a folder, which may be one inside a repository."""
    commit, tree, author, message = _said(
        folder, "show", "-s", "--format=%H%x00%T%x00%ae%x00%B", "HEAD"
    ).split("\0", 3)
    branch = _said(folder, "branch", "--show-current").strip()
    changed = _said(folder, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return Checkout(
        commit, branch or None, tree, bool(changed), tuple(dict.fromkeys((author, *_co_authors(message))))
    )


def subject(folder: Path) -> dict[str, Any]:
    """What a report is about: the commit, as far as Git knows one."""
    try:
        return asdict(checkout(folder))
    except NoRepository:
        return dict.fromkeys(("commit", "branch", "tree", "dirty", "authors"))


def tracked(folder: Path) -> list[Path]:
    """The files of a folder that Git keeps or is about to keep, sorted; links and what was removed are not among them."""
    names = _said(folder, "ls-files", "-z", "--cached", "--", ".").split("\0")
    paths = (folder / name for name in sorted({*names} - {""}))
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def changed(folder: Path) -> list[str]:
    """The files of a folder that are not as committed, new ones included."""
    status = _said(folder, "status", "--porcelain", "--untracked-files=all", "--", ".")
    return [line[3:] for line in status.splitlines()]


def writers(folder: Path) -> tuple[str, ...]:
    """The addresses of all who wrote what is new since the last release's tag; before the first, in all of history."""
    try:
        since = _said(folder, "describe", "--tags", "--abbrev=0", "--match", RELEASED, "HEAD").strip()
    except NoRepository:  # no such tag
        since = ""
    span = f"{since}..HEAD" if since else "HEAD"
    written = _said(folder, "log", "--no-merges", "-z", "--format=%aE%n%B", span).split("\0")
    found = {
        address.strip().lower()
        for commit in written
        for address in (commit.partition("\n")[0], *_co_authors(commit))
    }
    return tuple(sorted(found - {""}))


def remote(folder: Path) -> str | None:
    """The address of a checkout's remote `origin`, where it has one."""
    return _asked(folder, "config", "--get", "remote.origin.url")


def root(folder: Path) -> Path | None:
    """The root of the checkout that a folder is part of, if it is."""
    found = _asked(folder, "rev-parse", "--show-toplevel")
    return Path(found).resolve() if found else None


def committed_at(folder: Path) -> int:
    """When the commit was made, in seconds since 1970."""
    return int(_said(folder, "show", "--no-patch", "--format=%ct", "HEAD"))


def files(folder: Path) -> dict[str, bytes]:
    """The files of a folder as committed, by path; links and submodules are not among them."""
    top = Path(
        _said(folder, "rev-parse", "--show-toplevel").strip()
    )  # elsewhere Git 2.39 archives no part of a tree
    part = _said(folder, "rev-parse", "--show-prefix").strip().rstrip("/")
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(_ran(top, "archive", "--format=tar", f"HEAD:{part}"))) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                found[member.name] = content.read()
    return dict(sorted(found.items()))


def commit_beside(folder: Path, branch: str, name: str, content: bytes, message: str) -> str:
    """Commit one file onto HEAD as a new branch, and touch neither the files nor the index; returns the commit."""
    if _said(folder, "branch", "--list", branch).strip():
        raise UsageError(
            f"there is a branch {branch} already; merge it, or remove it with `git branch -D {branch}`"
        )
    part = _said(folder, "rev-parse", "--show-prefix").strip()
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch, "content")
        written.write_bytes(content)
        blob = _said(folder, "hash-object", "-w", "--", str(written)).strip()
        index = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        _ran(folder, "read-tree", "HEAD", more=index)
        _ran(folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},{part}{name}", more=index)
        tree = _ran(folder, "write-tree", more=index).decode().strip()
    commit = _said(folder, "commit-tree", tree, "-p", "HEAD", "-m", message).strip()
    _said(folder, "update-ref", f"refs/heads/{branch}", commit, "")
    return commit


def _co_authors(message: str) -> Iterator[str]:
    for found in _CO_AUTHOR.finditer(message):
        yield found["address"]


def git(folder: Path, *words: str) -> str:
    """What a command of Git prints, without its last line's end."""
    return _said(folder, *words).rstrip("\n")


def _asked(folder: Path, *words: str) -> str | None:
    """What Git answers, where it has something to say."""
    try:
        return git(folder, *words) or None
    except NoRepository:
        return None


def _said(folder: Path, *words: str) -> str:
    """What Git answers in a folder, as text."""
    return _ran(folder, *words).decode("utf-8", "surrogateescape")


def run(*words: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run Git's own program, however it ends."""
    program = shutil.which("git")
    if program is None:
        raise NoRepository("Git is not installed; install it (Debian, Ubuntu: apt install git)")
    return subprocess.run(  # noqa: S603 — words that we chose
        [program, *words], env=environment, capture_output=True, check=False
    )


def _ran(folder: Path, *words: str, more: Mapping[str, str] | None = None) -> bytes:
    """What Git answers in a folder; NoRepository when it has nothing to say."""
    done = run("-C", str(folder), *words, environment={**_environment(), **(more or {})})
    if done.returncode:
        reason = (
            done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            or f"it ended with {done.returncode}"
        )
        if "tell me who you are" in reason:
            raise UsageError(
                'Git does not know who you are; tell it with git config user.name "Your Name" and git config user.email'
                " you@example.com, and type this again"
            )
        if "dubious ownership" in reason:
            raise UsageError(f"Git does not trust {folder}: {reason}")  # and says itself what to type
        raise NoRepository(
            f"Git says nothing of {folder}: {reason}; make it a repository with a commit: git init, git add, git commit"
        )
    return done.stdout


def _environment() -> dict[str, str]:
    """No other repository, index or pager than the folder's own, no question, English words."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _SPARED
    }
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
