"""A new workspace: settings, a conditioner, tests, a sample, a lock; of a file of sales, or of one that is made up."""

import csv
import io
import random
import re
import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from fleetcast import workspace
from fleetcast.artifacts import LOCK
from fleetcast.delivery import emitting, hosts, lock, sampling, skeleton
from fleetcast.delivery.choosing import Size
from fleetcast.delivery.recognising import Recognised, Told, recognise
from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.domain.week import WEEK, monday

# A made-up chain: a store of each format in each region, for two years.
REGIONS, WEEKS = ("north", "south"), 104
FORMATS = {"large": 1.4, "small": 0.8}  # how much a store sells of what is usual
PRODUCTS = {"00017": 6, "00042": 9, "00058": 14, "00101": 21, "00230": 30, "00305": 42}  # usual units a week
SEED = 2026


@dataclass(frozen=True, slots=True)
class Started:
    """What was written, what was assumed of the file, and what could not be done yet."""

    folder: Path
    package: str
    assumed: tuple[str, ...]
    sample: sampling.Sampled
    left_out: tuple[str, ...]


def start(
    folder: Path,
    *,
    source: Path | None,
    told: Told,
    name: str | None,
    host: str | None,
    group: str | None,
    today: date,
) -> Started:
    """Write a workspace into `folder`, which must be empty or not there; nothing is left of one that does not come about."""
    if folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} holds something already, and a workspace needs a place of its own; name another folder"
        )
    package = _package(name or folder.resolve().name)
    if source is not None and not source.is_file():
        raise UsageError(f"{source} is not there, or is no file")
    found = recognise(source, told) if source else None
    there = folder.exists()
    try:
        raw = _raw(folder, source, today)
        found = _ended(found or recognise(raw, told), raw)
        for path, text in _texts(found, package, source.name if source else "the made-up file").items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        sample = sampling.sample(workspace.open(folder), folder / "sample", size=Size(stores=2), seed=1)
        left_out = _locked(folder)
        if host is not None:
            plan = hosts.plan(folder, host, out=None, group=group, program="fleetcast", environment="prod")
            emitting.write(plan.folder, plan.files, emitting.compare(plan.folder, plan.files))
    except BaseException:
        _clear(folder, there=there)
        raise
    return Started(folder, package, found.assumed, sample, left_out)


def _raw(folder: Path, source: Path | None, today: date) -> Path:
    """The file of sales where the workspace's source looks for it."""
    name = "made_up.csv" if source is None else source.with_suffix(".csv").name
    raw = folder / "data" / "sales" / name
    raw.parent.mkdir(parents=True)
    raw.write_bytes(source.read_bytes() if source else made_up(today).encode())
    return raw


def _clear(folder: Path, *, there: bool) -> None:
    """Leave the place as it was found: empty, or not there."""
    if not there:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _package(name: str) -> str:
    """A name as settings and packages have it.

    >>> _package("Our Kiosks (2026)")
    'our_kiosks_2026'
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not re.match(r"[a-z]", plain):
        raise UsageError(
            f"{name!r} makes no name of a package; give one that begins with a letter: --name NAME"
        )
    return plain


def _ended(found: Recognised, raw: Path) -> Recognised:
    """The last line of the copy gets its end: a file without one counts as cut off from then on."""
    end = "\n".encode("utf-16-le" if found.encoding == "utf-16" else found.encoding.replace("-sig", ""))
    content = raw.read_bytes()
    if content.endswith(end):
        return found
    raw.write_bytes(content + end)
    said = "the last line of the file had no end, and has one in the copy; later files need one, else they count as cut off"
    return replace(found, assumed=(*found.assumed, said))


def _texts(found: Recognised, package: str, file: str) -> dict[str, str]:
    code = f"src/{package}"
    return {
        workspace.SETTINGS_FILE: skeleton.settings(found, package, file=file),
        workspace.POLICY_FILE: skeleton.POLICY,
        "pyproject.toml": skeleton.project(package),
        ".gitignore": skeleton.IGNORED,
        f"{code}/__init__.py": f'"""The code of the workspace {package}."""\n',
        f"{code}/conditioners/__init__.py": '"""One conditioner for each layout of files."""\n',
        f"{code}/conditioners/sales.py": skeleton.conditioner(found),
        "tests/test_workspace.py": skeleton.TESTS.format(package=package),
        "notebooks/README.md": skeleton.NOTEBOOKS,
        "Dockerfile": skeleton.container(),
        "README.md": skeleton.README.format(title=package.replace("_", " ").capitalize(), package=package),
    }


def _locked(folder: Path) -> tuple[str, ...]:
    try:
        lock.make(folder)
    except InfrastructureError as error:
        return (f"{LOCK} is not there yet: {error}; {lock.MAKE}",)
    return ()


def made_up(today: date) -> str:
    """Sales of a chain that does not exist, up to last week: they wander, have a summer and a price, and scatter."""
    chance = random.Random(SEED)  # noqa: S311 — nothing secret
    last = monday(today) - WEEK
    rows: list[list[object]] = [["week", "store", "region", "format", "product", "units", "price"]]
    for product, usual in PRODUCTS.items():
        for region in REGIONS:
            level = usual * 1.0
            for n in range(WEEKS):
                week = last - (WEEKS - 1 - n) * WEEK
                level *= chance.lognormvariate(0.002, 0.05)  # what an average of the past misses
                price = 1.99 if chance.random() < 0.15 else 2.49
                mean = level * (1.25 if week.month in (6, 7, 8) else 1) * (1.3 if price < 2 else 1)
                for number, (form, share) in enumerate(FORMATS.items(), start=1):
                    units = round(mean * share * chance.lognormvariate(0, 0.1))
                    rows.append(
                        [week, f"{region[0].upper()}-{number:02d}", region, form, product, units, price]
                    )
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows(rows)
    return sink.getvalue()
