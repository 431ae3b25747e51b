"""A made fleet of any size, drawn region by region: what is sold, what was planned, and the weeks held back to judge by.

Demand follows level, yearly season, price, promotion, a shock of each product and week, and a shock of each store and week,
with Poisson noise. Series begin at different weeks. A region depends on the seed and its own number alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast import workspace
from fleetcast.domain.tables import DELIVERIES, PRODUCTS, STORES
from fleetcast.domain.week import WEEK, known_by
from fleetcast.workspace import Workspace

LAST = date(2026, 11, 9)  # the cutoff
NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
AHEAD = 4  # weeks held back
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
BATCH = "made"

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Size:
    """How large a fleet is: stores are counted per region."""

    regions: int
    stores: int
    products: int
    weeks: int

    @property
    def rows(self) -> int:
        """Weeks of series up to the cutoff, had all begun in the first."""
        return self.regions * self.stores * self.products * self.weeks


SIZES = {
    "xs": Size(2, 4, 10, 160),
    "s": Size(14, 12, 40, 400),
    "full": Size(14, 120, 40, 400),
}

SETTINGS = """schema = 1

[workspace]
name = "made"
package = "made"

[demand]
returns_weeks = 0

[orders]
enabled = false

[covariates.promotions]
keys = ["week", "region", "product"]
columns = { price = "known_future", deal = "known_future" }
log = ["price"]

