"""The week of a simulated retailer, run by the product, against the truth that only the simulator knows.

Run it: python benchmarks/retailer.py. The last line is one JSON object; figures are percent unless their name says otherwise.
"""

import argparse
import hashlib
import json
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import polars as pl
import retailer_effects
import retailer_oracle
from retailer_oracle import FORECASTS

from fleetcast import workspace
from fleetcast.domain.tables import DEMAND, RETURNS, ROUNDS
from fleetcast.domain.week import known_by
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.sources import sample
from fleetcast.testing.truth import Truth, read_truth
from fleetcast.workspace import Workspace

SEED = 2026
SIZES = {
    "full": {"regions": 14, "stores": 8, "products": 40, "weeks": 160},
    "quick": {"regions": 2, "stores": 4, "products": 10, "weeks": 110},
}
FROZEN = {
    "full": "d6595d5a3109bf6f07115baa9db48ade5e6224c7f6d810e3fdfc33df0f18cc41",
    "quick": "0ee13c3ff9844e277b92302a355fd950eaea07d7941f1b3c588cb19ad6fb2d4a",
}  # of the truth and the files: another one is another retailer, and no figure can be compared
NOW = datetime(2026, 11, 20, tzinfo=UTC)  # the retailer's last week is complete, the next one is not
BAR = 0.70  # share of the way from the historical mean to the oracle
KEY = ["store", "product", "week"]


def main() -> int:
    """Simulate, freeze, run the week, hold it against the truth."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="a small retailer, for CI: no bar is held")
    arguments.add_argument("--folder", type=Path, help="keep the retailer here, or use the one that is there")
    chosen = arguments.parse_args()
    size = "quick" if chosen.quick else "full"
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        space, truth_folder = folder / "retailer", folder / "truth"
        if not space.exists():
            sample.create(space, truth=truth_folder, seed=SEED, erratic=None, **SIZES[size])
        found = checksum([space / "data", truth_folder])
        print(f"checksum {found}  {size} retailer of {SIZES[size]}", file=sys.stderr, flush=True)
        if found != FROZEN[size]:
            print(
                f"The simulated retailer is not the frozen one ({FROZEN[size]}): its figures cannot be compared with"
                " earlier ones. See what changed in src/fleetcast/sources/sample; if that is meant, write the new"
                " checksum into benchmarks/retailer.py, and say so in the change note.",
                file=sys.stderr,
            )
            return 1
        w = workspace.open(space, clock=lambda: NOW)
        run_cycle(w, progress=Silent(), actor="benchmark")
        answer = {"benchmark": "retailer", "size": size, "checksum": found} | measured(
            w, read_truth(truth_folder)
        )
    print(json.dumps(answer | _spent(), ensure_ascii=False))
    return 0 if chosen.quick or answer["passed"] else 1


def measured(w: Workspace, truth: Truth) -> dict[str, object]:
    """All figures of the run; a table of each part goes to standard error."""
    key, release = pl.col("week") <= truth.last, w.registry.releases.current()
    demand = w.lake.read(DEMAND)
    segments = w.lake.read(w.tables["segments"]).sort("valid_from").unique(["store", "product"], keep="last")
    keys = w.settings.segments.keys
    known = demand.join(
        truth.history.filter(key).select(*KEY, "rate", "sold", "sold_out", wanted="demand"), on=KEY
    ).join(
        segments.select("store", "product", segment=pl.concat_str(keys, separator="/")),
        on=["store", "product"],
    )
    rounds = w.lake.read(ROUNDS).select(*KEY, fleet="mape", mean="baseline_mean", median="baseline_median")
    rows = rounds.join(known.filter("final"), on=KEY)
    rows = rows.with_columns(oracle=pl.Series(retailer_oracle.oracle(rows["rate"].to_numpy(), truth.law)))

    judged = rows.filter(~pl.col("censored"))
    accuracy = {
        "demand": _accuracy("every week, against true demand", rows, "wanted"),
        "units": _accuracy("weeks that did not sell out, against net units", judged, "units"),
    }
    looked = known_by(truth.last, w.settings.calendar.ready_after_days)
    parts = {
        "stock_outs": retailer_oracle.stock_outs(known, truth.law),
        "late_returns": retailer_oracle.late_returns(known, w.lake.read(RETURNS, as_of=looked), truth.last),
    }
    for name, part in parts.items():
        _show(name.replace("_", " "), pl.DataFrame(part))
    found = retailer_effects.rows(w, truth)
    by_effect = retailer_effects.pooled(found)
    _show("planted effects", by_effect)
    _show("planted effects by category", retailer_effects.pooled(found, ("effect", "category")))
    held = by_effect.filter(pl.col("effect") != "5 °C warmer")
    passed = min(part["closed"] for part in accuracy.values()) >= 100 * BAR and held["within"].all()
    return {
        "release": release.id if release else None,
        "rows": rows.height,
        **accuracy,
        **{name: _percent(part) for name, part in parts.items()},
        "effects": {line["effect"]: _percent(line) for line in by_effect.to_dicts()},
        "passed": bool(passed),
    }


def checksum(folders: Iterable[Path]) -> str:
    """SHA-256 over what the files say, by name: of text files the bytes, of others the values, so that a library's next
    version, which may pack them differently, changes nothing. Numbers count to six digits."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            total.update(path.relative_to(folder).as_posix().encode() + b"\0")
            total.update(_content(path))
    return total.hexdigest()


