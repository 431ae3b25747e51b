"""The texts of a new workspace, made of what was recognised of its file of sales."""

import sys
from collections.abc import Mapping

from fleetcast.delivery.recognising import NUMBERS, Recognised, Role

ROLES: Mapping[Role, str] = {
    "date": "date",
    "store": "store",
    "product": "product",
    "units": "number",
    "region": "text",
    "store_format": "text",
    "price": "number",
}


def settings(found: Recognised, package: str, *, file: str) -> str:
    """`fleetcast.toml`, with what was concluded from the file beside it."""
    assumed = "\n".join(f"#   {line}" for line in found.assumed)
    covariates = OFFERS if "price" in found.columns else ""
    return SETTINGS.format(
        package=package, file=file, assumed=assumed, covariates=covariates, source=_source(found)
    )


def _source(found: Recognised) -> str:
    lines = ["[sources.sales]", 'path = "data/sales/*.csv"', 'format = "csv"', 'conditioner = "sales"']
    lines.append(f'encoding = "{found.encoding}"')
    lines.append(f"delimiter = {_quoted(found.delimiter)}")
    lines.append(f'decimal = "{found.decimal}"')
    if found.thousands:
        lines.append(f'thousands = "{found.thousands}"')
    if found.weekly and found.anchor != "monday":
        lines.append(f'anchor = "{found.anchor}"  # the weekday that its weeks begin on')
    lines += ["publication_lag_days = 1  # after a week's end, until the file with it is there", ""]
    lines.append("[sources.sales.columns]  # every column of the file, needed or not")
    roles = {name: role for role, name in found.columns.items()}
    used: set[str] = set()
    for header in found.header:
        role = roles.get(header)
        key = role or _key(header, used | set(found.columns))
        used.add(key)
        lines.append(f"{key} = {{ {_column(header, key, role, found)} }}")
    return "\n".join(lines)


def _column(header: str, key: str, role: Role | None, found: Recognised) -> str:
    parts = ["type = " + ('"date"' if role == "date" else '"number"' if role in NUMBERS else '"text"')]
    parts += [f"name = {_quoted(header)}"] if header != key else []
    parts += [f'format = "{found.date_format}"'] if role == "date" and found.date_format != "%Y-%m-%d" else []
    parts += ["optional = true"] if role not in ("date", "store", "product", "units") else []
    return ", ".join(parts)


def _key(header: str, used: set[str]) -> str:
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in header.lower()).strip("_")
    key = plain if plain[:1].isalpha() else f"column_{plain}".rstrip("_")
    number = 2
    while key in used:
        key, number = f"{plain}_{number}", number + 1
    return key


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def conditioner(found: Recognised) -> str:
    """`conditioners/sales.py`: rows of the file to weekly deliveries, and to whatever else it tells."""
    tables, steps = ['"deliveries": deliveries'], ""
    if "price" in found.columns:
        tables.append('"offers": offers')
        steps += OFFERS_STEP
    if "region" in found.columns or "store_format" in found.columns:
        tables.append('"stores": stores')
        steps += STORES_STEP.format(region=_word("region", found), store_format=_word("store_format", found))
    text = CONDITIONER if found.weekly else DAILY_CONDITIONER
    long_ago = LONG_AGO if '"stores": stores' in tables else ""
    return text.format(
        imports="from datetime import date\n\n" if long_ago else "",
        long_ago=long_ago,
        last_day=found.last_day,
        steps=steps,
        tables=", ".join(tables),
    )


def _word(role: Role, found: Recognised) -> str:
    """A region or a format as segments are keyed by it: one word."""
    if role not in found.columns:
        return f'pl.lit("all").alias("{role}")'
    return f'pl.col("{role}").fill_null("unknown").str.replace_all(r"[\\s/]+", "-")'


def project(package: str) -> str:
    name = package.replace("_", "-")
    return PROJECT.format(name=name, package=package)


def container() -> str:
    return DOCKERFILE.format(python=f"{sys.version_info.major}.{sys.version_info.minor}")


