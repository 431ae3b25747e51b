"""A fleet of any size as it stands after its week: written into the stores as runs leave it, and never trained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleetcast import workspace
from fleetcast.domain.models import Dumped
from fleetcast.domain.tables import (
    COMPLETENESS,
    DEMAND,
    EVENTS,
    FORECASTS,
    MEMBERSHIP,
    ORDERS,
    PRODUCTS,
    SCORES,
    STORES,
    WEATHER,
    Table,
)
from fleetcast.domain.versions import canonical
from fleetcast.domain.week import WEEK, label
from fleetcast.gate import percent
from fleetcast.monitoring.scores import averages, between, score
from fleetcast.registry.manifest import Manifest, Member, Reference, Release
from fleetcast.registry.models import Challenger, ModelVersion
from fleetcast.registry.packs import pack
from fleetcast.registry.publications import Publication
from fleetcast.workspace import Workspace

CUTOFF = date(2026, 11, 9)
SCORED = datetime(2026, 11, 18, 9, tzinfo=UTC)
KEYS = ("region", "store_format", "mover", "cluster")
HORIZONS = (1, 2)
NOW = timedelta(0)
CYCLES = 6  # of which forecasts are kept
STALE, OLD = 66, 50  # days since training, of models that are stale and that will be soon
LEVELS = {"q0.025": 0.5, "q0.1": 0.7, "q0.5": 1.0, "q0.9": 1.4, "q0.975": 1.8}  # of the median

CURVES = [[1.5, 0.9, 0.75, 0.7], [1.6, 1.0, 0.8, 0.72]]  # of the networks of a model

SETTINGS = """schema = 1

[workspace]
name = "served"
package = "served"

[segments]
keys = ["region", "store_format", "mover", "cluster"]
baseline_keys = ["region"]
partition = "region"

[training]
horizons = [1, 2]
"""


@dataclass(frozen=True)
class Size:
    """Regions, clusters in each of their four segments, and series in each of these; weeks of history.

    `published` weeks, the newest last, each with a release of its own.
    """

    regions: int = 3
    clusters: int = 1
    series: int = 2
    weeks: int = 60
    published: int = 1

    def segments(self) -> Iterator[tuple[str, str, str, str]]:
        regions = [f"region-{number:02d}" for number in range(1, self.regions + 1)]
        clusters = [f"c{number:02d}" for number in range(1, self.clusters + 1)]
        return product(regions, ("large", "small"), ("fast", "slow"), clusters)


def served(folder: Path, size: Size | None = None, *, seed: int = 7) -> Workspace:
    """A workspace whose fleet is live and has scored; one model in ten is over its gate, one in twenty is stale."""
    size = size or Size()
    (folder / "src" / "served").mkdir(parents=True)
    (folder / workspace.SETTINGS_FILE).write_text(SETTINGS, "utf-8")
    random = np.random.default_rng(seed)
    ages = range(size.published - 1, -1, -1)
    releases = {age: _release(opened(folder, ago=age * WEEK), size, random) for age in ages}
    _tables(opened(folder), size, releases, random)
    for age in ages:
        _cycle(opened(folder, ago=age * WEEK), releases[age])
    return opened(folder)


def opened(folder: Path, environment: str = "dev", *, ago: timedelta = NOW) -> Workspace:
    """The workspace at the moment it was scored, or some time before."""
    return workspace.open(folder, environment=environment, clock=lambda: SCORED - ago)


def _release(w: Workspace, size: Size, random: np.random.Generator) -> Release:
    """Of the newest week that is known by the workspace's clock."""
    cutoff = CUTOFF - (SCORED - w.clock())
    segments = ["/".join(parts) for parts in size.segments()]
    regions = sorted({segment.split("/")[0] for segment in segments})
    verdicts = {segment: _verdict(place, random) for place, segment in enumerate(segments)}
    versions = _models(w, segments, verdicts, "ensemble", cutoff)
    baselines = _models(w, regions, {}, "baseline", cutoff)
    manifest = Manifest(
        kind="full",
        parent=None,
        members={one.segment: _member(one, verdicts[one.segment]) for one in versions},
        baselines={one.segment: Reference.to(one) for one in baselines},
        code="code",
        lock="lock",
        snapshot="snapshot",
        feature_spec="features",
        settings="settings",
        cutoff=cutoff,
        verdicts=verdicts,
    )
    cut = w.registry.releases.cut(manifest, actor="test", segments=segments)
    live = w.ledger.pointer()
    return w.registry.releases.promote(cut.id, actor="test", reason="made for a test", expected=live)


