import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import fleetcast
from fleetcast.testing.retailer import TinyRetailer, tiny_retailer
from fleetcast.testing.truth import Truth

SOURCE = Path(fleetcast.__file__).parent


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRetailer:
    return tiny_retailer(tmp_path_factory.mktemp("tiny"), weeks=60, erratic="south-texas/small/slow")


@pytest.fixture(scope="module")
def truth(tiny: TinyRetailer) -> Truth:
    return tiny.truth


def test_the_truth_says_what_happened_and_what_was_planted(truth):
    assert truth.last == date(2026, 11, 9)
    assert truth.erratic == "south-texas/small/slow"
    assert truth.history.filter(store="NTX-01", product="00042").height == 60 + 8


def test_bad_lines_are_counted_by_source_and_reason(truth):
    assert truth.quarantined()["deliveries_us"] == {
        "not_a_number": 1,
        "negative_delivery": 1,
        "unknown_store": 2,
        "ragged": 1,
    }


def test_a_bad_line_stands_where_the_truth_says(tiny, truth):
    for bad in truth.bad:
        lines = (tiny.workspace / "data" / bad.file).read_bytes().split(b"\n")
        assert lines[bad.line - 1].count(b"XX-9") == (bad.reason == "unknown_store")


def test_only_the_testing_kit_reads_the_truth():
    readers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if "history.parquet" in path.read_text("utf-8")
    }
    assert readers == {"sources/sample/demo.py", "testing/truth.py"}  # the first writes it


def test_nothing_that_forecasts_imports_the_testing_kit():
    importers = [
        path
        for path in SOURCE.rglob("*.py")
        if "testing" not in path.relative_to(SOURCE).parts
        and any(name.startswith("fleetcast.testing") for name in imported(path))
    ]
    assert importers == []


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports; those of tests that it writes for people are none of them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_planted_effects_are_told_by_product_and_category(truth):
    assert set(truth.effects.elasticity) == set(truth.history["product"])
    assert truth.effects.events["easter"] == {"cookies": 0.3, "bread": 0.2}
    assert truth.effects.warmth["drinks"] > 0 > truth.effects.warmth["cookies"]
