"""The tables of the lake: what one row of each means, and what holds for all rows.

A contract is checked once, at the lake's door. Base tables carry `known_at` (UTC) beside their own week: a
correction is a row with the same key and a later `known_at`. Numbers are units per week unless a column says otherwise.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

if TYPE_CHECKING:
    Utc = datetime  # what one value is; a frame's column has the type below
else:
    Utc = pl.Datetime("us", "UTC")


class Contract(pa.DataFrameModel):
    """Base of all contracts: exactly these columns, in this order, of these types."""

    class Config:
        strict = True
        ordered = True


class Deliveries(Contract):
    """What was brought. One row per week, store and product that had a delivery, and per `known_at`."""

    week: date
    store: str
    product: str
    delivered: float = pa.Field(ge=0)
    known_at: Utc


class Returns(Contract):
    """What came back, booked to the week it was delivered. `allocated`: spread by lag profile, only the pick-up week is known."""

    week: date
    store: str
    product: str
    returned: float = pa.Field(ge=0)
    allocated: bool
    known_at: Utc


class Stores(Contract):
    """Store master data, effective from `valid_from`. `closed` is the first day without deliveries."""

    store: str
    region: str
    store_format: str
    postal_code: str
    opened: date
    closed: date = pa.Field(nullable=True)
    valid_from: date
    known_at: Utc


class Clusters(Contract):
    """Any further grouping of stores that segments may be keyed by: what a store is called from `valid_from` on."""

    store: str
    cluster: str
    valid_from: date
    known_at: Utc


class Products(Contract):
    """Product master data, effective from `valid_from`. Units per case in `case_pack`.

    `replaces` is the product that this one is the successor of; null where it has no predecessor.
    """

    product: str
    category: str
    case_pack: int = pa.Field(ge=1)
    listed: date
    delisted: date = pa.Field(nullable=True)
    replaces: str = pa.Field(nullable=True)
    valid_from: date
    known_at: Utc


class Shelf(Contract):
    """Room on the shelf and the smallest drop worth a stop, in units, effective from `valid_from`."""

    store: str
    product: str
    capacity: float = pa.Field(ge=0)
    minimum_drop: float = pa.Field(ge=0)
    valid_from: date
    known_at: Utc


class Prices(Contract):
    """What a unit earns when sold and costs when it comes back, in money per unit, effective from `valid_from`."""

    product: str
    region: str
    margin: float = pa.Field(ge=0)
    return_cost: float = pa.Field(ge=0)
    valid_from: date
    known_at: Utc


class Weather(Contract):
    """Daily weather. `kind` is observed or forecast; a forecast is known from its `issued_at`. °C and mm."""

    postal_code: str
    date: date
    kind: str = pa.Field(isin=["observed", "forecast"])
    issued_at: Utc
    temperature: float
    precipitation: float = pa.Field(ge=0)
    known_at: Utc


class Events(Contract):
    """Special events, first and last day included. `scope` is a region or "all"."""

    event: str
    first: date
    last: date
    scope: str
    known_at: Utc


class Demand(Contract):
    """Net demand, derived. One row per active week of a series, no week missing where absence means zero.

    `units` = delivered − returned, as far as known; `open_returns` is what is still expected to come back (0 when
    `final`). `censored`: sold out, so demand was at least `units`. `unknown` weeks have null units.
    """

    week: date
    store: str
    product: str
    units: float = pa.Field(nullable=True)
    delivered: float = pa.Field(nullable=True)
    censored: bool
    final: bool


class Membership(Contract):
    """Which segment a series belongs to from `valid_from` (a week) on.

    `region` and `store_format` are "all" where no master data name them, `cluster` is "unclustered" where none has
    begun, and null in rows from before there were clusters.
    """

    store: str
    product: str
    region: str
    store_format: str
    cluster: str = pa.Field(nullable=True)
    mover: str
    valid_from: date


class Rounds(Contract):
    """Rolling-origin forecasts: made with nothing known after `origin` (a week). One row per origin, week, series and `recipe`.

    A recipe that pools forecasts with the pool, and once more `alone`; one that starts from a donor names it (`from`).
    """

    origin: date
    week: date
    horizon: int
    store: str
    product: str
    segment: str
    mape: float
    median: float
    mean: float
    lasso: float = pa.Field(nullable=True)
    net: float = pa.Field(nullable=True)
    baseline_mean: float = pa.Field(nullable=True)
    baseline_median: float = pa.Field(nullable=True)
    recipe: str


class Forecasts(Contract):
    """Published forecasts. One row per cycle (the cutoff week), week, store and product.

    The point functionals, and quantiles q…, in units per week. `model` is the model version that made the row,
    `failover` where it came from.
    """

    cycle: date
    week: date
    store: str
    product: str
    horizon: int
    segment: str
    release: str
    model: str
    failover: str = pa.Field(isin=["champion", "last_known_good", "baseline", "carried_forward"])
    median: float = pa.Field(ge=0)
    mean: float = pa.Field(ge=0)
    mape: float = pa.Field(ge=0)
    q0025: float = pa.Field(ge=0, alias="q0.025")
    q01: float = pa.Field(ge=0, alias="q0.1")
    q05: float = pa.Field(ge=0, alias="q0.5")
    q09: float = pa.Field(ge=0, alias="q0.9")
    q0975: float = pa.Field(ge=0, alias="q0.975")


class Shadows(Forecasts):
    """What a release that was not live would have forecast. One row per release, cycle, week, store and product.

    Rows as those of `forecasts`, and published nowhere; `order` is what would have been ordered, null but for the
    nearest week. Only what the release says itself: `failover` is champion, or baseline where it serves a segment by that.
    """

    order: float = pa.Field(ge=0, nullable=True)


class Orders(Contract):
    """Recommended order quantities. `order` is null where `reason` says why none can be given."""

    cycle: date
    week: date
    store: str
    product: str
    order: float = pa.Field(ge=0, nullable=True)
    quantile: float = pa.Field(nullable=True)
    reason: str


class OrderSheet(Contract):
    """What `fleetcast export orders` writes: each order with what a planner needs beside it. It is not kept in the lake.

    `median` is the middle of the demand that is forecast, `low` and `high` its 80 % interval, in units;
    `failover`, `release` and `model` say where the forecast came from. `order` is null where `reason` says why.
    `override` is what a person decided instead, or the order itself where they accepted it, with who, when and why;
    `bring` is what holds of the two.
    """

    cycle: date
    week: date
    region: str
    segment: str
    store: str
    product: str
    order: float = pa.Field(ge=0, nullable=True)
    quantile: float = pa.Field(nullable=True)
    reason: str
    median: float = pa.Field(ge=0)
    low: float = pa.Field(ge=0)
    high: float = pa.Field(ge=0)
    failover: str = pa.Field(isin=["champion", "last_known_good", "baseline", "carried_forward"])
    release: str
    model: str
    override: float = pa.Field(ge=0, nullable=True)
    override_by: str = pa.Field(nullable=True)
    override_at: Utc = pa.Field(nullable=True)
    override_reason: str = pa.Field(nullable=True)
    bring: float = pa.Field(ge=0, nullable=True)


class Completeness(Contract):
    """The completeness ledger: every active series of a cycle, week by week: where its row came from, or why there is none."""

    cycle: date
    week: date
    store: str
    product: str
    segment: str
    state: str = pa.Field(isin=["champion", "last_known_good", "baseline", "carried_forward", "blocked"])
    reason: str


class Scores(Contract):
    """Published forecasts against what was sold, once it is known. One row per cycle, week and series."""

    cycle: date
    week: date
    store: str
    product: str
    horizon: int
    segment: str
    release: str
    units: float
    mape: float
    median: float
    mean: float
    baseline: float = pa.Field(nullable=True)
    final: bool


class Histograms(Contract):
    """How the values of a column lie in a week: the rows in each bin, all bins of it, also those without any.

    `subject` is a segment, or else the region or "fleet" that the rows are of, `column` a table's (`demand.units`). Bin 0 is
    what is missing; of numbers each has its lower edge in `low` and their `mean`, of texts its `text`.
    """

    week: date
    subject: str
    column: str
    bin: int = pa.Field(ge=0)
    low: float = pa.Field(nullable=True)
    text: str = pa.Field(nullable=True)
    rows: int = pa.Field(ge=0)
    mean: float = pa.Field(nullable=True)


class Quarantine(Contract):
    """Rows not taken, with where they stood and why. `line` counts from 1; 0 is the whole file."""

    source: str
    file: str
    line: int
    reason: str
    detail: str
    text: str
    received: Utc


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the lake: its contract, its natural key, and the column that dates its leaves (None: one leaf per partition)."""

    name: str
    contract: type[Contract]
    key: tuple[str, ...]
    dated: str | None

    @property
    def bitemporal(self) -> bool:
        return "known_at" in self.columns

    @property
    def columns(self) -> list[str]:
        return list(self.contract.to_schema().columns)

    @property
    def types(self) -> dict[str, pl.DataType]:
        """The polars type of each column, in order."""
        return {name: column.dtype.type for name, column in self.contract.to_schema().columns.items()}

    @property
    def nullable(self) -> set[str]:
        """The columns that may be null."""
        return {name for name, column in self.contract.to_schema().columns.items() if column.nullable}


