"""What a server answers, as it stands in its JSON: days and moments are ISO texts, rates are fractions."""

from typing import Any, TypedDict

# A row of published forecasts; its keys are columns of the table `forecasts`, some of which are no names in Python.
Forecast = dict[str, Any]


class Me(TypedDict):
    """Who the token stands for; `regions` None: all of them."""

    name: str
    role: str
    regions: list[str] | None
    actions: list[str]


class SeriesForecast(TypedDict):
    """What is forecast of one product in one store, week by week."""

    store: str
    product: str
    region: str
    cycle: str
    release: str
    weeks: list[dict[str, Any]]


class Order(TypedDict):
    """What to bring of one product to one store, in units, and how far that is from what was brought last."""

    region: str
    store: str
    product: str
    week: str
    delivered: float | None
    low: float
    median: float
    high: float
    order: float | None
    change: float | None
    reason: str
    failover: str
    override: float | None
    override_by: str | None
    override_reason: str | None
    bring: float | None


class Model(TypedDict):
    """One model version."""

    name: str
    segment: str
    week: str
    number: int
    kind: str
    state: str


class Run(TypedDict):
    """One cycle, and how it stands."""

    cycle: str
    state: str
    attempt: int
    started: str
    ended: str | None
    seconds: float | None


class TableVersion(TypedDict):
    """One table of the lake."""

    table: str
    version: str
    rows: int
    first: str
    last: str


class Quality(TypedDict):
    """What one source brought: rows = accepted + quarantined + duplicates."""

    source: str
    files: int
    refused: int
    rows: int
    accepted: int
    quarantined: int
    duplicates: int
    until: str | None


class Numbers(TypedDict):
    """A forecast in units, and what to order by it."""

    median: float
    mean: float
    mape: float
    quantiles: dict[str, float]
    order: float | None
    order_reason: str | None


class Scored(TypedDict):
    """One series and week that was asked about: as it is, as it was published, and as it would be."""

    store: str
    product: str
    week: str
    horizon: int
    segment: str
    model: str | None
    state: str
    reason: str
    published: float | None
    forecast: Numbers | None
    what_if: Numbers | None
    moved: float | None


class Answer(TypedDict):
    """What a release says of the series that were asked about."""

    environment: str
    cycle: str
    release: str
    snapshot: str
    supposed: dict[str, float]
    rows: list[Scored]


class SetAside(TypedDict):
    """One row that was not taken."""

    line: int
    reason: str
    detail: str
    text: str


class Taken(TypedDict):
    """What became of a file that was sent."""

    source: str
    file: str
    digest: str
    bytes: int
    new: bool
    rows: int
    quarantined: int
    set_aside: list[SetAside]
    account: dict[str, Any]
    tables: dict[str, str]
