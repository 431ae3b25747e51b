"""Which files a source has now."""

import pytest
from tests.sources.conftest import declared

from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.sources.discover import find


def names(path, base, data=None, **settings):
    return [name for name, _ in find(declared(path=path, **settings), base=base, data=data)]


@pytest.fixture
def base(tmp_path):
    for name in ["sample/b.csv", "sample/a.csv", "sample/.hidden.csv", "sample/old/c.csv", "sample/n.txt"]:
        path = tmp_path / "work [1]" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / "work [1]"


def test_files_come_by_name_relative_to_the_workspace(base):
    assert names("sample/*.csv", base) == ["sample/a.csv", "sample/b.csv"]


def test_two_stars_look_into_every_folder(base):
    assert names("sample/**/*.csv", base) == ["sample/a.csv", "sample/b.csv", "sample/old/c.csv"]


def test_names_are_relative_to_the_data_folder(base, tmp_path):
    assert names("{data}/*.csv", tmp_path, data=base / "sample") == ["a.csv", "b.csv"]


def test_an_absolute_pattern_is_named_from_its_first_wildcard(base):
    assert names("/" + str(base / "sample" / "a.csv").lstrip("/"), base) == ["a.csv"]


def test_a_pattern_may_go_up_from_the_workspace(base):
    (base / "deep").mkdir()
    assert names("../sample/a.csv", base / "deep") == ["sample/a.csv"]


def test_no_file_of_a_required_source_is_an_error_with_a_way_out(base):
    with pytest.raises(SourceError, match=r"missing: no file matches .*none\*\.csv; .*required = false"):
        names("none*.csv", base)


def test_no_file_of_an_optional_source_is_nothing(base):
    assert names("none*.csv", base, required=False) == []


def test_a_source_that_needs_a_data_folder_says_how_to_give_one(base):
    with pytest.raises(UsageError, match="--data DIR or FLEETCAST_DATA=DIR"):
        names("{data}/*.csv", base)


def test_a_data_folder_that_is_not_there_is_named(base):
    with pytest.raises(UsageError, match="nowhere"):
        names("{data}/*.csv", base, data=base / "nowhere")


@pytest.mark.parametrize("path", ["{data}", "a/../b.csv", ".."])
def test_a_pattern_that_names_no_files_is_refused(base, path):
    with pytest.raises(UsageError, match="names no files"):
        names(path, base, data=base)


@pytest.mark.parametrize("data", [None, "empty"])
def test_whoever_has_no_files_is_told_how_to_get_them(tmp_path, data):
    (tmp_path / "empty").mkdir()
    with pytest.raises((SourceError, UsageError), match="they come with the R package bayesm"):
        names(
            "{data}/yx.csv",
            tmp_path,
            tmp_path / data if data else None,
            obtain="they come with the R package bayesm",
        )