def _content(path: Path) -> bytes:
    match path.suffix:
        case ".parquet":
            return pl.read_parquet(path).write_csv(float_precision=6, float_scientific=True).encode()
        case ".db":
            with sqlite3.connect(path) as database:
                return "\n".join(database.iterdump()).encode()
        case ".xlsx":
            return json.dumps(
                [
                    [str(cell) for cell in row]
                    for sheet in openpyxl.load_workbook(path)
                    for row in sheet.values
                ]
            ).encode()
        case _:
            return path.read_bytes()


def _accuracy(words: str, rows: pl.DataFrame, units: str) -> dict[str, float]:
    errors = retailer_oracle.errors(rows, units)
    shares = dict(zip(("closed", "low", "high"), retailer_oracle.closed(rows, units), strict=True))
    shares["closed_against_rate"] = retailer_oracle.closed(rows, units, against="rate")[0]
    print(f"\n{words}: {rows.height:,} forecasts", file=sys.stderr)
    for name in FORECASTS:
        print(f"  {name:<8}{100 * errors[name]:6.2f} %", file=sys.stderr)
    print(
        f"  closed  {100 * shares['closed']:6.1f} % of the gap from mean to oracle"
        f" ({100 * shares['low']:.1f} to {100 * shares['high']:.1f});"
        f" {100 * shares['closed_against_rate']:.1f} % of that to the rate itself",
        file=sys.stderr,
    )
    return _percent({"mape": errors, **shares, "n": rows.height})


def _percent(part: object) -> object:
    """Fractions as percent, counts and ratios as they are."""
    if isinstance(part, list):
        return [_percent(line) for line in part]
    if isinstance(part, dict):
        return {
            name: round(value, 3) if name == "ratio" else _percent(value)
            for name, value in part.items()
            if name != "effect"
        }
    return round(100 * part, 2) if isinstance(part, float) else part


def _show(words: str, table: pl.DataFrame) -> None:
    print(f"\n{words}", file=sys.stderr)
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, float_precision=3, tbl_width_chars=140
    ):
        print(table, file=sys.stderr, flush=True)


def _spent() -> dict[str, float]:
    both = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(used.ru_utime + used.ru_stime for used in both)
    return {"cpu_s": round(cpu, 1), "peak_mb": round(max(used.ru_maxrss for used in both) / 1024)}


if __name__ == "__main__":
    sys.exit(main())
