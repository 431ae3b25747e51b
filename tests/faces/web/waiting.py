"""A chain of kiosks whose newest data wait for somebody: old books came in, with rows that no check lets pass."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from fleetcast.fleet import pins, raw_files
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.steps import Steps
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, write_file
from fleetcast.workspace import Workspace

BOOKS = LAST - timedelta(weeks=30)  # the week they are of
BROKEN = f"{BOOKS},east-1,00001,fifteen\n{BOOKS},nowhere,00002,15.0\n"


def with_waiting_data(folder: Path) -> Path:
    """Prod has admitted the first files; then come a correction of long ago and a file with two rows that are none."""
    pins.admit(_conditioned(folder, 5), actor="timer")
    with_books(folder)
    _conditioned(folder, 10)
    return folder


def with_books(folder: Path) -> None:
    """The file is there, and nobody has received it yet."""
    one = (pl.col("week") == BOOKS) & (pl.col("store") == "east-1") & (pl.col("product") == "00001")
    rows = kiosks()["deliveries"].filter(one).with_columns(delivered=pl.lit(15.0))
    path = write_file(folder, "deliveries", rows, name="books")
    path.write_text(path.read_text("utf-8") + BROKEN, "utf-8")


def prod(folder: Path, minutes: int = 15) -> Workspace:
    return opened(folder, WEDNESDAY + timedelta(minutes=minutes), "prod")


def _conditioned(folder: Path, minutes: int) -> Workspace:
    return received(prod(folder, minutes))


def received(w: Workspace) -> Workspace:
    """With what is there received and conditioned."""
    raw_files.condition(w, Steps("data", w.ledger, w.bank), raw_files.receive(w, Silent()), Silent())
    return w
