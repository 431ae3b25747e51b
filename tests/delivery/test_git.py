"""What Git says of a checkout, whatever stands in the environment."""

import pytest

from fleetcast.delivery.git import Checkout, NoRepository, checkout, tracked
from fleetcast.domain.errors import UsageError


@pytest.fixture
def repository(tmp_path, git):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "ä b.txt").write_text("one\n", "utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First\n\nCo-authored-by: Bo <bo@shop.example>")
    return folder


def test_a_clean_checkout_has_commit_branch_tree_and_authors(repository, git):
    assert checkout(repository) == Checkout(
        commit=git(repository, "rev-parse", "HEAD"),
        branch="main",
        tree=git(repository, "rev-parse", "HEAD^{tree}"),
        dirty=False,
        authors=("ada@shop.example", "bo@shop.example"),
    )


def test_a_detached_head_has_no_branch(repository, git):
    git(repository, "checkout", "-q", "--detach")
    assert checkout(repository).branch is None


@pytest.mark.parametrize("name", ["ä b.txt", "new.txt"])
def test_a_changed_and_a_new_file_make_it_dirty(repository, name):
    (repository / name).write_text("two\n", "utf-8")
    assert checkout(repository).dirty


def test_what_changes_outside_the_folder_does_not_make_it_dirty(repository, git):
    (repository / "shop").mkdir()
    (repository / "shop" / "a.txt").write_text("a\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Second")
    (repository / "new.txt").write_text("two\n", "utf-8")
    assert not checkout(repository / "shop").dirty


def test_kept_files_are_those_of_the_folder_that_are_there(repository, git):
    (repository / "shop").mkdir()
    (repository / "shop" / "a.txt").write_text("a\n", "utf-8")
    (repository / "shop" / "b.txt").symlink_to("a.txt")
    git(repository, "add", ".")
    assert tracked(repository / "shop") == [repository / "shop" / "a.txt"]
    (repository / "ä b.txt").unlink()
    assert tracked(repository) == [repository / "shop" / "a.txt"]


def test_another_repository_in_the_environment_does_not_mislead(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert checkout(repository).branch == "main"


def test_no_repository_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(NoRepository, match=r"not a git repository.*git init") as raised:
        checkout(tmp_path)
    assert isinstance(raised.value, UsageError)


def test_a_repository_without_a_commit_is_one_too(tmp_path, git):
    git(tmp_path, "init", "-q")
    with pytest.raises(NoRepository):
        checkout(tmp_path)


def test_no_git_at_all_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoRepository, match="Git is not installed"):
        checkout(tmp_path)