def _verdict(place: int, random: np.random.Generator) -> dict[str, Any]:
    """As a gate leaves it: a healthy MAPE, but for one model in ten."""
    over = place % 10 == 1
    mape = round(float(random.uniform(0.452, 0.7) if over else random.uniform(0.12, 0.4)), 4)
    text = f"MAPE {percent(mape, beside=0.45)} > 45 %"
    return {
        "passed": not over,
        "reasons": [text] if over else [],
        "checks": [{"name": "mape", "passed": not over, "value": mape, "limit": 0.45, "text": text}],
        "metrics": {"mape": mape, "rmse0": 0.4, "rmse_all": 3.2, "bias": 0.02, "skill": 0.2},
        "improvements": [{"baseline": "historical mean", "mape": mape + 0.1, "value": 0.2}],
    }


def _models(
    w: Workspace, segments: list[str], verdicts: dict[str, dict[str, Any]], kind: Any, cutoff: date
) -> list[ModelVersion]:
    artefact = w.bank.put(pack({segment: Dumped("lasso", {"w": np.array([1.0])}) for segment in segments}))
    ages = {1: STALE, 2: OLD}
    challengers = [
        Challenger(
            segment=segment,
            kind=kind,
            artefact=artefact,
            key=segment,
            lineage={"recipe": "weekly-1", "code": "code", "snapshot": "snapshot", "curves": CURVES},
            verdict=verdicts.get(segment, {}),
            trained_at=w.clock() - timedelta(days=ages.get((place - 4) % 20, 3)),
            updated_at=w.clock() - timedelta(days=3),
        )
        for place, segment in enumerate(segments)
    ]
    return w.registry.models.register(challengers, cutoff=cutoff, actor="test")


def _member(version: ModelVersion, verdict: dict[str, Any]) -> Member:
    return Member.of(version, passed=verdict["passed"], reason="; ".join(verdict["reasons"]))


def _cycle(w: Workspace, release: Release) -> None:
    """A week's record, with what it read and when it scored."""
    name = label(release.manifest.cutoff)
    w.ledger.cycle_started(name)
    versions = {table: w.lake.version(w.tables[table]) for table in w.tables}
    for step, output in (("derive", w.bank.put(canonical(versions))), ("score", "scored")):
        w.ledger.finish(w.ledger.begin(name, step, "all", "inputs"), output)
    w.ledger.cycle_finished(name, "done", {})
    seq, head = w.ledger.head()
    w.publications.publish(Publication(name, release.id, w.lake.version(FORECASTS), seq, head))


# ------------------------------------------------------------------------------------------------- tables


def _tables(w: Workspace, size: Size, releases: Mapping[int, Release], random: np.random.Generator) -> None:
    """Of each week the forecasts of its release; of weeks before the first one, that one's."""
    series = _series(size)
    demand = _demand(series, size, random)
    forecasts = pl.concat(
        [_forecasts(series, releases[min(age, max(releases))], CUTOFF - age * WEEK) for age in range(CYCLES)]
    )
    newest = forecasts.filter(pl.col("cycle") == CUTOFF)
    known = datetime(2020, 1, 1, tzinfo=UTC)
    first = CUTOFF - size.weeks * WEEK
    membership = series.select(
        "store", "product", "region", "store_format", "cluster", "mover", pl.lit(first).alias("valid_from")
    )
    orders = newest.filter(pl.col("horizon") == 1).select(
        "cycle",
        "week",
        "store",
        "product",
        pl.col("q0.9").round().alias("order"),
        pl.lit(0.9).alias("quantile"),
        pl.lit("ok").alias("reason"),
    )
    published = forecasts.filter(pl.col("cycle") > CUTOFF - len(releases) * WEEK)
    completeness = published.select(
        "cycle",
        "week",
        "store",
        "product",
        "segment",
        pl.col("failover").alias("state"),
        pl.lit("").alias("reason"),
    )
    cycles = forecasts["cycle"].unique().sort()
    derived: dict[Table, pl.DataFrame] = {
        DEMAND: demand,
        FORECASTS: forecasts,
        SCORES: score(forecasts, demand, averages([between(demand, cycles)], cycles)),
        ORDERS: orders,
        COMPLETENESS: completeness,
        MEMBERSHIP: membership,
    }
    regions = dict(series.select("store", "region").iter_rows())
    for table, rows in derived.items():
        place = pl.col("store").replace_strict(regions, return_dtype=pl.String)
        for (region,), part in rows.group_by(place.alias("_"), maintain_order=True):
            w.lake.replace(table, part, partition=str(region))
    masters = _masters(series, first, known)
    for table, rows in masters.items():
        w.lake.replace(table, rows)


