import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleetcast import workspace
from fleetcast.delivery import sampling
from fleetcast.delivery.choosing import Size, choose
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import DELIVERIES, PRODUCTS, QUARANTINE, STORES
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import kiosks, opened, write_workspace
from fleetcast.testing.retailer import tiny_retailer
from fleetcast.testing.server import Reply, serving
from fleetcast.workspace import Workspace

SIZE = Size(regions=2, stores=1, products=4, weeks=60)


@pytest.fixture(scope="module")
def retailer(tmp_path_factory) -> Path:
    """All regions, for each layout comes from one of them."""
    return tiny_retailer(
        tmp_path_factory.mktemp("retailer"), regions=14, stores=4, products=5, weeks=80
    ).workspace


@pytest.fixture(scope="module")
def real(retailer) -> Workspace:
    """The retailer's tables, conditioned from its own files."""
    w = workspace.open(retailer)
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    return w


@pytest.fixture(scope="module")
def sampled(retailer, real, tmp_path_factory) -> tuple[sampling.Sampled, Workspace]:
    """What was sampled, and the workspace that reads nothing else."""
    made = sampling.sample(real, tmp_path_factory.mktemp("out") / "sample", size=SIZE, seed=1)
    home = shutil.copytree(made.folder, tmp_path_factory.mktemp("there") / "home")
    w = workspace.open_locally(retailer, home, effort="quick")
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    return made, w


def test_the_workspaces_own_conditioners_set_nothing_of_it_aside(sampled):
    assert sampled[1].lake.read(QUARANTINE).is_empty()


def test_every_source_is_in_it_in_its_own_format(sampled, real):
    made, _ = sampled
    endings = {path.suffix for path in made.folder.rglob("*")} - {""}
    assert endings >= {".csv", ".tsv", ".txt", ".jsonl", ".parquet", ".xlsx"}


def test_every_segment_has_fast_and_slow_series(sampled):
    made, _ = sampled
    cells = {segment.rpartition("/")[0] for segment in made.segments}
    assert sorted(made.segments) == sorted(f"{cell}/{mover}" for cell in cells for mover in ("fast", "slow"))


def test_no_store_product_or_place_goes_by_its_name(sampled, real):
    made, _ = sampled
    stores, products = real.lake.read(STORES), real.lake.read(PRODUCTS)
    names = {
        *stores["store"], *stores["region"], *stores["postal_code"], *products["product"], *products["category"],
    }  # fmt: skip
    texts = [
        path.read_bytes() for path in made.folder.rglob("*") if path.suffix in (".csv", ".tsv", ".jsonl")
    ]
    assert texts
    fields = {
        field.strip(' "')
        for text in texts
        for line in text.decode("cp1252").splitlines()
        for field in line.replace(";", ",").replace("\t", ",").replace(":", ",").rstrip("}").split(",")
    }
    assert not fields & names
    assert not any(name in str(path) for path in made.folder.rglob("*") for name in names)


def test_no_series_has_the_units_it_really_had(sampled, real):
    def sequences(w: Workspace) -> set[tuple[float, ...]]:
        rows = w.lake.read(DELIVERIES).filter(pl.col("week") >= sampled[0].first)
        weekly = rows.unique(["week", "store", "product"], keep="last", maintain_order=True)
        return {
            tuple(series.sort("week")["delivered"][:8])
            for _, series in weekly.group_by("store", "product")
            if series.height >= 8
        }

    assert sequences(sampled[1])
    assert not sequences(sampled[1]) & sequences(real)


def test_more_never_comes_back_than_was_brought(sampled):
    w = sampled[1]
    returns = w.lake.read(w.tables["returns"]).filter(~pl.col("allocated"))
    key = ["week", "store", "product"]
    last = returns.sort("known_at").unique(key, keep="last")
    brought = w.lake.read(DELIVERIES).sort("known_at").unique(key, keep="last")
    both = last.join(brought, on=key)
    assert both.height
    assert (both["returned"] <= both["delivered"]).all()


