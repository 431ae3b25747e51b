"""What was published, into a database for analysts: read, named by its rows, and written at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.domain import views
from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.versions import digest_of
from fleetcast.lake import sql_views
from fleetcast.lake.sql_readers import Reader
from fleetcast.reading import analysis
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SqlExport:
    """What was exported: rows by view, of which cycles; `written` is false where the database showed it already."""

    where: str
    publication: str
    release: str
    cycles: tuple[date, ...]
    rows: Mapping[str, int]
    written: bool


def export(w: Workspace, to: str, *, schema: str, cycles: int, reader: Reader | None = None) -> SqlExport:
    """Make the database's views show what was published last; a reader sees their regions of it from then on."""
    frames = analysis.frames(w, cycles)
    if reader and reader.regions is not None:
        _refuse_unknown(reader.regions, frames[views.FORECASTS])
    release = w.ledger.pointer() or ""
    shown = frames[views.FORECASTS]["cycle"].unique().sort().to_list()
    named = {view.name: _digest(frame) for view, frame in frames.items()}
    publication = digest_of({"version": views.VERSION, "release": release, "rows": named})
    stamp = sql_views.Stamp(w.environment, publication, release, str(shown[-1]), w.clock())
    made = sql_views.publish(to, schema, stamp, frames, reader)
    rows = {view.name: frame.height for view, frame in frames.items()}
    return SqlExport(made.where, publication, release, tuple(shown), rows, made.written)


def _digest(frame: pl.DataFrame) -> str:
    return digest_of(frame.write_csv())


def _refuse_unknown(regions: frozenset[str], forecasts: pl.DataFrame) -> None:
    known = set(forecasts[views.REGION].drop_nulls().unique())
    for region in sorted(regions - known):
        raise UsageError(f"there is no region {region!r}; there are {some(known, like=region)}")
