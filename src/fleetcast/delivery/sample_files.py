"""The files of a sample: written, conditioned as a validation would, and rid of rows that its conditioners do not take."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from fleetcast import workspace
from fleetcast.conditioning.standard import Context
from fleetcast.delivery.choosing import CELL
from fleetcast.delivery.obscuring import Layout, Obscuring, Tables
from fleetcast.domain.errors import DataError
from fleetcast.domain.tables import MEMBERSHIP, QUARANTINE
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.settings.local import sampled
from fleetcast.sources import writers
from fleetcast.workspace import Workspace

TRIES = 4  # times that rows which do not fit are left out, until all do


@dataclass(frozen=True)
class Part:
    """A file as its source reads it, and the tables that its conditioner makes of it."""

    source: str
    name: str
    rows: pl.DataFrame
    tables: Tables
    context: Context


def fitting(
    w: Workspace, parts: list[Part], layouts: Mapping[str, Layout], obscuring: Obscuring, work: Path
) -> tuple[Path, tuple[str, ...]]:
    """Write the files, condition them as a validation would, and leave out what was set aside, until nothing is."""
    written: dict[str, tuple[Part, pl.DataFrame]] = {}
    for part in parts:
        if part.rows.height:
            about = _about(part)
            rows = obscuring.rows(
                part.rows, about, layouts[part.source].meanings, part.context.settings, part.source
            )
            if part.context.settings.known_at != "file_name":
                rows = rows.unique(
                    subset=list(part.context.settings.columns), keep="first", maintain_order=True
                )
            written[_path(part, obscuring)] = part, rows
    for attempt in range(TRIES):
        home = work / str(attempt)
        for path, (part, rows) in written.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(writers.write(rows, sampled(part.source, part.context.settings)))
        tried = work / f"{attempt}-tried"
        shutil.copytree(home, tried)
        local = workspace.open_locally(w.folder, tried, effort="quick", clock=w.clock)
        run_cycle(local, only="condition", progress=Silent(), actor="sample")
        bad = local.lake.read(QUARANTINE)
        if bad.is_empty():
            return home, _segments(local)
        for path, (part, rows) in written.items():
            lines = set(bad.filter((pl.col("source") == part.source) & (pl.col("file") == path))["line"])
            there = sampled(part.source, part.context.settings).format
            first = 1 if there in ("parquet", "jsonl", "fixed_width") else 2
            written[path] = part, rows.filter(~(pl.int_range(pl.len()) + first).is_in(sorted(lines)))
    row = bad.row(0, named=True)
    raise DataError(
        f"the conditioner of source {row['source']} sets rows of the sample aside, whatever is left out: {row['reason']},"
        f" {row['detail']}; make sample/ by hand"
    )


def _about(part: Part) -> pl.DataFrame:
    """Store, product and week of each row, as text; "" where it is about none."""
    found = part.rows.select("line")
    frames = [
        frame.select("line", *(pl.col(c).cast(pl.String) for c in ("store", "product", "week") if c in frame))
        for frame in part.tables.values()
    ]
    told = pl.concat(frames, how="diagonal").unique("line", keep="first", maintain_order=True)
    for column in ("store", "product", "week"):
        if column not in told.columns:
            told = told.with_columns(pl.lit("").alias(column))
    return found.join(told, on="line", how="left").select(pl.col("store", "product", "week").fill_null(""))


def _path(part: Part, obscuring: Obscuring) -> str:
    """Where a file lies in the sample, under a name that names nobody either, if its pattern allows that."""
    pattern = PurePosixPath(sampled(part.source, part.context.settings).path)
    if "*" not in pattern.name and part.context.settings.format == "sql":
        return str(pattern)
    name = PurePosixPath(part.name)
    if pattern.parts[0] == part.source and name.parts[: len(pattern.parts)] != pattern.parts[:1]:
        name = PurePosixPath(part.source, *name.parts[-(len(pattern.parts) - 1) :])
    if pattern.name == "*.jsonl":
        name = name.with_suffix(".jsonl")  # whatever format it came in
    given = {
        real: other
        for kind in ("store", "product", "region")
        if kind not in obscuring.shown
        for real, other in obscuring.pseudonyms.of_kind(kind).items()
    }
    real = "|".join(re.escape(one) for one in sorted(given, key=len, reverse=True))
    other = (
        re.sub(rf"(?<![0-9A-Za-z])(?:{real})(?![0-9A-Za-z])", lambda m: given[m[0]], str(name))
        if real
        else ""
    )
    return other if other and PurePosixPath(other).match(str(pattern)) else str(name)


def _segments(w: Workspace) -> tuple[str, ...]:
    found = w.lake.read(MEMBERSHIP).select(*CELL, "mover").unique().sort(*CELL, "mover")
    return tuple("/".join(row) for row in found.iter_rows())