SETTINGS = """schema = 1

# Written by `fleetcast init`. What was read from {file}, to be corrected here where it is not so:
{assumed}
# Every key that is not written has its default; all of them: docs/settings.md of Fleetcast.

[workspace]
name = "{package}"
package = "{package}"  # src/{package}/conditioners/<conditioner>.py

[segments]
keys = ["region", "store_format", "mover"]  # an ensemble for each combination; "all" where the file does not tell
baseline_keys = ["region", "store_format"]  # a historical average for each
partition = "region"

[demand]
absent = "zero"    # a week without a row, between a series' first and last one, is a week in which nothing was sold
returns_weeks = 0  # nothing comes back

[training]
horizons = [1, 2, 3, 4]  # weeks ahead

[gate]
mape = 0.45  # a model that is worse does not go live

[orders]
enabled = false  # they need margins and shelf capacities: the tables prices and shelf
{covariates}
{source}
"""

OFFERS = """
[covariates.offers]
keys = ["week", "store", "product"]
columns = { price = "past" }  # what was paid; "known_future" where a plan tells it, with the day it was announced
log = ["price"]               # a price acts by its ratio
"""

CONDITIONER = '''"""Weekly sales: the rows of a week, store and product are summed."""

{imports}import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, Rule, off_anchor, sift, to_weeks

KEY = ["week", "store", "product"]
{long_ago}

def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    anchor = context.settings.anchor
    other_day = Rule("off_anchor", off_anchor("date", anchor), pl.format("{{}} is no {{}}", "date", pl.lit(anchor)))
    known, rejected = sift(rows, [other_day])
    weeks = known.with_columns(
        to_weeks("date", anchor).alias("week"),
        pl.col("units").sum().over("date", "store", "product").alias("delivered"),
    )
    below_zero = Rule("negative_delivery", pl.col("delivered") < 0, pl.format("delivered = {{}}", "delivered"))
    good, negative = sift(weeks, [below_zero])
    # Every line keeps its place: the others of a week are the same row again, and count as duplicates.
    deliveries = good.select(*KEY, "delivered", "line")
{steps}    rejected = pl.concat([rejected, negative], how="diagonal")
    return Conditioned({{{tables}}}, rejected)
'''

DAILY_CONDITIONER = '''"""Daily sales, summed to weeks from Monday; a last week that is not over yet is set aside."""

{imports}import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, Rule, sift

KEY = ["week", "store", "product"]
LAST_DAY = {last_day}  # of the week that anything is sold on; 0 is Monday
{long_ago}

def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    last = rows["date"].max()
    dated = rows.with_columns(pl.col("date").dt.truncate("1w").alias("week"))
    ends = pl.col("week").dt.offset_by(f"{{LAST_DAY}}d")
    not_over = Rule("week_not_over", ends > pl.lit(last), pl.format("the file ends on {{}}", pl.lit(str(last))))
    known, rejected = sift(dated, [not_over])
    weeks = known.with_columns(pl.col("units").sum().over(KEY).alias("delivered"))
    below_zero = Rule("negative_delivery", pl.col("delivered") < 0, pl.format("delivered = {{}}", "delivered"))
    good, negative = sift(weeks, [below_zero])
    # Every line keeps its place: the other days of a week are the same row again, and count as duplicates.
    deliveries = good.select(*KEY, "delivered", "line")
{steps}    rejected = pl.concat([rejected, negative], how="diagonal")
    return Conditioned({{{tables}}}, rejected)
'''

OFFERS_STEP = """    offers = good.filter(pl.col("price").is_not_null()).select(
        *KEY, pl.col("price").mean().over(KEY).round(4).alias("price"), "line"
    )
"""

LONG_AGO = """LONG_AGO = date(2000, 1, 3)  # the file does not say since when a store is open
"""

STORES_STEP = """    stores = good.unique("store", keep="last", maintain_order=True).select(
        "store",
        {region},
        {store_format},
        pl.lit("-").alias("postal_code"),
        pl.lit(LONG_AGO).alias("opened"),
        pl.lit(None, pl.Date).alias("closed"),
        pl.lit(LONG_AGO).alias("valid_from"),
        "line",
    )
"""

