"""A panel is laid out by codes and arrays; told slowly, with joins and dictionaries, it would be the same."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from fleetcast.demand import Net, demand, net_demand
from fleetcast.domain.tables import DELIVERIES, PRODUCTS, RETURNS, STORES, as_known_at, whole
from fleetcast.domain.week import WEEK
from fleetcast.features.panel import Covariate, Panel, build
from fleetcast.settings import CovariateSettings, DemandSettings

FIRST = date(2025, 6, 2)
WEEKS = 30
CUTOFF = FIRST + (WEEKS - 3) * WEEK
MOMENT = datetime(2025, 12, 16, tzinfo=UTC)  # some rows are known later, some weeks lie after the cutoff
SEEDS = range(12)
PLANNED = CovariateSettings(
    keys=("week", "region", "product"), columns={"price": "known_future"}, log=("price",)
)
VISITS = CovariateSettings(keys=("week", "store"), columns={"visits": "past"})
INCOME = CovariateSettings(keys=("region",), columns={"income": "static"})
Row = tuple[Any, ...]


def known(week: date, days: int) -> datetime:
    return datetime(week.year, week.month, week.day, tzinfo=UTC) + timedelta(days=days)


def booked(random: np.random.Generator, column: str, *, often: float) -> pl.DataFrame:
    """Rows of a bitemporal table: gaps, late ones, and up to three versions of a key, in no order."""
    rows: list[Row] = []
    for store in ("S2", "S1", "Sä"):
        for product in ("10", "9", "x"):
            begins = int(random.integers(0, 12))
            for number in range(begins, WEEKS):
                if random.random() < often:
                    week = FIRST + number * WEEK
                    for version in range(int(random.integers(1, 4)) if random.random() < 0.2 else 1):
                        units = float(random.integers(0, 9))
                        rows.append((week, store, product, units, known(week, 8 + 9 * version)))
    names = ["week", "store", "product", column, "known_at"]
    frame = pl.DataFrame(
        rows, schema=names, orient="row", schema_overrides={"known_at": DELIVERIES.types["known_at"]}
    )
    return frame.filter(pl.col("week") != FIRST + 20 * WEEK).sample(fraction=1, shuffle=True, seed=5)


def masters() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two stores are known and one closes; a product is delisted, one not known at all."""
    long_ago = pl.lit(known(FIRST, -900)).cast(DELIVERIES.types["known_at"])
    stores = pl.DataFrame({"store": ["S1", "S2"]}).select(
        "store",
        region=pl.lit("north"),
        store_format=pl.lit("large"),
        postal_code=pl.lit("1"),
        opened=pl.lit(FIRST),
        closed=pl.Series([None, FIRST + 22 * WEEK], dtype=pl.Date),
        valid_from=pl.lit(FIRST - 9 * WEEK),
        known_at=long_ago,
    )
    products = pl.DataFrame({"product": ["10", "9"]}).select(
        "product",
        category=pl.lit("c"),
        case_pack=pl.lit(1, pl.Int64),
        listed=pl.lit(FIRST + 4 * WEEK),
        delisted=pl.Series([None, FIRST + 25 * WEEK], dtype=pl.Date),
        replaces=pl.lit(None, pl.String),
        valid_from=pl.lit(FIRST - 9 * WEEK),
        known_at=long_ago,
    )
    return whole(STORES, stores).select(STORES.columns), whole(PRODUCTS, products).select(PRODUCTS.columns)


def settings(seed: int) -> DemandSettings:
    return DemandSettings(returns_weeks=seed % 3, absent="unknown" if seed % 2 else "zero")


