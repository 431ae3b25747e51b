"""`nb promote`: from a notebook to a commit on a branch of its own, checked as its pull request will be."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from fleetcast.delivery import git
from fleetcast.delivery.notebooks import percent
from fleetcast.delivery.notebooks.change import Change, change
from fleetcast.delivery.notebooks.checking import checked
from fleetcast.delivery.notebooks.opening import session
from fleetcast.delivery.notebooks.pull_request import CHECKS, PullRequestCheck
from fleetcast.delivery.notebooks.session import Session
from fleetcast.delivery.report import Check, Report
from fleetcast.delivery.verb import Verb, state_of
from fleetcast.domain.errors import FleetcastError, UsageError

SHOWN = 5  # files that a message lists


def verb(
    folder: Path,
    name: str,
    *,
    clock: Callable[[], datetime],
    checks: tuple[PullRequestCheck, ...] = CHECKS,
) -> Report:
    """Promote a notebook; nothing is written before it is well, and a commit is whole or not there.

    When a check of the pull request fails, the branch stays with what was written.
    """
    folder = folder.resolve()
    notebook, branch = percent.place(folder, name), f"notebook/{name}"
    base = _ready(folder, notebook, branch)
    done = Verb("nb promote", clock(), notebook=name, base=base)
    looked = checked(folder, name)
    done.add(*looked.checks)
    if not looked.passed or looked.ran is None:
        return done.report()
    here, ran = session(workspace=folder), looked.ran

    made = done.check("change", lambda: change(folder, looked.notebook, ran, here), _told)
    if made is None:
        return done.report()
    here.as_it_is()  # the fleet before the change, while the workspace is still without it
    with _on_branch(folder, branch, base, made.files):
        git.git(folder, "add", "--", *made.files, str(notebook.relative_to(folder)))
        git.git(folder, "commit", "--quiet", "--message", _message(made, looked.notebook.title))
    found = git.checkout(folder)
    done.about(branch=branch, commit=found.commit, tree=found.tree)
    done.add(*(_checked(check, folder, made, here) for check in checks))
    return done.report()


def _checked(check: PullRequestCheck, folder: Path, made: Change, here: Session) -> Check:
    """How a check ended; an error of ours is one of its ends."""
    try:
        return check(folder, made, here)
    except FleetcastError as error:
        return Check(check.__name__, state_of(error), str(error))


def _told(made: Change) -> str:
    return f"{len(made.files)} files: {', '.join(made.files)}"


def _message(made: Change, title: str) -> str:
    what = "feature" if made.override == "features" else "recipe"
    return f"{title}\n\nThe {what} {made.name}, promoted from notebooks/{made.name}.py."


def _ready(folder: Path, notebook: Path, branch: str) -> str:
    """The branch to go back to; UsageError where a change could not be committed, or would take others with it."""
    try:
        found = git.checkout(folder)
    except git.NoRepository as error:
        raise UsageError(
            f"{folder} is in no Git repository with a commit; a notebook is promoted onto a branch"
        ) from error
    others = [path for path in git.changed(folder) if not path.endswith(f"notebooks/{notebook.name}")]
    if others:
        raise UsageError(
            f"{len(others)} other files are not as committed ({', '.join(others[:SHOWN])}): commit them, or put them away"
            " with `git stash -u`, so that the branch has the notebook's change and no other"
        )
    if git.git(folder, "branch", "--list", branch):
        raise UsageError(
            f"the branch {branch} is there already; delete it with `git branch -D {branch}`, or go on there"
        )
    return found.branch or found.commit


@contextmanager
def _on_branch(folder: Path, branch: str, base: str, files: Mapping[str, str]) -> Iterator[None]:
    """On a new branch with these files written; where anything fails, back on the old one as it was."""
    before = {path: (folder / path).read_bytes() if (folder / path).exists() else None for path in files}
    git.git(folder, "switch", "--quiet", "--create", branch)
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        yield
    except BaseException:
        git.git(folder, "reset", "--quiet")
        for path, content in before.items():
            if content is None:
                (folder / path).unlink(missing_ok=True)
            else:
                (folder / path).write_bytes(content)
        git.git(folder, "switch", "--quiet", *(["--detach"] if len(base) == 40 else []), base)
        git.git(folder, "branch", "--quiet", "--delete", "--force", branch)
        raise
