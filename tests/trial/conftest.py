"""A made-up chain of stores, as store-weeks: sizes of all kinds, a season, towns that have good and bad weeks."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import WEEK
from fleetcast.trial.design import Origin
from fleetcast.trial.outcomes import SUMS

LAST = date(2026, 9, 7)  # the last week before the trial


@dataclass(frozen=True)
class Chain:
    """Store-weeks and master data of 52 weeks up to LAST, and more."""

    weeks: pl.DataFrame
    stores: pl.DataFrame

    @property
    def before(self) -> pl.DataFrame:
        return self.weeks.filter(pl.col("week") <= LAST)

    def with_fewer_returns(self, pilots: list[str], by: float) -> "Chain":
        """The same chain, where less comes back from these stores after LAST, and all of that is sold."""
        pilot = pl.col("store").is_in(pilots) & (pl.col("week") > LAST)
        kept = pl.when(pilot).then(1 - by).otherwise(1.0)
        saved = pl.col("returned") * (1 - kept)
        return replace(
            self,
            weeks=self.weeks.with_columns(
                (pl.col("returned") - saved).alias("returned"), (pl.col("sold") + saved).alias("sold")
            ),
        )


def make_chain(*, stores: int = 24, ahead: int = 8, seed: int = 5, noise: float = 0.05) -> Chain:
    """Stores S000 …, of two regions and two formats in turn; `ahead` weeks after LAST."""
    random = np.random.default_rng(seed)
    calendar = [LAST + n * WEEK for n in range(-51, ahead + 1)]
    names = [f"S{n:03d}" for n in range(stores)]
    size = np.exp(random.normal(5, 0.8, stores))[:, None]
    season = 1 + 0.2 * np.sin(2 * np.pi * np.arange(len(calendar)) / 52)
    town = np.exp(random.normal(0, 0.05, (2, len(calendar))))[np.arange(stores) % 2]
    own = np.exp(np.cumsum(random.normal(0, noise / 3, (stores, len(calendar))), axis=1))
    delivered = size * season * town * own * np.exp(random.normal(0, noise, own.shape))
    share = np.clip(
        random.normal(0.2, 0.05, (stores, 1)) * np.exp(random.normal(0, noise, own.shape)), 0.02, 0.6
    )
    returned = delivered * share
    frame = pl.DataFrame(
        {
            "week": calendar * stores,
            "store": np.repeat(names, len(calendar)),
            "weeks": 1.0,
            "delivered": delivered.ravel(),
            "returned": returned.ravel(),
            "sold": (delivered - returned).ravel(),
            "offered": 10.0,
            "sold_out": random.binomial(10, 0.1, own.size).astype(float),
            "money": (delivered - 1.5 * returned).ravel(),
            "unpriced": 0.0,
        }
    )
    masters = pl.DataFrame(
        {
            "store": names,
            "region": ["east", "west"] * (stores // 2),
            "store_format": ["large", "large", "small", "small"] * (stores // 4),
            "postal_code": [f"{n // 3:05d}" for n in range(stores)],
            "opened": [date(2020, 1, 6)] * stores,
            "closed": pl.Series([None] * stores, dtype=pl.Date),
        }
    )
    return Chain(frame.select("week", "store", *SUMS).sort("week", "store"), masters)


@pytest.fixture
def chain() -> Chain:
    return make_chain()


@pytest.fixture
def origin() -> Origin:
    return Origin("dev", "ann", datetime(2026, 9, 9, 8, tzinfo=UTC), {"demand": "ab" * 32})
