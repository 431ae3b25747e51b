"""Every raw file of the demo, through its reader and its conditioner, against what the simulator knows."""

import importlib.util
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from fleetcast.conditioning import references
from fleetcast.conditioning.standard import Context
from fleetcast.domain.tables import (
    BASE,
    CLUSTERS,
    DELIVERIES,
    PRODUCTS,
    RETURNS,
    STORES,
    Table,
    as_known_at,
    covariates,
    whole,
)
from fleetcast.domain.week import WEEK, known_by
from fleetcast.settings import Settings, load
from fleetcast.sources.discover import find
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import read
from fleetcast.testing.retailer import TinyRetailer
from fleetcast.testing.truth import BadLine, Truth

RECEIVED = datetime(2026, 11, 22, tzinfo=UTC)
LAST = date(2026, 11, 9)
NOW = known_by(LAST, 2)
KEY = ["week", "store", "product"]


@dataclass(frozen=True)
class Conditioned:
    settings: Settings
    tables: dict[str, pl.DataFrame]  # all sources, with the file and line of each row
    bad: set[BadLine]
    lost: int
    truth: Truth

    def at(self, table: Table, moment: datetime = NOW) -> pl.DataFrame:
        return as_known_at(table, whole(table, self.tables[table.name]).select(table.columns), moment)


@pytest.fixture(scope="session")
def conditioned(demo: TinyRetailer) -> Conditioned:
    settings = load(demo.workspace / "fleetcast.toml")
    truth = demo.truth
    stores, products = truth.history["store"].unique(), truth.history["product"].unique()
    tables: dict[str, list[pl.DataFrame]] = defaultdict(list)
    bad: set[BadLine] = set()
    lost = 0
    for name, source in settings.sources.items():
        module = conditioner(demo.workspace, source.conditioner)
        for file, path in find(source, base=demo.workspace, data=None):
            reading = read(RawFile("", file, RECEIVED, True, 0), path, source, source=name)
            done = module.condition(reading.rows, Context(name, source, RECEIVED, True, file))
            done = references.check(done, stores=stores, products=products)
            for table, frame in done.tables.items():
                tables[table].append(
                    frame.with_columns(file=pl.lit(file)).select(sorted([*frame.columns, "file"]))
                )
            faults = pl.concat(
                [frame.select("line", "reason") for frame in (reading.quarantined, done.rejected)]
            )
            bad |= {BadLine(name, file.removeprefix("data/"), *fault) for fault in faults.iter_rows()}
            taken = {line for frame in (*done.tables.values(), faults) for line in frame["line"]}
            lost += reading.rows_in - len(taken)
    return Conditioned(
        settings, {name: pl.concat(frames) for name, frames in tables.items()}, bad, lost, truth
    )


def conditioner(workspace: Path, name: str) -> ModuleType:
    path = workspace / "src/demo_retailer/conditioners" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"demo_retailer.conditioners.{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_exactly_the_planted_lines_are_set_aside_each_with_its_reason(conditioned):
    assert conditioned.bad == set(conditioned.truth.bad)


def test_no_line_is_lost(conditioned):
    assert conditioned.lost == 0


def test_identical_duplicates_are_as_many_as_were_planted(conditioned):
    rows = conditioned.tables["deliveries"].select(DELIVERIES.columns)
    assert rows.height - rows.n_unique() == sum(conditioned.truth.duplicates.values())


def test_deliveries_are_those_of_the_simulator(conditioned):
    truth = conditioned.truth.history.filter(pl.col("week") <= LAST)
    found = conditioned.at(DELIVERIES).select(*KEY, "delivered").sort(KEY)
    assert found.equals(truth.select(*KEY, pl.col("delivered").cast(pl.Float64)).sort(KEY))


def test_returns_are_those_that_were_picked_up_by_now(conditioned):
    history = conditioned.truth.history.filter(~pl.col("store").str.starts_with("SFL"))
    age = (pl.lit(LAST) - pl.col("week")).dt.total_days() // 7
    by_now = pl.sum_horizontal(pl.when(age >= lag).then(f"back_{lag}").otherwise(0) for lag in (1, 2, 3))
    truth = history.with_columns(returned=by_now.cast(pl.Float64)).filter(pl.col("returned") > 0)
    found = conditioned.at(RETURNS).filter(~pl.col("allocated"))
    assert found.select(*KEY, "returned").sort(KEY).equals(truth.select(*KEY, "returned").sort(KEY))


def test_where_only_the_pick_up_is_known_every_unit_is_booked_once_and_flagged(conditioned):
    history = conditioned.truth.history.filter(pl.col("store").str.starts_with("SFL"))
    picked_up = sum(
        history.filter(pl.col("week") + lag * WEEK <= LAST)[f"back_{lag}"].sum() for lag in (1, 2, 3)
    )
    found = conditioned.at(RETURNS).filter(pl.col("allocated"))
    assert found["store"].str.starts_with("SFL").all()
    assert found["returned"].sum() == pytest.approx(picked_up)


def test_allocated_returns_are_close_to_the_truth_over_a_quarter(conditioned):
    final = pl.col("week").is_between(LAST - 16 * WEEK, LAST - 4 * WEEK)
    truth = conditioned.truth.history.filter(final & pl.col("store").str.starts_with("SFL"))
    found = conditioned.at(RETURNS).filter(final & pl.col("allocated"))
    assert found["returned"].sum() == pytest.approx(truth["returned"].sum(), rel=0.05)


