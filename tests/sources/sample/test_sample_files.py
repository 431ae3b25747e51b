import tomllib
from pathlib import Path

import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.versions import digest
from fleetcast.sources.sample import create
from fleetcast.testing.retailer import tiny_retailer


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sources(workspace: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads((workspace / "fleetcast.toml").read_text("utf-8"))["sources"]


def test_equal_seeds_write_equal_bytes(tmp_path):
    for name in ("one", "two"):
        tiny_retailer(tmp_path / name, regions=14, stores=2, products=4, weeks=60)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_the_truth_lies_outside_of_the_workspace(demo):
    assert not list(demo.workspace.rglob("*truth*"))
    assert not list(demo.workspace.rglob("history*"))


@pytest.mark.parametrize("inside", [".", "truth", "data/.truth"])
def test_the_truth_may_not_lie_in_the_workspace(tmp_path, inside):
    with pytest.raises(UsageError, match="name a folder beside it"):
        create(tmp_path / "demo", truth=tmp_path / "demo" / inside, regions=1, stores=2, products=2, weeks=60)


def test_a_workspace_is_not_written_over(demo, tmp_path):
    with pytest.raises(UsageError, match="is a workspace already"):
        create(demo.workspace, truth=tmp_path, regions=1, stores=2, products=2, weeks=60)


def test_the_whole_demo_has_at_most_eighty_raw_files(tmp_path):
    demo = tiny_retailer(tmp_path, regions=14, stores=2, products=2, weeks=160)
    assert len(digests(demo.workspace / "data")) <= 80


def test_every_source_has_files_a_conditioner_and_a_readable_declaration(demo):
    declared = sources(demo.workspace)
    assert len(declared) == 21
    for name, source in declared.items():
        assert list(demo.workspace.glob(source["path"])), name
        conditioner = demo.workspace / f"src/demo_retailer/conditioners/{source['conditioner']}.py"
        assert "def condition(" in conditioner.read_text("utf-8"), name


def test_every_raw_file_belongs_to_a_source(demo):
    claimed = {
        path for source in sources(demo.workspace).values() for path in demo.workspace.glob(source["path"])
    }
    assert claimed == {path for path in (demo.workspace / "data").rglob("*") if path.is_file()}


def test_all_formats_are_there(demo):
    formats = {source["format"] for source in sources(demo.workspace).values()}
    assert formats == {"csv", "excel", "jsonl", "fixed_width", "parquet", "sql"}


def test_a_smaller_retailer_declares_only_the_sources_it_has(tmp_path):
    demo = tiny_retailer(tmp_path)
    assert {name for name in sources(demo.workspace) if name.startswith("deliveries")} == {
        "deliveries_us",
        "deliveries_eu",
    }


def test_files_are_written_in_the_encodings_of_their_senders(demo):
    data = demo.workspace / "data/deliveries"
    assert "Artículo".encode("cp1252") in (data / "eu/2026.csv").read_bytes()
    assert (data / "sunday/2026.csv").read_bytes().startswith("\ufeffWeek of".encode())
    assert b"\r\n" in (data / "sunday/2026.csv").read_bytes()


def test_one_file_was_sent_twice(demo):
    data = demo.workspace / "data/deliveries/us"
    assert (data / "north-texas_2025.csv").read_bytes() == (data / "north-texas_2025 (copy).csv").read_bytes()


def test_late_and_corrected_files_carry_their_issue_time_in_their_name(demo):
    truth = demo.truth
    assert truth.late == "deliveries/fixed_late/virginia_issued_20261117.txt"
    assert truth.corrected == "deliveries/us_corrections/georgia_2026-06_issued_20260805.csv"
    assert all((demo.workspace / "data" / name).is_file() for name in (truth.late, truth.corrected))


def test_the_workspace_starts_with_the_version_of_its_settings(demo):
    assert (demo.workspace / "fleetcast.toml").read_text("utf-8").startswith("schema = 1\n")
    assert {".gitignore", "README.md", "pyproject.toml"} < {path.name for path in demo.workspace.iterdir()}


def test_a_demo_is_not_written_among_what_is_there(tmp_path):
    (tmp_path / "mine").mkdir()
    thesis = tmp_path / "mine" / "thesis.tex"
    thesis.write_text("years of work")
    for folder in (thesis.parent, thesis):
        with pytest.raises(UsageError, match="name another folder"):
            create(folder, truth=tmp_path / "truth", regions=1, stores=2, products=2, weeks=80)
    assert list(thesis.parent.iterdir()) == [thesis]


def test_a_demo_whose_drawing_was_cut_off_is_drawn_again(tmp_path):
    size = {"regions": 1, "stores": 2, "products": 2, "weeks": 80}
    create(tmp_path / "demo", truth=tmp_path / "truth", **size)
    (tmp_path / "demo" / "fleetcast.toml").unlink()
    create(tmp_path / "demo", truth=tmp_path / "truth", **size)
    assert (tmp_path / "demo" / "fleetcast.toml").exists()
