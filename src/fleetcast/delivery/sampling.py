"""A small data set of a workspace's own files, in which nothing is what it was: for a repository, and for trying models."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from fleetcast.conditioning.standard import Conditioner, Context
from fleetcast.delivery.choosing import Choice, Size, choose
from fleetcast.delivery.obscuring import CODE, KINDS, NOBODY, Layout, Obscuring, Tables, layout
from fleetcast.delivery.sample_files import Part, fitting
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import DELIVERIES, PRODUCTS, STORES, Table
from fleetcast.settings import SourceSettings
from fleetcast.sources.discover import find
from fleetcast.sources.pseudonyms import Pseudonyms, Secret
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import read
from fleetcast.workspace import Workspace

KEY = "sampling.key"
MARK = "made by `fleetcast data sample`"
README = f"""# The sample

A few stores and products of this workspace's own files, {MARK}: names are pseudonyms, units and prices
are scaled by hidden factors and jittered, texts are gone, weeks are what they were. It is laid out as the files themselves.
`fleetcast ci model-validation --local` runs on it.
"""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a sample holds; `codes` are columns that stay as they are, `shown` kinds of names that do."""

    folder: Path
    files: int
    bytes: int
    rows: int
    regions: int
    stores: int
    products: int
    first: date
    segments: tuple[str, ...]
    codes: tuple[str, ...]
    shown: tuple[str, ...]


def sample(w: Workspace, out: Path, *, size: Size, seed: int) -> Sampled:
    """Write a sample of the workspace's files into `out`; equal files, sizes, seeds and keys write equal bytes."""
    if out.exists() and any(out.iterdir()) and not _ours(out):
        raise UsageError(
            f"{out} holds something that was not {MARK}; move it away, or name another folder with --out"
        )
    parts = [part for source in w.settings.sources for part in _read(w, source)]
    layouts = _layouts(w, parts)
    stores, products = _all(parts, STORES), _all(parts, PRODUCTS)
    choice = choose(
        _known(_known(_all(parts, DELIVERIES), "store", stores), "product", products),
        stores,
        size,
        needed=[_stores_of(parts, source) for source in w.settings.sources],
    )
    obscuring = _obscuring(w, parts, choice, layouts, seed)
    with tempfile.TemporaryDirectory(prefix="fleetcast-") as work:
        kept = [_kept(part, choice) for part in parts]
        fresh, segments = fitting(w, kept, layouts, obscuring, Path(work))
        files = [path for path in sorted(fresh.rglob("*")) if path.is_file()]
        found = Sampled(
            out,
            len(files),
            sum(path.stat().st_size for path in files),
            sum(part.rows.height for part in kept),
            choice.stores["region"].n_unique(),
            choice.stores.height,
            len(choice.products),
            choice.first,
            segments,
            tuple(
                f"{source}.{column}"
                for source, one in layouts.items()
                for column, meaning in one.meanings.items()
                if meaning == CODE
            ),
            tuple(sorted({*obscuring.shown, "store_format"})),
        )
        (fresh / "README.md").write_text(README, "utf-8")
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(fresh, out)
    return found


def _ours(out: Path) -> bool:
    readme = out / "README.md"
    return readme.is_file() and MARK in readme.read_text("utf-8", errors="replace")


# ---------------------------------------------------------------- what there is


def _read(w: Workspace, source: str) -> list[Part]:
    settings, conditioner = w.settings.sources[source], w.conditioner_of(source)
    parts = []
    for name, path in _files(w, source, settings):
        file = RawFile("", name, w.clock(), initial=True, bytes=0)
        rows = read(file, path, settings, source=source).rows
        context = Context(source, settings, file.received, True, name)
        parts.append(Part(source, name, rows, _conditioned(conditioner, context, rows), context))
    return parts


def _files(w: Workspace, source: str, settings: SourceSettings) -> list[tuple[str, Path]]:
    """The files of a source now; of one that is pulled, all that ever came."""
    if settings.pull is None:
        return find(settings, base=w.home, data=w.address.data)
    return [(file.name, w.raw.path(file)) for file in w.raw.files(source)]