def test_nothing_was_returned_to_a_store_before_it_was_delivered(conditioned):
    first = conditioned.at(DELIVERIES).group_by("store", "product").agg(first=pl.col("week").min())
    early = (
        conditioned.at(RETURNS).join(first, on=["store", "product"]).filter(pl.col("week") < pl.col("first"))
    )
    assert early.is_empty()


def test_returns_mature_over_the_three_weeks_after_their_delivery(conditioned):
    week = LAST - 20 * WEEK
    known = [
        conditioned.at(RETURNS, known_by(week + age * WEEK, 2))
        .filter(pl.col("week") == week)["returned"]
        .sum()
        for age in range(5)
    ]
    assert known[0] == 0
    assert known[0] < known[1] < known[2] < known[3]
    assert known[3] == known[4]


def test_no_delivery_is_known_before_its_week_is_over(conditioned):
    rows = conditioned.tables["deliveries"]
    assert (rows["known_at"].dt.date() >= rows["week"].dt.offset_by("7d")).all()


def test_every_delivery_in_time_is_known_when_the_fleet_looks(conditioned):
    week = LAST - 30 * WEEK
    truth = conditioned.truth.history.filter(pl.col("week") == week)
    assert conditioned.at(DELIVERIES, known_by(week, 2)).filter(pl.col("week") == week).height == truth.height


def test_a_restated_month_is_seen_as_it_was_told_until_it_was_corrected(conditioned):
    june = pl.col("week").is_between(date(2026, 6, 8), date(2026, 6, 29)) & pl.col("store").str.starts_with(
        "GEO"
    )
    before, after = (
        conditioned.at(DELIVERIES, datetime(2026, 8, day, 12, tzinfo=UTC)).filter(june)["delivered"].sum()
        for day in (4, 5)
    )
    truth = conditioned.truth.history.filter(june)["delivered"].sum()
    assert before < 0.95 * truth
    assert after == truth


def test_late_weeks_are_unknown_until_their_file_was_issued(conditioned):
    virginia = pl.col("store").str.starts_with("VIR")
    before = conditioned.at(DELIVERIES, datetime(2026, 11, 16, 12, tzinfo=UTC)).filter(virginia)
    assert before["week"].max() == LAST - 2 * WEEK
    assert conditioned.at(DELIVERIES).filter(virginia)["week"].max() == LAST


def test_weeks_of_every_anchor_become_weeks_of_monday(conditioned):
    for name in ("deliveries", "returns", "promotions"):
        assert set(conditioned.tables[name]["week"].dt.weekday()) == {1}, name


def test_all_tables_keep_their_contracts(conditioned):
    free = [
        covariates(name, spec.keys, tuple(spec.columns), spec.texts)
        for name, spec in conditioned.settings.covariates.items()
    ]
    tables = [table for table in (*BASE, *free) if table != CLUSTERS]  # that a fleet makes for itself
    assert {table.name for table in tables} == set(conditioned.tables)
    for table in tables:
        table.contract.validate(conditioned.at(table))


def test_a_closing_is_known_only_once_it_was_announced(conditioned):
    closed = conditioned.at(STORES).filter(pl.col("closed").is_not_null())
    store, day = closed["store"][0], closed["closed"][0]
    before = conditioned.at(STORES, datetime.combine(day - timedelta(days=20), datetime.min.time(), UTC))
    assert before.filter(store=store)["closed"].to_list() == [None]


def test_a_delisting_is_known_only_once_it_was_announced(conditioned):
    gone = conditioned.at(PRODUCTS).filter(pl.col("delisted").is_not_null())
    assert gone.height == 1
    assert conditioned.at(PRODUCTS, datetime(2026, 1, 1, tzinfo=UTC))["delisted"].null_count() == 6


def test_plans_are_known_for_the_weeks_ahead(conditioned):
    table = covariates("promotions", ("week", "region", "product"), ("price", "promotion"))
    assert conditioned.at(table)["week"].max() == LAST + 8 * WEEK


def test_a_weather_forecast_is_known_from_its_issue_and_an_observation_after_its_day(conditioned):
    weather = conditioned.tables["weather"]
    forecasts = weather.filter(kind="forecast")
    observed = weather.filter(kind="observed")
    assert forecasts["known_at"].equals(forecasts["issued_at"])
    assert (observed["known_at"].dt.date() > observed["date"]).all()


def test_the_fleet_has_a_forecast_for_each_of_the_next_28_days(conditioned):
    weather = conditioned.tables["weather"].filter(
        (pl.col("kind") == "forecast") & (pl.col("known_at") <= NOW)
    )
    ahead = weather.filter(pl.col("issued_at").dt.date() == LAST + WEEK)
    assert (
        ahead.filter(pl.col("date") <= LAST + 4 * WEEK + timedelta(days=6))
        .group_by("postal_code")
        .len()["len"]
        .to_list()
        == [28] * ahead["postal_code"].n_unique()
    )


def test_observed_weather_is_in_the_units_of_the_tables(conditioned):
    observed = conditioned.tables["weather"].filter(kind="observed")
    assert 8 < observed["temperature"].mean() < 25
    assert observed["temperature"].min() > -30