def test_what_stays_as_it_is_is_said(sampled):
    made, _ = sampled
    assert made.codes == ("stores.outlet",)
    assert made.shown == ("store_format",)


def test_the_same_key_and_seed_give_the_same_bytes_and_another_seed_other_ones(real, sampled, tmp_path):
    def content(folder: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }

    again = sampling.sample(real, tmp_path / "again", size=SIZE, seed=1)
    other = sampling.sample(real, tmp_path / "other", size=SIZE, seed=2)
    assert content(again.folder) == content(sampled[0].folder)
    assert content(other.folder) != content(again.folder)


def test_the_key_is_readable_by_its_owner_alone_and_lies_beside_the_state(real, sampled):
    key = real.state.parent / sampling.KEY
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_holds_something_else_stays(tmp_path):
    w = opened(write_workspace(tmp_path / "shop", kiosks()))
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something that was not made by"):
        sampling.sample(w, tmp_path / "sample", size=SIZE, seed=1)


def test_a_sample_is_made_anew_over_an_older_one(tmp_path):
    w = opened(write_workspace(tmp_path / "shop", kiosks()))
    sampling.sample(w, tmp_path / "sample", size=SIZE, seed=1)
    assert sampling.sample(w, tmp_path / "sample", size=SIZE, seed=2).stores == 2


def test_a_conditioner_that_makes_names_up_cannot_be_sampled(tmp_path):
    folder = write_workspace(tmp_path / "shop", kiosks())
    conditioner = folder / "src" / "kiosks" / "conditioners" / "deliveries.py"
    made_up = 'rows.with_columns(pl.col("store") + "x")'
    conditioner.write_text(conditioner.read_text("utf-8").replace(": rows}", f": {made_up}}}"), "utf-8")
    with pytest.raises(UsageError, match=r"source deliveries cannot be sampled: .* names of store"):
        sampling.sample(opened(folder), tmp_path / "sample", size=SIZE, seed=1)


def test_every_source_has_a_region_among_those_taken():
    deliveries = pl.DataFrame(
        {
            "week": [date(2026, 11, 9)] * 6,
            "store": ["a", "a", "b", "b", "c", "c"],
            "product": ["1", "2"] * 3,
            "delivered": [1.0, 2.0] * 3,
        }
    )
    stores = pl.DataFrame(
        {
            "store": ["a", "b", "c"],
            "region": ["north", "south", "west"],
            "store_format": ["large"] * 3,
            "postal_code": ["1", "2", "3"],
            "valid_from": [date(2020, 1, 6)] * 3,
        }
    )
    found = choose(
        deliveries, stores, Size(regions=1), needed=[frozenset("b"), frozenset("c"), frozenset("bc")]
    )
    assert set(found.stores["region"]) == {"south", "west"}


def test_what_is_pulled_is_in_a_sample_as_lines_and_a_validation_asks_nobody(tmp_path):
    frames = kiosks(regions=("east", "west"), weeks=70)
    folder = write_workspace(tmp_path / "shop", frames)
    settings = folder / "fleetcast.toml"
    text = settings.read_text("utf-8").replace('path = "data/deliveries/*.csv"\n', "")
    with serving() as server:
        settings.write_text(f'{text}\n[sources.deliveries.pull]\nurl = "{server.url}/sales.csv"\n', "utf-8")
        server.at("/sales.csv", Reply(frames["deliveries"].write_csv().encode()))
        run_cycle(opened(folder), only="condition", progress=Silent(), actor="test")
        made = sampling.sample(opened(folder), tmp_path / "sample", size=SIZE, seed=1)
        local = workspace.open_locally(folder, made.folder, effort="quick")
        run_cycle(local, only="condition", progress=Silent(), actor="test")
        assert len(server.asked) == 1
    assert [path.suffix for path in (made.folder / "deliveries").iterdir()] == [".jsonl"]
    assert local.lake.read(DELIVERIES).height > 100
    assert local.lake.read(QUARANTINE).is_empty()