def _all(parts: list[Part], table: Table) -> pl.DataFrame:
    """A table as all files make it, without when its rows were known."""
    frames = [part.tables[table.name] for part in parts if table.name in part.tables]
    bare = [frame.drop("known_at", strict=False) for frame in frames]
    return pl.concat(bare, how="diagonal_relaxed") if bare else pl.DataFrame(schema=table.types)


def _stores_of(parts: list[Part], source: str) -> frozenset[str]:
    frames = [frame for part in parts if part.source == source for frame in part.tables.values()]
    return frozenset(name for frame in frames if "store" in frame for name in frame["store"].drop_nulls())


def _known(rows: pl.DataFrame, column: str, masters: pl.DataFrame) -> pl.DataFrame:
    """The rows of stores or products that master data know, where there are any."""
    return rows.join(masters, on=column, how="semi") if masters.height else rows


def _layouts(w: Workspace, parts: list[Part]) -> dict[str, Layout]:
    """What the columns of each source mean, by the largest of its files."""
    found = {}
    for source in dict.fromkeys(part.source for part in parts):
        largest = max((part for part in parts if part.source == source), key=lambda part: part.rows.height)
        condition = partial(_conditioned, w.conditioner_of(source), largest.context)
        found[source] = layout(largest.rows, condition, largest.context.settings, w.settings.covariates)
        hidden = sorted(found[source].unnamed & {"store", "product"})
        if hidden:
            raise UsageError(
                f"source {source} cannot be sampled: its conditioner makes names of {' and '.join(hidden)} that stand so in"
                " no column, and pseudonyms would not come through; write such names into the file, or make sample/ by hand"
            )
    return found


def _conditioned(conditioner: Conditioner, context: Context, rows: pl.DataFrame) -> Tables:
    return conditioner.condition(rows, context).tables


def _obscuring(
    w: Workspace, parts: list[Part], choice: Choice, layouts: Mapping[str, Layout], seed: int
) -> Obscuring:
    names: dict[str, set[str]] = {}
    for part in parts:
        for frame in part.tables.values():
            for column in (column for column in frame.columns if column in KINDS):
                names.setdefault(KINDS[column], set()).update(frame[column].drop_nulls().to_list())
    names = {kind: found - NOBODY for kind, found in names.items()}
    secret = Secret(_key(w), seed)
    made = Pseudonyms.of(secret, names)
    codes = {code: made.of_kind("postal_code").get(real, real) for code, real in _places(choice).items()}
    kinds = {**made.kinds, "postal_code": {**made.of_kind("postal_code"), **codes}}
    shown = frozenset(kind for one in layouts.values() for kind in one.unnamed)
    return Obscuring(secret, replace(made, kinds=kinds), shown)


def _key(w: Workspace) -> bytes:
    """The key of this workspace, made once, read by nobody else, and beside its state: never in Git."""
    path = w.state.parent / KEY
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return bytes.fromhex(path.read_text("ascii").strip())


# ---------------------------------------------------------------- what is taken


def _places(choice: Choice) -> dict[str, str]:
    """Postal code → that of the first store of its region: one weather for a region is weather enough."""
    codes = choice.stores.filter(pl.col("postal_code").is_not_null()).select("region", "postal_code")
    first: dict[str, str] = {}
    for region, code in codes.iter_rows():
        first.setdefault(region, code)
    return {code: first[region] for region, code in codes.iter_rows()}


def _kept(part: Part, choice: Choice) -> Part:
    """The rows of a file that something of the choice depends on."""
    allowed = {
        "store": choice.stores["store"].to_list(),
        "product": list(choice.products),
        "region": [*choice.stores["region"].unique(), "all"],
        "scope": [*choice.stores["region"].unique(), "all"],
    }
    lines: set[int] = set()
    for table, frame in part.tables.items():
        wanted = pl.lit(True)
        for column in frame.columns:
            if column in allowed:
                wanted &= pl.col(column).is_in(allowed[column])
            elif column in ("week", "date", "last"):
                wanted &= pl.col(column) >= choice.first
            elif column == "postal_code" and table != STORES.name:
                wanted &= pl.col(column).is_in(sorted(set(_places(choice).values())))
        lines |= set(frame.filter(wanted)["line"])
    return replace(part, rows=part.rows.filter(pl.col("line").is_in(sorted(lines))))
