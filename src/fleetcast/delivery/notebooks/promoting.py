"""`nb promote`: from a notebook to a commit on a branch of its own, checked as its pull request will be."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from fleetcast.delivery import git
from fleetcast.delivery.checks.tools import Toolbox
from fleetcast.delivery.notebooks import percent, pull_request
from fleetcast.delivery.notebooks.change import Change, change
from fleetcast.delivery.notebooks.checking import checked
from fleetcast.delivery.notebooks.opening import session
from fleetcast.delivery.notebooks.pull_request import Looks
from fleetcast.delivery.report import Report
from fleetcast.delivery.validation import Watching
from fleetcast.delivery.verb import Verb
from fleetcast.domain.errors import UsageError

SHOWN = 5  # files that a message lists
TOOLS = ("ruff", "mypy", "pytest", "coverage")  # of the pull request's code validation


def verb(
    folder: Path,
    name: str,
    *,
    clock: Callable[[], datetime],
    reports: Path,
    watching: Watching | None = None,
    looks: Looks = pull_request.looks,
    tools: Toolbox | None = None,
) -> Report:
    """Promote a notebook; nothing is written before it is well, and a commit is whole or not there.

    The pull request's checks look at that commit, and leave their own `reports`. When one fails, the branch stays with
    what was written.
    """
    folder = folder.resolve()
    notebook, branch = percent.place(folder, name), f"notebook/{name}"
    base = _ready(folder, notebook, branch)
    tools = tools or Toolbox(folder)
    tools.need(*TOOLS)  # said now, and not after minutes of work
    done = Verb("nb promote", clock(), watching=watching, notebook=name, base=base)
    done.begins("text and run")
    looked = checked(folder, name)
    done.add(*looked.checks)
    if not looked.passed or looked.ran is None:
        return done.report()
    here, ran = session(workspace=folder), looked.ran

    made = done.check("change", lambda: change(folder, looked.notebook, ran, here), _told)
    if made is None:
        return done.report()
    done.begins("the fleet as it is")
    here.as_it_is()  # while the workspace is still without the change
    with _on_branch(folder, branch, base, made.files):
        _laid_out(tools, [path for path in made.files if path.endswith(".py")])
        git.git(folder, "add", "--", *made.files, str(notebook.relative_to(folder)))
        git.git(folder, "commit", "--quiet", "--message", _message(made, looked.notebook.title))
    found = git.checkout(folder)
    done.about(branch=branch, commit=found.commit, tree=found.tree)
    done.in_order(looks(folder, made, here, reports), folder)
    return done.report()


def _laid_out(tools: Toolbox, files: list[str]) -> None:
    """Imports and lines as the workspace's own ruff would have them."""
    tools.run("ruff", "check", "--select", "I", "--fix", "--force-exclude", *files)
    tools.run("ruff", "format", "--force-exclude", *files)


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