DELIVERIES = Table("deliveries", Deliveries, ("week", "store", "product"), "week")
RETURNS = Table("returns", Returns, ("week", "store", "product"), "week")
STORES = Table("stores", Stores, ("store", "valid_from"), None)
CLUSTERS = Table("clusters", Clusters, ("store", "valid_from"), None)
PRODUCTS = Table("products", Products, ("product", "valid_from"), None)
SHELF = Table("shelf", Shelf, ("store", "product", "valid_from"), None)
PRICES = Table("prices", Prices, ("product", "region", "valid_from"), None)
WEATHER = Table("weather", Weather, ("postal_code", "date", "kind", "issued_at"), "date")
EVENTS = Table("events", Events, ("event", "first", "scope"), None)
DEMAND = Table("demand", Demand, ("week", "store", "product"), "week")
MEMBERSHIP = Table("segments", Membership, ("store", "product", "valid_from"), None)
ROUNDS = Table("rounds", Rounds, ("origin", "week", "store", "product", "recipe"), "origin")
FORECASTS = Table("forecasts", Forecasts, ("cycle", "week", "store", "product"), "cycle")
SHADOWS = Table("shadows", Shadows, ("release", "cycle", "week", "store", "product"), "cycle")
ORDERS = Table("orders", Orders, ("cycle", "week", "store", "product"), "cycle")
ORDER_SHEET = Table("order_sheet", OrderSheet, ("cycle", "week", "store", "product"), "cycle")
COMPLETENESS = Table("completeness", Completeness, ("cycle", "week", "store", "product"), "cycle")
SCORES = Table("scores", Scores, ("cycle", "week", "store", "product"), "cycle")
HISTOGRAMS = Table("histograms", Histograms, ("week", "subject", "column", "bin"), "week")
QUARANTINE = Table("quarantine", Quarantine, ("file", "line", "reason", "detail"), None)