def _series(size: Size) -> pl.DataFrame:
    """A store for each segment's two movers, and products for each mover."""
    rows = (
        {
            "segment": f"{region}/{store_format}/{mover}/{cluster}",
            "store": f"S{region[-2:]}-{store_format[0]}{cluster[1:]}",
            "product": f"{mover}-{number:02d}",
            "region": region,
            "store_format": store_format,
            "mover": mover,
            "cluster": cluster,
        }
        for region, store_format, mover, cluster in size.segments()
        for number in range(1, size.series + 1)
    )
    return pl.DataFrame(list(rows))


def _demand(series: pl.DataFrame, size: Size, random: np.random.Generator) -> pl.DataFrame:
    weeks = pl.DataFrame({"week": [CUTOFF - back * WEEK for back in range(size.weeks)]}).sort("week")
    grid = weeks.join(series.select("store", "product"), how="cross")
    units = pl.Series("units", random.poisson(9, grid.height).astype(float))
    return grid.with_columns(units, units.alias("delivered"), censored=units == 17, final=True)


def _forecasts(series: pl.DataFrame, live: Release, cycle: date) -> pl.DataFrame:
    models = {segment: member.model for segment, member in live.manifest.members.items()}
    cycles = pl.DataFrame({"cycle": [cycle]})
    ahead = pl.DataFrame({"horizon": HORIZONS})
    level = 8.0 + pl.col("horizon") * 0.5
    return (
        cycles.join(ahead, how="cross")
        .join(series, how="cross")
        .with_columns(
            (pl.col("cycle") + pl.col("horizon") * timedelta(weeks=1)).alias("week"),
            pl.lit(live.id).alias("release"),
            pl.col("segment").replace_strict(models, return_dtype=pl.String).alias("model"),
            pl.lit("champion").alias("failover"),
            level.alias("median"),
            level.alias("mean"),
            (level * 0.9).alias("mape"),
            *((level * share).alias(name) for name, share in LEVELS.items()),
        )
        .with_columns(pl.col("week").cast(pl.Date))
        .select(FORECASTS.columns)
    )


def _masters(series: pl.DataFrame, first: date, known: datetime) -> dict[Table, pl.DataFrame]:
    stores = series.select("store", "region", "store_format").unique().sort("store")
    goods = series.select("product").unique().sort("product")
    days = pl.DataFrame({"date": [CUTOFF - timedelta(days=n) for n in range(-14, 7 * 60, 7)]})
    dated = {"valid_from": pl.lit(first), "known_at": pl.lit(known)}
    return {
        STORES: stores.with_columns(
            postal_code=pl.lit("76001"), opened=pl.lit(first), closed=pl.lit(None, pl.Date), **dated
        ).select(STORES.columns),
        PRODUCTS: goods.with_columns(
            category=pl.lit("bread"),
            case_pack=pl.lit(1, pl.Int64),
            listed=pl.lit(first),
            delisted=pl.lit(None, pl.Date),
            replaces=pl.lit(None, pl.String),
            **dated,
        ).select(PRODUCTS.columns),
        WEATHER: days.with_columns(
            postal_code=pl.lit("76001"),
            kind=pl.when(pl.col("date") > CUTOFF).then(pl.lit("forecast")).otherwise(pl.lit("observed")),
            issued_at=pl.lit(known),
            temperature=pl.lit(15.0),
            precipitation=pl.lit(1.0),
            known_at=pl.lit(known),
        ).select(WEATHER.columns),
        EVENTS: pl.DataFrame(
            {
                "event": ["fair", "harvest"],
                "first": [CUTOFF - 20 * WEEK, CUTOFF + WEEK],
                "last": [CUTOFF - 20 * WEEK, CUTOFF + WEEK],
                "scope": ["all", "all"],
                "known_at": [known, known],
            },
            schema_overrides={"known_at": pl.Datetime("us", "UTC")},
        ),
    }