def latest(frame: pl.DataFrame, column: str, until: datetime) -> dict[tuple[date, str, str], float]:
    """Of each week, store and product the value that was known last."""
    found: dict[tuple[date, str, str], tuple[datetime, float]] = {}
    for week, store, product, value, at in frame.select(
        "week", "store", "product", column, "known_at"
    ).rows():
        key = week, store, product
        if at <= until and (key not in found or found[key][0] <= at):
            found[key] = at, value
    return {key: value for key, (_, value) in found.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_bitemporal_tables_give_the_demand_that_their_as_of_views_give(seed: int):
    random = np.random.default_rng(seed)
    brought, back = booked(random, "delivered", often=0.8), booked(random, "returned", often=0.3)
    stores, products = masters()
    around = {"cutoff": CUTOFF, "settings": settings(seed)}
    net = net_demand(brought, back, stores, products, moment=MOMENT, **around)  # type: ignore[arg-type]
    seen = demand(
        as_known_at(DELIVERIES, brought, MOMENT),
        as_known_at(RETURNS, back, MOMENT),
        stores,
        products,
        **around,  # type: ignore[arg-type]
    )
    assert net.frame().equals(seen)
    delivered = latest(brought, "delivered", MOMENT)
    for week, store, product, units in (
        seen.drop_nulls().select("week", "store", "product", "delivered").rows()
    ):
        assert delivered.get((week, store, product), 0.0) == units
    rows = seen.filter(pl.col("delivered") > 0).height
    assert rows > 100
    there = [key for key, units in delivered.items() if units > 0 and key[0] <= CUTOFF]
    assert len(there) - rows == len(
        [key for key in there if key not in set(seen.select("week", "store", "product").rows())]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_demand_in_arrays_makes_the_panel_that_its_frame_makes_cell_by_cell(seed: int):
    random = np.random.default_rng(seed)
    brought, back = booked(random, "delivered", often=0.8), booked(random, "returned", often=0.3)
    stores, products = masters()
    net = net_demand(brought, back, stores, products, cutoff=CUTOFF, settings=settings(seed), moment=MOMENT)
    frame, series = net.frame(), members()
    panel, other = panel_of(net, series), panel_of(frame.sample(fraction=1, shuffle=True, seed=seed), series)
    for name in ("units", "status", "given", "conditioned"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(other, name))
    assert panel.weeks == other.weeks

    codes = {"unknown": 2, "censored": 3, "open": 4, "trained": 0}
    status = {(s, w): 1 for s in range(len(panel)) for w in range(len(panel.weeks))}
    places = {pair: s for s, pair in enumerate(panel.series.select("store", "product").rows())}
    conditioned = [0] * len(panel)
    for week, store, product, units, _, censored, final in frame.rows():
        if (store, product) in places:
            cell = places[store, product], panel.weeks.index(week)
            told = "unknown" if units is None else "censored" if censored else "trained" if final else "open"
            status[cell] = codes[told]
            conditioned[cell[0]] += 1
            assert panel.units[cell] == units or (units is None and np.isnan(panel.units[cell]))
    for (s, w), code in status.items():
        day = panel.series["closed"][s]
        assert panel.status[s, w] == (5 if day is not None and panel.weeks[w] >= day else code)
        assert panel.given[s, w] == (code != 1)
    assert panel.conditioned.tolist() == conditioned


def members() -> pl.DataFrame:
    """Series of the segments: one that was never delivered, others left out."""
    rows = [("S1", "10"), ("S1", "9"), ("S2", "10"), ("S2", "never"), ("Sä", "x")]
    return pl.DataFrame(rows, schema=["store", "product"], orient="row").with_columns(
        region=pl.Series(["north", "north", "south", None, "south"]),
        closed=pl.Series([None, None, FIRST + 22 * WEEK, None, None], dtype=pl.Date),
    )


def panel_of(net: Net | pl.DataFrame, series: pl.DataFrame, *covariates: Covariate) -> Panel:
    return build(net, series, cutoff=CUTOFF, horizons=(1, 2), covariates=covariates)


@pytest.mark.parametrize("seed", SEEDS)
def test_covariates_stand_with_every_series_that_their_key_covers(seed: int):
    random = np.random.default_rng(seed)
    weeks = [FIRST + number * WEEK for number in range(-2, WEEKS + 4) if random.random() < 0.8]
    planned = [
        (w, r, p, random.random() + 0.1) for w in weeks for r in ("north", "east") for p in ("10", "x")
    ]
    visits = [
        (w, s, float(random.integers(1, 99)), known(w, int(random.integers(3, 40))))
        for w in weeks
        for s in ("S1", "Sä")
    ]
    tables = [
        Covariate(
            "planned",
            PLANNED,
            pl.DataFrame(planned, schema=["week", "region", "product", "price"], orient="row"),
        ),
        Covariate(
            "visits",
            VISITS,
            pl.DataFrame(
                visits,
                schema={
                    "week": pl.Date,
                    "store": str,
                    "visits": float,
                    "known_at": DELIVERIES.types["known_at"],
                },
                orient="row",
            ),
        ),
        Covariate("income", INCOME, pl.DataFrame({"region": ["south"], "income": [7.0]})),
    ]
    stores, products = masters()
    brought = booked(random, "delivered", often=0.8)
    net = net_demand(
        brought,
        brought.clear().rename({"delivered": "returned"}),
        stores,
        products,
        cutoff=CUTOFF,
        settings=settings(0),
        moment=MOMENT,
    )
    panel = panel_of(net, members(), *tables)

    price = {(w, r, p): value for w, r, p, value in planned}
    for s, (store, product, region) in enumerate(panel.series.select("store", "product", "region").rows()):
        assert (
            panel.static["income.income"][s] == 7.0
            if region == "south"
            else np.isnan(panel.static["income.income"][s])
        )
        for w, week in enumerate(panel.weeks):
            found, told = panel.known["planned.price"][s, w], price.get((week, region, product))
            assert np.isnan(found) if told is None else found == pytest.approx(np.log(told), abs=1e-6)
            looked = known(week, 9)
            heard = [
                (v, value)
                for v, shop, value, at in visits
                if shop == store and at <= looked and panel.weeks[0] <= v <= week
            ]
            newest = max(heard)[1] if heard and w <= panel.cutoff else None
            assert (
                panel.past["visits.visits"][s, w] == newest
                if newest is not None
                else np.isnan(panel.past["visits.visits"][s, w])
            )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sort", [True, False])
def test_an_as_of_view_is_the_newest_version_of_each_key(seed: int, sort: bool):
    random = np.random.default_rng(seed)
    frame = booked(random, "delivered", often=0.5)
    if seed % 2:  # nothing was corrected
        frame = frame.unique(["week", "store", "product"], maintain_order=True)
    frame = frame.sort("week", "store", "product", "known_at") if sort else frame
    found = as_known_at(DELIVERIES, frame, MOMENT)
    assert found["known_at"].is_sorted()
    rows = {tuple(key): value for *key, value in found.select("week", "store", "product", "delivered").rows()}
    assert rows == latest(frame, "delivered", MOMENT)
    assert len(rows) == found.height
