"""A chain of kiosks: a workspace fed by standard CSV files, drawn in a moment and easy to change line by line."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from fleetcast import workspace
from fleetcast.domain.tables import DELIVERIES, PRODUCTS, STORES, Table
from fleetcast.domain.week import WEEK
from fleetcast.fleet.progress import Progress, Silent
from fleetcast.fleet.report import CycleReport
from fleetcast.fleet.run import run_cycle
from fleetcast.lake.export import MOMENT
from fleetcast.workspace import Workspace

LAST = date(2026, 11, 9)  # the newest week
WEDNESDAY = datetime(2026, 11, 18, 9, tzinfo=UTC)  # when it is run

SETTINGS = """schema = 1

[workspace]
name = "kiosks"
package = "kiosks"

[demand]
returns_weeks = 0

[training]
horizons = [1, 2]
rounds = 4
net_members = 0

[training.features]
lags = [0, 1]
windows = [4, 13]
seasonal_lags = []
harmonics = 1

[execution]
engine = "serial"
"""

CONDITIONER = '''"""Rows of the table {name}, standard already."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    return Conditioned({{"{name}": rows}})
'''

_TYPES = {
    pl.String: "text",
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "datetime",
}
_TABLES = {table.name: table for table in (DELIVERIES, STORES, PRODUCTS)}


def kiosks(
    *, regions: tuple[str, ...] = ("east", "west"), stores: int = 2, products: int = 4, weeks: int = 60
) -> dict[str, pl.DataFrame]:
    """The chain's tables by name: stores east-1 …, products 00001 …, of which the higher numbers sell more; all sells
    more from week to week, so that a model beats the average."""
    names = [f"{region}-{number + 1}" for region in regions for number in range(stores)]
    goods = [f"{number + 1:05d}" for number in range(products)]
    first = LAST - (weeks - 1) * WEEK
    grid = pl.DataFrame({"week": [first + n * WEEK for n in range(weeks)]}).join(
        pl.DataFrame({"store": names}).join(pl.DataFrame({"product": goods}), how="cross"), how="cross"
    )
    noise = np.random.default_rng(7).normal(0, 0.1, grid.height)
    growth = ((pl.col("week") - first).dt.total_days() / 7 * 0.02).exp()
    rate = 6.0 * (pl.col("product").cast(pl.Int64) + 1) * growth
    opened = first - 10 * WEEK
    return {
        "deliveries": grid.with_columns(
            (rate * pl.Series(noise).exp()).round().cast(pl.Float64).alias("delivered")
        ),
        "stores": pl.DataFrame({"store": names}).select(
            "store",
            pl.col("store").str.head(4).alias("region"),
            pl.lit("large").alias("store_format"),
            pl.lit("01000").alias("postal_code"),
            pl.lit(opened).alias("opened"),
            pl.lit(None, pl.Date).alias("closed"),
            pl.lit(opened).alias("valid_from"),
        ),
        "products": pl.DataFrame({"product": goods}).select(
            "product",
            pl.lit("news").alias("category"),
            pl.lit(1, pl.Int64).alias("case_pack"),
            pl.lit(opened).alias("listed"),
            pl.lit(None, pl.Date).alias("delisted"),
            pl.lit(opened).alias("valid_from"),
        ),
    }


def renumbered(
    frames: Mapping[str, pl.DataFrame], old: str, new: str, *, week: date, told: bool = True
) -> dict[str, pl.DataFrame]:
    """The chain in which a product goes by a new number from a week on; `told`: the master data say what it replaces."""
    now = (pl.col("product") == old) & (pl.col("week") >= week)
    goods = frames["products"].with_columns(replaces=pl.lit(None, pl.String))
    mine = pl.col("product") == old
    successor = goods.filter(mine).with_columns(
        product=pl.lit(new),
        listed=pl.lit(week),
        replaces=pl.lit(old if told else None, pl.String),
        valid_from=pl.lit(week),
    )
    ended = goods.with_columns(delisted=pl.when(mine).then(pl.lit(week)).otherwise("delisted"))
    return {
        **frames,
        "deliveries": frames["deliveries"].with_columns(
            product=pl.when(now).then(pl.lit(new)).otherwise("product")
        ),
        "products": pl.concat([ended, successor]),
    }


def write_workspace(
    folder: Path,
    frames: Mapping[str, pl.DataFrame],
    *,
    settings: str = SETTINGS,
    tables: Mapping[str, Table] = _TABLES,
) -> Path:
    """A workspace whose sources are standard CSV files, one per table; a frame with `known_at` says it itself."""
    for name, frame in frames.items():
        write_file(folder, name, frame)
    return write_standard_sources(folder, {name: tables[name] for name in frames}, settings=settings)


def write_standard_sources(folder: Path, tables: Mapping[str, Table], *, settings: str) -> Path:
    """The settings and conditioners of a workspace whose `data/<table>/*.csv` are as `export tables` writes them."""
    package = tomllib.loads(settings)["workspace"]["package"]
    conditioners = folder / "src" / package / "conditioners"
    conditioners.mkdir(parents=True)
    blocks = [settings]
    for name, table in tables.items():
        (conditioners / f"{name}.py").write_text(CONDITIONER.format(name=name), "utf-8")
        first = min((folder / "data" / name).glob("*.csv"))
        blocks.append(_source(table, first.read_text("utf-8").split("\n", 1)[0].split(",")))
    (folder / workspace.SETTINGS_FILE).write_text("\n".join(blocks), "utf-8")
    return folder


def write_file(folder: Path, table: str, frame: pl.DataFrame, name: str = "first") -> Path:
    """One file of a source."""
    path = folder / "data" / table / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, datetime_format=MOMENT)
    return path


def opened(folder: Path, at: datetime = WEDNESDAY, environment: str = "dev") -> Workspace:
    """The workspace as it is opened at a moment."""
    return workspace.open(folder, environment=environment, clock=lambda: at)


def run_week(
    folder: Path, at: datetime = WEDNESDAY, *, week: date | None = None, progress: Progress | None = None
) -> CycleReport:
    """Run a week at a moment."""
    return run_cycle(opened(folder, at), week=week, progress=progress or Silent(), actor="test")


def damage(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def damage_artefact(w: Workspace, digest: str) -> None:
    """Flip one bit of what the bank holds under a digest."""
    damage(w.state / "bank" / digest[:2] / digest)


def _source(table: Table, header: list[str]) -> str:
    known = "known_at" in header
    columns = {name: table.types.get(name, pl.String()) for name in header}
    lines = [f"[sources.{table.name}]", f'path = "data/{table.name}/*.csv"', 'format = "csv"']
    lines += [f'conditioner = "{table.name}"', 'true = "true"', 'false = "false"']
    lines += ['known_at = "column"', 'known_at_column = "known_at"'] if known else []
    lines.append(f"[sources.{table.name}.columns]")
    for name, kind in columns.items():
        optional = ", optional = true" if name in table.nullable else ""
        lines.append(f'{name} = {{ type = "{_TYPES[kind.base_type()]}"{optional} }}')
    return "\n".join([*lines, ""])