POLICY = """schema = 1

# Who may make what live. As it is, dev takes whatever passes its gates, and prod asks for two people's signatures
# whenever anything but data has changed.

# [promotion.prod]
# approvals = 2

# [signers."ada@example.com"]
# key = "ssh-ed25519 AAAA… "
"""

PROJECT = """[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
description = "A workspace of Fleetcast."
requires-python = ">=3.11"
dependencies = ["fleetcast"]

[tool.hatch.build.targets.wheel]
packages = ["src/{package}"]

# What `fleetcast ci` runs over the code.
[tool.ruff]
line-length = 120

[tool.ruff.lint.isort]
known-first-party = ["{package}", "fleetcast"]

[tool.mypy]
files = ["src"]
strict = true

[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.coverage.report]
fail_under = 90
"""

IGNORED = """.fleetcast/
/data/
/dist/
/report/
__pycache__/
.coverage
.mypy_cache/
.pytest_cache/
.ruff_cache/
.venv/
"""

TESTS = '''"""What has to hold of this workspace before anything of it is merged."""

import shutil
from pathlib import Path

from fleetcast import workspace
from fleetcast.domain.tables import QUARANTINE
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle

ROOT = Path(__file__).resolve().parent.parent


def test_the_settings_are_settings():
    assert workspace.open(ROOT).settings.workspace.name == "{package}"


def test_the_conditioners_take_every_row_of_the_sample(tmp_path):
    home = shutil.copytree(ROOT / "sample", tmp_path / "home")
    w = workspace.open_locally(ROOT, home, effort="quick")
    report = run_cycle(w, only="condition", progress=Silent(), actor="test")
    assert w.lake.read(QUARANTINE).is_empty()
    assert report.series.active > 0
'''

NOTEBOOKS = """# Notebooks

Here go notebooks that try something on this workspace's data. They stay at home: no artifact contains them.
"""

DOCKERFILE = """# An image of one artifact: `fleetcast ci package`, then `docker build -t fleet .`.
# The volume has the raw files, as data/, and gets the state: `docker run --rm -v shop:/state fleet run`.
FROM python:{python}-slim

RUN useradd --uid 10001 --create-home fleet && install -d -o fleet /opt/fleet /state
USER fleet

COPY --chown=fleet dist /opt/fleet/artifact
WORKDIR /opt/fleet/artifact
RUN python -m venv /opt/fleet/venv \\
 && /opt/fleet/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock \\
 && find . -name '*.whl' -exec /opt/fleet/venv/bin/pip install --no-cache-dir --no-deps {{}} + \\
 && python -c "import json; print(json.load(open('artifact.json'))['id'])" > /opt/fleet/installed.json

WORKDIR /state
VOLUME /state
ENTRYPOINT ["/opt/fleet/venv/bin/fleetcast"]
CMD ["status"]
"""

README = """# {title}

A workspace of Fleetcast: a fleet of weekly demand-forecasting models, one for each region, format and mover class.

```console
$ git init && git add . && git commit -m "A new workspace"
$ fleetcast ci code-validation            # lint, types, tests, licences, secrets
$ fleetcast ci model-validation --local   # data, training and scoring on sample/, touching nothing
$ fleetcast run                           # the week, on the files in data/
```

| | |
|---|---|
| `fleetcast.toml` | the sources, column by column, and what was assumed of them; segments; when a model may go live |
| `policy.toml` | who may make what live |
| `src/{package}/conditioners/` | from rows of a file to standard tables: one small pure function for each source |
| `sample/` | a few stores and products, obfuscated: `fleetcast data sample` makes it anew |
| `data/` | the raw files; not in Git |
| `.fleetcast/` | state: tables, models, releases, the audit log, the key of the sample; not in Git |
| `Dockerfile` | an image of the artifact that `fleetcast ci package` makes |
"""
