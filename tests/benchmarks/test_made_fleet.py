"""The made fleet that speed is measured on: it keeps the lake's contracts, and its week can be run."""

import polars as pl
from benchmarks.made_fleet import AHEAD, LAST, Size

from benchmarks import made_fleet
from fleetcast.domain.tables import DELIVERIES, FORECASTS
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import work_through

TINY = Size(regions=2, stores=2, products=4, weeks=60)


def test_its_week_can_be_run_and_every_week_held_back_has_a_forecast(tmp_path):
    lasso_alone = made_fleet.SETTINGS + "[training]\nnet_members = 0\n"
    w, held_back = made_fleet.fill(tmp_path / "fleet", TINY, seed=3, settings=lasso_alone)
    work_through(Cycle(w, LAST, Silent(), "test"))
    forecasts = w.lake.read(FORECASTS)
    assert held_back["week"].n_unique() == AHEAD
    assert w.lake.read(DELIVERIES)["week"].max() == LAST
    assert held_back.join(forecasts, on=["week", "store", "product"]).height == held_back.height


def test_a_region_is_the_same_in_a_fleet_of_any_number():
    alone = next(made_fleet.drawn(Size(1, 2, 4, 60), seed=3))
    first, second = made_fleet.drawn(TINY, seed=3)
    assert alone.sold.equals(first.sold)
    assert not first.sold["units"].equals(second.sold["units"])


def test_a_peer_reads_the_same_rows(tmp_path):
    folder = made_fleet.export(TINY, 3, tmp_path / "peers")
    rows = pl.concat(pl.read_parquet(path) for path in sorted(folder.glob("*.parquet")))
    sold = pl.concat(region.sold for region in made_fleet.drawn(TINY, seed=3))
    assert rows.select(sold.columns).sort(sold.columns).equals(sold.sort(sold.columns))
    assert rows.select(pl.col("price", "deal").null_count().sum()).row(0) == (0, 0)