[execution]
engine = "serial"
"""


@dataclass(frozen=True)
class Region:
    """One region: its stores, what they sold (`week, store, product, units`, held-back weeks included), and its plans."""

    name: str
    stores: pl.DataFrame
    sold: pl.DataFrame
    promotions: pl.DataFrame


def drawn(size: Size, seed: int) -> Iterator[Region]:
    """The regions, one after the other; only one is in memory."""
    for number in range(size.regions):
        yield _region(f"region-{number + 1:02d}", size, np.random.default_rng([seed, number]))


def products(size: Size) -> list[str]:
    """Names of the products."""
    return [f"{number + 1:05d}" for number in range(size.products)]


def fill(folder: Path, size: Size, seed: int, *, settings: str = SETTINGS) -> tuple[Workspace, pl.DataFrame]:
    """A workspace whose lake holds the fleet up to the cutoff, and what was sold in the weeks held back."""
    (folder / "src" / "made" / "conditioners").mkdir(parents=True)
    (folder / workspace.SETTINGS_FILE).write_text(settings, "utf-8")
    w = workspace.open(folder, clock=lambda: NOW)
    held_back = []
    batch = pl.lit(BATCH).alias("batch")
    for region in drawn(size, seed):
        known = region.sold.filter(pl.col("week") <= LAST)
        w.lake.write(DELIVERIES, _delivered(known).with_columns(batch), partition=region.name)
        w.lake.write(STORES, region.stores.with_columns(batch), partition=region.name)
        w.lake.write(w.tables["promotions"], region.promotions.with_columns(batch), partition=region.name)
        held_back.append(region.sold.filter(pl.col("week") > LAST))
    goods = pl.DataFrame({"product": products(size)}).select(
        "product",
        category=pl.lit("goods"),
        case_pack=pl.lit(1, pl.Int64),
        listed=pl.lit(date(2017, 1, 2)),
        delisted=pl.lit(None, pl.Date),
        replaces=pl.lit(None, pl.String),
        valid_from=pl.lit(date(2017, 1, 2)),
        known_at=pl.lit(LONG_AGO).cast(pl.Datetime("us", "UTC")),
    )
    w.lake.write(PRODUCTS, goods.with_columns(batch))
    return w, pl.concat(held_back)


def export(size: Size, seed: int, folder: Path) -> Path:
    """The same fleet as one Parquet file per region, as a peer reads it: sales with the price and deal of the week."""
    folder.mkdir(parents=True, exist_ok=True)
    for region in drawn(size, seed):
        plans = region.promotions.select("week", "product", "price", "deal")
        wide = region.sold.join(plans, on=["week", "product"]).join(
            region.stores.select("store", "store_format"), on="store"
        )
        wide.with_columns(region=pl.lit(region.name)).write_parquet(folder / f"{region.name}.parquet")
    return folder


def _delivered(sold: pl.DataFrame) -> pl.DataFrame:
    """DELIVERIES of what was sold: nothing comes back, and a week is known when it is over."""
    known = pl.col("week").dt.offset_by("8d").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return sold.select(
        "week", "store", "product", pl.col("units").alias("delivered"), known.alias("known_at")
    )


def _region(name: str, size: Size, random: np.random.Generator) -> Region:
    weeks = [LAST + (number - size.weeks + 1) * WEEK for number in range(size.weeks + AHEAD)]
    S, P, W = size.stores, size.products, len(weeks)
    large = np.arange(S) % 2 == 0
    level = (
        1.6
        + 0.5 * np.where(large, 1.0, -1.0)[:, None]
        + np.linspace(-0.9, 0.9, P)[None, :]
        + random.normal(0, 0.25, (S, P))
    )
    year = 2 * np.pi * np.arange(W) / 52.18
    phase, swing = random.uniform(0, 2 * np.pi, P), random.uniform(0.05, 0.3, P)
    season = swing[:, None] * np.sin(year[None, :] + phase[:, None])
    price, deal = _plans(P, W, random)
    elasticity = random.uniform(-2.5, -1.0, P)
    planned = elasticity[:, None] * price + random.uniform(0.1, 0.5, P)[:, None] * deal
    shared = season + planned + random.normal(0, 0.12, (P, W))
    local = random.normal(0, 0.08, (S, 1, W))
    units = random.poisson(np.exp(level[:, :, None] + shared[None] + local)).astype(np.float64)
    begins = np.where(random.random((S, P)) < 0.2, random.integers(0, W // 2, (S, P)), 0)
    stores = [f"{name}-{number + 1:03d}" for number in range(S)]
    there = np.arange(W)[None, None, :] >= begins[:, :, None]
    s, p, w = np.nonzero(there)
    sold = pl.DataFrame(
        {
            "week": pl.Series(weeks, dtype=pl.Date).gather(w),
            "store": pl.Series(stores).gather(s),
            "product": pl.Series(products(size)).gather(p),
            "units": units[s, p, w],
        }
    )
    return Region(name, _stores(name, stores, large), sold, _promotions(name, weeks, size, price, deal))


def _plans(products: int, weeks: int, random: np.random.Generator) -> tuple[F64, F64]:
    """Log price against the list price, and whether there is a deal: [products, weeks] each; a deal in one week of eight."""
    deal = (random.random((products, weeks)) < 0.125).astype(np.float64)
    drift = np.cumsum(random.normal(0, 0.004, (products, weeks)), axis=1)
    return drift - 0.22 * deal, deal


def _stores(region: str, names: list[str], large: npt.NDArray[np.bool_]) -> pl.DataFrame:
    return pl.DataFrame({"store": names}).select(
        "store",
        region=pl.lit(region),
        store_format=pl.Series(np.where(large, "large", "small").tolist()),
        postal_code=pl.lit("01000"),
        opened=pl.lit(date(2017, 1, 2)),
        closed=pl.lit(None, pl.Date),
        valid_from=pl.lit(date(2017, 1, 2)),
        known_at=pl.lit(LONG_AGO).cast(pl.Datetime("us", "UTC")),
    )


def _promotions(region: str, weeks: list[date], size: Size, price: F64, deal: F64) -> pl.DataFrame:
    """Announced ten weeks before their week."""
    grid = pl.DataFrame({"product": products(size)}).join(pl.DataFrame({"week": weeks}), how="cross")
    known = pl.lit(known_by(weeks[0], 0)) + (pl.col("week") - weeks[0]) - pl.duration(weeks=11)
    return grid.select(
        "week",
        pl.lit(region).alias("region"),
        "product",
        price=pl.Series(10 * np.exp(price).reshape(-1)),
        deal=pl.Series(deal.reshape(-1)),
        known_at=known.cast(pl.Datetime("us", "UTC")),
    )
