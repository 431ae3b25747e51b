from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast import own
from fleetcast.domain.errors import ContractError, UsageError
from fleetcast.domain.week import WEEK
from fleetcast.features import written
from fleetcast.features.contract import tried
from fleetcast.features.design import Design
from fleetcast.testing.features import broken
from fleetcast.testing.shop import COVARIATES, FEATURES, RETURNS_WEEKS, shop

FIRST = date(2025, 1, 6)
LAST = FIRST + 39 * WEEK

MOMENTUM = """
import polars as pl

COLUMNS = {"momentum": "origin", "cheap": "week"}


def features(frame):
    series = ["store", "product"]
    return frame.with_columns(
        momentum=pl.col("units").rolling_mean(4, min_samples=1).over(series)
        - pl.col("units").rolling_mean(13, min_samples=1).over(series),
        cheap=pl.col("promotions.price") < 0.4,
    )
"""


@pytest.fixture
def package(tmp_path):
    """A package with the module `momentum`, in use."""
    made = own.Package(tmp_path / "src" / "shop")
    (made.folder / "features").mkdir(parents=True)
    (made.folder / "features" / "momentum.py").write_text(MOMENTUM)
    own.use(made)
    return made


def panel(cutoff=LAST):
    return shop(stores=2, products=3, weeks=40, first=FIRST).panel(cutoff)


def design(of, *names):
    return Design.of(of, FEATURES.model_copy(update={"own": names}), COVARIATES)


def column(made, name, examples):
    return examples.X[:, made.names.index(name)]


def test_a_feature_of_the_workspace_is_a_column_of_every_example(package):
    before, after = design(panel()), design(panel(), "momentum")
    assert set(after.names) - set(before.names) == {"own.momentum.momentum", "own.momentum.cheap"}
    examples = after.examples(training=True)
    assert np.isfinite(column(after, "own.momentum.momentum", examples)).all()
    assert set(column(after, "own.momentum.cheap", examples)) == {0.0, 1.0}


def test_a_column_of_the_week_is_read_at_the_week_and_one_of_the_past_where_units_were_final(package):
    made = design(panel(), "momentum")
    examples, of = made.examples(training=True), made.panel
    at, week = examples.row[0], examples.week[0]
    price = of.known["promotions.price"][at, week]
    assert column(made, "own.momentum.cheap", examples)[0] == float(price < 0.4)
    newest = week - examples.horizon[0] - RETURNS_WEEKS
    units = of.units[at, : newest + 1]
    expected = units[-4:].mean() - units[-13:].mean()
    assert column(made, "own.momentum.momentum", examples)[0] == pytest.approx(expected, rel=1e-5)


def test_a_week_has_the_same_features_when_it_is_trained_on_and_when_it_is_scored(package):
    origin = LAST - 6 * WEEK
    then, later = design(panel(origin), "momentum"), design(panel(), "momentum")
    scored = then.ahead(horizons=(2,))
    trained = later.ahead(origin=len(later.panel.weeks) - 1 - 2 - 6, horizons=(2,))
    for name in ("own.momentum.momentum", "own.momentum.cheap"):
        assert np.allclose(column(then, name, scored), column(later, name, trained))


def test_whatever_comes_after_the_cutoff_moves_no_feature_of_the_workspace(package):
    of = panel()
    cut = of.cutoff - 5
    spiked = replace(of, units=np.where(np.arange(of.units.shape[1]) > cut, 1e4, of.units))
    for name in ("own.momentum.momentum",):
        calm, wild = (
            column(made, name, made.ahead(origin=cut))
            for made in (design(of, "momentum"), design(spiked, "momentum"))
        )
        assert np.allclose(calm, wild)


def test_the_feature_spec_names_the_code_of_the_workspaces_features(package):
    before = design(panel(), "momentum").digest
    path = package.folder / "features" / "momentum.py"
    path.write_text(path.read_text().replace("13", "26"))
    assert design(panel(), "momentum").digest != before


def test_our_example_keeps_the_published_contract(package):
    assert broken("momentum", written.frame(panel())) == []


def test_a_declaration_that_says_otherwise_than_the_function_does_is_found(package):
    path = package.folder / "features" / "momentum.py"
    path.write_text(path.read_text().replace('"cheap": "week"', '"cheap": "origin"'))
    (problem,) = broken("momentum", written.frame(panel()))
    assert "what it reads is {'momentum': 'origin', 'cheap': 'week'}" in problem


FRAME = written.frame(panel())


def of_series(expression):
    return lambda frame: frame.with_columns(new=expression.over(["store", "product"]))


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (of_series(pl.col("units").shift(-1)), "new looks ahead"),
        (of_series(pl.col("units") - pl.col("units").mean()), "new looks ahead"),
        (of_series(pl.col("promotions.price").rank()), "reads weeks after its own"),
        (lambda frame: frame.with_columns(pl.col("units") * 2), "adds no column"),
        (lambda frame: frame.with_columns(new=pl.lit("x")), "a feature is a number"),
        (lambda frame: frame.head(5), "rows for"),
        (lambda frame: frame.sort("units").with_columns(new=1), "another order"),
        (lambda frame: frame.select("week"), "drops store, product"),
        (lambda frame: frame.insert_column(0, pl.lit(1).alias("new")), "changes the frame it is given"),
        (
            lambda frame: frame.with_columns(new=np.random.default_rng().random(frame.height)),
            "other values the second time",
        ),
        (lambda frame: None, "returns NoneType"),
    ],
)
def test_a_function_that_breaks_the_contract_is_told_how(function, problem):
    found = tried(function, written.frame(panel()))
    assert any(problem in each for each in found.problems), found.problems


@settings(max_examples=25)
@given(weeks=st.integers(-6, 6), window=st.integers(1, 6))
def test_a_window_that_ends_by_its_week_passes_and_one_that_does_not_is_found(weeks, window):
    function = of_series(pl.col("units").shift(weeks).rolling_mean(window))
    assert bool(tried(function, FRAME).problems) == (weeks < 0)


def test_a_frame_without_any_units_proves_nothing(package):
    blank = FRAME.with_columns(units=pl.lit(None, pl.Float64))
    (problem,) = tried(of_series(pl.col("units").shift(1)), blank).problems
    assert "cannot be tried" in problem


def test_a_column_that_is_not_declared_stops_training(package):
    path = package.folder / "features" / "momentum.py"
    path.write_text(path.read_text().replace(', "cheap": "week"', ""))
    with pytest.raises(ContractError, match="adds the column cheap, which COLUMNS does not declare"):
        design(panel(), "momentum")


def test_a_module_is_looked_for_by_name_in_the_package_alone(package):
    with pytest.raises(UsageError, match="no feature 'missing'"):
        design(panel(), "missing")
    with pytest.raises(UsageError, match="names no module of features"):
        package.module("features", "../conditioners/deliveries")
