"""The retailer's master data: regions, stores, shoppers, products and what a unit earns."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.sources.sample.climate import Climate

OPENED = date(
    2019, 3, 4
)  # the chain's own first day: master data are effective from here unless they say otherwise


@dataclass(frozen=True, slots=True)
class Region:
    """A sales region: its name, the prefix of its store ids and postal codes, its climate."""

    name: str
    code: str
    climate: Climate


REGIONS = (
    Region("north-texas", "NTX", Climate(19.0, 10.5, 0.22)),
    Region("south-texas", "STX", Climate(22.0, 8.0, 0.22)),
    Region("oklahoma", "OKL", Climate(16.0, 11.5, 0.25)),
    Region("arkansas", "ARK", Climate(16.5, 10.5)),
    Region("louisiana", "LOU", Climate(20.0, 8.5, 0.32)),
    Region("tennessee", "TEN", Climate(15.0, 11.0, 0.33)),
    Region("alabama", "ALA", Climate(18.0, 9.5, 0.32)),
    Region("georgia", "GEO", Climate(17.5, 9.5, 0.31)),
    Region("north-florida", "NFL", Climate(20.5, 7.5, 0.33)),
    Region("south-florida", "SFL", Climate(25.0, 4.5, 0.36)),
    Region("carolinas", "CAR", Climate(16.0, 10.0)),
    Region("virginia", "VIR", Climate(14.0, 11.0)),
    Region("ohio-valley", "OHV", Climate(12.0, 12.5, 0.35)),
    Region("great-lakes", "GRL", Climate(9.5, 13.5, 0.35)),
)

OUTLETS = {"large": ("supermarket", "big box"), "small": ("pharmacy", "convenience")}
TOWNS = ("Café Rivière", "Main Street", "Peña Blanca", "Oak Hill", "Lakeside", "Old Mill", "Airport", "Union")
CATEGORIES = ("chips", "drinks", "cookies", "bread", "salsa")
STORES_PER_POSTAL_CODE = 4


def regions(count: int) -> list[Region]:
    """The first `count` regions; beyond the named ones they are numbered.

    >>> [region.name for region in regions(15)][-2:]
    ['great-lakes', 'region-15']
    """
    more = [
        Region(f"region-{n}", f"R{n:02d}", REGIONS[n % len(REGIONS)].climate) for n in range(15, count + 1)
    ]
    return [*REGIONS, *more][:count]


def stores(region: Region, index: int, count: int, last: date, rng: np.random.Generator) -> pl.DataFrame:
    """The stores of one region, half of them large; some open or close within the history.

    Columns store, region, store_format, outlet, name, postal_code, opened, closed, and the `pull` of its place: how
    much more it sells than a usual store (1.0).
    """
    number = np.arange(count)
    formats = ["large" if n % 2 == 0 else "small" for n in number]
    opened: list[date] = [OPENED + int(weeks) * WEEK for weeks in rng.integers(0, 150, count)]
    closed: list[date | None] = [None] * count
    if count >= 4 and index % 3 == 0:
        opened[-2] = last - (75, 20, 45)[index // 3 % 3] * WEEK
    if count >= 4 and index == 1:
        closed[-1] = last - 30 * WEEK
    return pl.DataFrame(
        {
            "store": [f"{region.code}-{n + 1:02d}" for n in number],
            "region": [region.name] * count,
            "store_format": formats,
            "outlet": [OUTLETS[formats[n]][n // 2 % 2] for n in number],
            "name": [f"{TOWNS[n % len(TOWNS)]} {n + 1}" for n in number],
            "postal_code": [f"{index + 1:02d}{n // STORES_PER_POSTAL_CODE:03d}" for n in number],
            "opened": opened,
            "closed": pl.Series(closed, dtype=pl.Date),
            "pull": np.exp(np.clip(rng.normal(0, 0.18, count), -0.35, 0.35)),
        }
    )


def shoppers(places: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Who shops where: income (thousands a year), age60 and urban (shares), household (people)."""
    count = places.height
    return pl.DataFrame(
        {
            "store": places["store"],
            "income": np.round(58 * places["pull"].to_numpy() ** 0.8 * np.exp(rng.normal(0, 0.08, count)), 1),
            "age60": np.round(np.clip(rng.normal(0.19, 0.05, count), 0.05, 0.4), 3),
            "household": np.round(np.clip(rng.normal(2.5, 0.25, count), 1.6, 3.6), 2),
            "urban": np.round(rng.beta(2.5, 1.5, count), 3),
        }
    )


def products(count: int, last: date, rng: np.random.Generator) -> pl.DataFrame:
    """The assortment, fast and slow sellers in turn; one product is new, one was given up.

    Columns product, name, category, case_pack, mover, listed, delisted, `level` (units per week in a usual large
    store), price (money per unit at first), elasticity.
    """
    number = np.arange(count)
    fast = number % 2 == 0
    category = [CATEGORIES[n // 2 % len(CATEGORIES)] for n in number]
    case = np.where(fast, np.array([4, 6])[number // 2 % 2], np.array([1, 2])[number // 2 % 2])
    listed = [OPENED] * count
    delisted: list[date | None] = [None] * count
    if count >= 6:
        listed[-1] = last - 70 * WEEK
        delisted[-2] = last - 30 * WEEK
    level = np.where(fast, np.exp(rng.uniform(np.log(45), np.log(95), count)), rng.uniform(10, 17, count))
    return pl.DataFrame(
        {
            "product": [f"{42 + 37 * n:05d}" for n in number],  # article numbers keep their leading zeros
            "name": [f"{category[n].title()} No. {n + 1}" for n in number],
            "category": category,
            "case_pack": case,
            "mover": np.where(fast, "fast", "slow").tolist(),
            "listed": listed,
            "delisted": pl.Series(delisted, dtype=pl.Date),
            "level": level,
            "price": np.round(np.exp(rng.uniform(np.log(1.5), np.log(6.0), count)), 2),
            "elasticity": np.round(rng.normal(-2.0, 0.2, count), 2),
        }
    )


def prices(assortment: pl.DataFrame, places: list[Region], first: date, last: date) -> pl.DataFrame:
    """What a unit earns and what it costs to take back, in money per unit, from each January on."""
    years = pl.DataFrame({"year": range(first.year, last.year + 1)}).with_columns(
        valid_from=pl.when(pl.col("year") == first.year)
        .then(pl.lit(OPENED))
        .otherwise(pl.date(pl.col("year"), 1, 1)),
        inflation=1.03 ** (pl.col("year") - first.year),
    )
    everywhere = pl.DataFrame({"region": [place.name for place in places]}).with_row_index("n")
    unit = pl.col("price") * pl.col("inflation") * (1 + 0.01 * (pl.col("n") % 5))
    return (
        assortment.join(everywhere, how="cross")
        .join(years, how="cross")
        .select(
            "product",
            "region",
            margin=(unit * 0.38).round(2),
            return_cost=(unit * 0.17).round(2),
            valid_from="valid_from",
        )
    )


def instant(column: str, *, hour: int, days: int = 0) -> pl.Expr:
    """The moment (UTC) that many days after a date, at that hour."""
    moment = pl.col(column).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return moment + pl.duration(days=days, hours=hour)
