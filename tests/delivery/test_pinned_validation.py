import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleetcast.delivery import pinned_validation
from fleetcast.delivery.pinning import pin
from fleetcast.delivery.report import Report
from fleetcast.domain.week import WEEK
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, run_week, write_file
from fleetcast.testing.repositories import commit

NEXT_WEDNESDAY = WEDNESDAY + timedelta(weeks=1)
NEXT_WEEK = kiosks(weeks=61)["deliveries"].with_columns(pl.col("week") + WEEK).filter(pl.col("week") > LAST)


@pytest.fixture(scope="module")
def served(committed, tmp_path_factory) -> Path:
    """A repository whose dev serves the data that are pinned."""
    folder = Path(shutil.copytree(committed, tmp_path_factory.mktemp("served") / "shop"))
    run_week(folder)
    pin(opened(folder), branch=False)
    commit(folder, "Data")
    return folder


@pytest.fixture
def shop(served, tmp_path) -> Path:
    return Path(shutil.copytree(served, tmp_path / "shop"))


def comes_in(folder: Path, deliveries: pl.DataFrame) -> None:
    """A week comes in, is taken in by dev, and pinned."""
    write_file(folder, "deliveries", deliveries, "next")
    w = opened(folder, NEXT_WEDNESDAY)
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    pin(w, branch=False)
    w.ledger.close()  # by the last to close it, SQLite tidies its files up


def validated(folder: Path, place: Path, at: datetime = NEXT_WEDNESDAY) -> Report:
    place.mkdir()
    return pinned_validation.verb(folder, place, clock=lambda: at, progress=Silent(), actor="test")


def states(made: Report) -> dict[str, str]:
    return {check.name: check.state for check in made.checks}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_models_are_trained_on_the_pinned_data_judged_and_rehearsed_beside_the_live_ones(shop, tmp_path):
    comes_in(shop, NEXT_WEEK)
    made = validated(shop, tmp_path / "place")
    assert states(made) == dict.fromkeys(("data", "copy", "models", "gate", "rehearsal", "fleet"), "passed")
    assert made.subject["week"] == str(LAST + WEEK)
    assert made.checks[2].says == f"4 judged, of the week {LAST + WEEK}"
    assert all(row["before"] is not None for row in made.checks[-1].evidence["segments"])


def test_dev_is_byte_for_byte_as_it_was(shop, tmp_path):
    comes_in(shop, NEXT_WEEK)
    before = contents(shop)
    assert validated(shop, tmp_path / "place").state == "passed"
    assert contents(shop) == before


def test_models_that_are_no_good_on_these_data_are_named_and_their_champions_would_stay(shop, tmp_path):
    noise = (pl.int_range(pl.len()) % 2) * 400.0
    recent = kiosks()["deliveries"].filter(pl.col("week") > LAST - 12 * WEEK).with_columns(delivered=noise)
    comes_in(shop, pl.concat([recent, NEXT_WEEK]))
    made = validated(shop, tmp_path / "place")
    gate = next(check for check in made.checks if check.name == "gate")
    assert (gate.state, gate.says) == ("passed", "0 of 4 segments passed")
    assert [finding.level for finding in gate.findings] == ["warning"] * 4


def test_where_nothing_else_is_pinned_than_what_dev_serves_nothing_is_done(shop, tmp_path):
    made = validated(shop, tmp_path / "place")
    assert states(made) == {"data": "passed", "models": "skipped"}
    assert made.checks[-1].says == "nothing to validate: dev has models of these data"
    assert list((tmp_path / "place").iterdir()) == []


def test_where_nothing_is_pinned_nothing_is_done(shop, tmp_path):
    (shop / "data.lock").unlink()
    made = validated(shop, tmp_path / "place")
    assert states(made) == {"models": "skipped"}
    assert made.exit_code == 0


def test_where_dev_is_not_the_check_could_not_look(shop, tmp_path):
    shutil.rmtree(shop / ".fleetcast")
    made = validated(shop, tmp_path / "place")
    assert made.exit_code == 3
    assert "this has to run where it is" in made.checks[0].says
    assert not (shop / ".fleetcast").exists()


def test_data_that_dev_never_had_fail(shop, tmp_path):
    lock = (shop / "data.lock").read_text("utf-8")
    comes_in(shop, NEXT_WEEK)
    elsewhere = (shop / "data.lock").read_text("utf-8")
    shutil.rmtree(shop / ".fleetcast")
    (shop / "data" / "deliveries" / "next.csv").unlink()
    (shop / "data.lock").write_text(lock, "utf-8")
    run_week(shop)
    (shop / "data.lock").write_text(elsewhere, "utf-8")
    made = validated(shop, tmp_path / "place")
    assert states(made) == {"data": "passed", "copy": "failed"}
    assert "which dev never had" in made.checks[-1].says