BASE = (DELIVERIES, RETURNS, STORES, CLUSTERS, PRODUCTS, SHELF, PRICES, WEATHER, EVENTS)


def covariates(
    name: str, keys: tuple[str, ...], values: tuple[str, ...], texts: tuple[str, ...] = ()
) -> Table:
    """A free covariate table, keyed by some of week, store, region and product; `values` are numbers, `texts` categories."""
    types: dict[str, object] = {key: date if key == "week" else str for key in keys}
    types |= dict.fromkeys(values, float) | dict.fromkeys(texts, str) | {"known_at": Utc}
    fields = {value: pa.Field(nullable=True) for value in (*values, *texts)}
    namespace = {
        "__annotations__": types,
        "__module__": __name__,
        "__doc__": f"Covariates of {', '.join(keys)}.",
    }
    contract = type(f"Covariates_{name}", (Contract,), namespace | fields)
    return Table(name, contract, keys, "week" if "week" in keys else None)


def whole(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with null in every column that was left out and may be null.

    >>> whole(STORES, pl.DataFrame({"store": ["S1"]})).columns
    ['store', 'closed']
    """
    types = {name: kind for name, kind in table.types.items() if name in table.nullable}
    return frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in types.items() if name not in frame.columns
    )


def as_known_at(table: Table, frame: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """The rows of a bitemporal table as they stood at a moment: of each key, the last one known by then."""
    known = frame.filter(pl.col("known_at") <= moment)
    ordered = known.sort("known_at", maintain_order=True)
    if known.select(_rises(table.key).all()).item():  # as the lake sorts them: each key has one version
        return ordered
    return ordered.unique(subset=list(table.key), keep="last", maintain_order=True)


def _rises(key: tuple[str, ...]) -> pl.Expr:
    """Which rows stand after the one before them by this key, and do not share it."""
    greater = pl.lit(value=False)
    for name in reversed(key):
        value, before = pl.col(name), pl.col(name).shift(1)
        greater = (value > before) | ((value == before) & greater)
    return greater.fill_null(value=True)
