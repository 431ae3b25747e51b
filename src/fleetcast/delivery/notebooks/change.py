"""The change that a notebook comes to: every file of it as text, made before any is written."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleetcast.delivery.notebooks import golden, writing
from fleetcast.delivery.notebooks.golden import Golden
from fleetcast.delivery.notebooks.overrides import Override
from fleetcast.delivery.notebooks.percent import Notebook
from fleetcast.delivery.notebooks.running import Ran
from fleetcast.delivery.notebooks.session import PLACES, Session, named
from fleetcast.delivery.notebooks.toml import changed
from fleetcast.domain.errors import UsageError
from fleetcast.features.written import KEY
from fleetcast.models.written import FUNCTIONALS
from fleetcast.own import Package
from fleetcast.workspace import SETTINGS_FILE

SERIES, WEEKS, EXAMPLES = 3, 60, 120  # of a golden frame

FEATURE_TEST = '''"""The feature {name} keeps its contract, and makes of a few weeks what it made of them when it was promoted."""

from pathlib import Path

from polars.testing import assert_frame_equal

from fleetcast import workspace
from fleetcast.testing.features import broken, golden, made

WORKSPACE = Path(__file__).resolve().parents[1]
GOLDEN = golden(WORKSPACE / "tests" / "golden" / "{name}.json")


def test_{name}_keeps_the_contract_of_a_feature() -> None:
    workspace.open(WORKSPACE)
    assert broken("{name}", GOLDEN.given, past=GOLDEN.past) == []


def test_{name}_makes_what_it_made_when_it_was_promoted() -> None:
    workspace.open(WORKSPACE)
    assert_frame_equal(made("{name}", GOLDEN), GOLDEN.made, rel_tol=1e-9, check_dtypes=False)
'''

RECIPE_TEST = '''"""The recipe {name} keeps its contract, and forecasts from a few examples what it did when it was promoted."""

from pathlib import Path

from polars.testing import assert_frame_equal

from fleetcast import workspace
from fleetcast.models.recipes import door
from fleetcast.testing.recipes import broken, examples, golden, made

WORKSPACE = Path(__file__).resolve().parents[1]
GOLDEN = golden(WORKSPACE / "tests" / "golden" / "{name}.json")


def test_{name}_keeps_the_contract_of_a_recipe() -> None:
    w = workspace.open(WORKSPACE)
    assert broken(door("own:{name}"), w.settings.training, examples()) == []


def test_{name}_forecasts_what_it_did_when_it_was_promoted() -> None:
    workspace.open(WORKSPACE)
    assert_frame_equal(made("{name}", GOLDEN), GOLDEN.made, rel_tol=1e-6, check_dtypes=False)
'''
TESTS: Mapping[Override, str] = {"features": FEATURE_TEST, "recipe": RECIPE_TEST}


@dataclass(frozen=True)
class Change:
    """The files by their path in the workspace; `module` is the path of the new module."""

    name: str
    override: Override
    files: Mapping[str, str]
    module: str


def change(folder: Path, notebook: Notebook, ran: Ran, session: Session) -> Change:
    """Everything that promoting a notebook writes: module, settings, test, golden pair; what it writes over stays elsewhere."""
    override = ran.override
    if override is None:
        raise UsageError(f"{notebook.path} overrides nothing; tag the cell with its function")
    settings, name = session.settings, notebook.name
    pieces = writing.of_notebook(notebook, override)
    about = f"{notebook.title}, from notebooks/{notebook.path.name}."
    module = writing.module(override, pieces, about=about, columns=ran.contract.get("columns"))
    room = f"src/{settings.workspace.package}/{writing.KINDS[override]}"
    where = f"{room}/{name}.py"
    tests = f"tests/test_{writing.ONE[override]}_{name}.py"
    pair = f"tests/golden/{name}.json"
    there = [path for path in (where, tests, pair) if (folder / path).exists()]
    if there:
        raise UsageError(
            f"{there[0]} is there already: give the notebook another name, or change the file itself"
        )
    toml = changed(
        (folder / SETTINGS_FILE).read_text("utf-8"), PLACES[override], named(settings, override, name)
    )
    files = {
        where: module,
        SETTINGS_FILE: toml,
        tests: TESTS[override].format(name=name),
        pair: _golden(override, name, module, session).dump(),
    }
    if not (folder / room / "__init__.py").exists():  # without it, equal names in two rooms are one to mypy
        files[f"{room}/__init__.py"] = f'"""The {writing.KINDS[override]} of this workspace."""\n'
    return Change(name, override, files, where)


def _golden(override: Override, name: str, module: str, session: Session) -> Golden:
    """What the module makes of a few rows."""
    with tempfile.TemporaryDirectory() as scratch:
        package = Package(Path(scratch))
        path = package.path(writing.KINDS[override], name)
        path.parent.mkdir()
        path.write_text(module, "utf-8")
        loaded, _ = package.module(writing.KINDS[override], name)
    if override == "features":
        given = golden.small(_few_series(session.frame))
        made = loaded.features(given).select(*KEY, *loaded.COLUMNS)
        return Golden(given, golden.small(made), session.past)
    some = session.examples.gather_every(max(1, session.examples.height // EXAMPLES)).head(EXAMPLES)
    given = golden.small(some)
    made = loaded.predict(loaded.fit(given, seed=1), given.drop("units")).select(FUNCTIONALS)
    return Golden(given, golden.small(made))


def _few_series(frame: pl.DataFrame) -> pl.DataFrame:
    series = frame.select("store", "product").unique(maintain_order=True).head(SERIES)
    weeks = frame["week"].unique().sort().tail(WEEKS)
    few = frame.join(series, on=["store", "product"], how="semi", maintain_order="left")
    return few.filter(pl.col("week").is_in(weeks.implode()))
