import re

import numpy as np
import pytest

from fleetcast import own
from fleetcast.domain.errors import CorruptError, DataError
from fleetcast.models import explaining, recipes
from fleetcast.models.recipes import door
from fleetcast.settings import TrainingSettings
from fleetcast.testing.recipes import broken, examples

LEVELS = """
import polars as pl


def fit(frame, *, seed):
    known = frame.filter(pl.col("units") >= 0)
    usual = known.group_by("product").agg(pl.col("units").median()).sort("product")
    return {"usual": dict(usual.iter_rows()), "everyone": known["units"].median()}


def predict(model, frame):
    usual = pl.col("product").replace_strict(model["usual"], default=model["everyone"], return_dtype=pl.Float64)
    return frame.select(usual.alias(name) for name in ("mape", "median", "mean"))
"""
EXPLAIN = """

def explain(model, frame):
    usual = predict(model, frame)["median"].log1p()
    return frame.select(half=usual / 2, lag0=usual / 4 + 5)
"""


@pytest.fixture
def package(tmp_path):
    """A package with the recipe `levels`, in use."""
    made = own.Package(tmp_path / "src" / "shop")
    (made.folder / "recipes").mkdir(parents=True)
    (made.folder / "recipes" / "levels.py").write_text(LEVELS)
    own.use(made)
    return made


def rewritten(package, old, new):
    path = package.folder / "recipes" / "levels.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def explaining_itself(package):
    path = package.folder / "recipes" / "levels.py"
    path.write_text(path.read_text() + EXPLAIN)


def test_two_plain_functions_are_a_recipe_that_keeps_the_contract(package):
    assert broken(door("own:levels"), TrainingSettings(), examples()) == []


def test_a_recipe_of_the_workspace_is_among_the_names(package):
    assert recipes.names()[-1] == "own:levels"


def test_a_stored_model_is_read_by_the_code_that_fitted_it_and_by_no_other(package):
    fitted = door("own:levels").make(TrainingSettings()).fit(examples(), seed=1)
    assert recipes.load(fitted.dump()).values == fitted.values
    rewritten(package, "median()", "mean()")
    with pytest.raises(CorruptError, match=r"fitted by other code than recipes/levels\.py is now"):
        recipes.load(fitted.dump())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("return {", "return [", "fit returns list"),
        ('"everyone": known["units"].median()', '"everyone": known', "cannot be stored"),
        ("return frame.select(", "return list(", "predict returns list"),
        ('"median", "mean")', '"median")', "gives no mean"),
        ("frame.select(", "frame.head(1).select(", "gives 1 rows for"),
        ("usual.alias(name)", "(-usual).alias(name)", "mape is not finite and ≥ 0"),
    ],
)
def test_what_no_fleet_could_use_is_an_error_that_says_so(package, old, new, problem):
    if new == "return [":
        rewritten(package, '{"usual": dict(usual.iter_rows()), "everyone": known["units"].median()}', "[1]")
    else:
        rewritten(package, old, new)
    learned = examples()
    with pytest.raises(DataError, match=problem):
        door("own:levels").make(TrainingSettings()).fit(learned, seed=1).predict(learned)


def test_a_model_is_arrays_and_what_json_can_say(package):
    rewritten(package, '"everyone": ', '"weights": __import__("numpy").ones(3), "everyone": ')
    fitted = door("own:levels").make(TrainingSettings()).fit(examples(), seed=1)
    assert np.array_equal(fitted.dump().arrays["weights"], np.ones(3))


# ------------------------------------------------------------ explanations


def test_what_explain_says_and_what_it_leaves_are_the_whole_forecast(package):
    explaining_itself(package)
    rows = examples()
    fitted = door("own:levels").make(TrainingSettings()).fit(rows, seed=1)
    apart = explaining.contributions(fitted, rows, rows)
    logs = np.log1p(fitted.predict(rows)["median"])
    assert np.allclose(apart.base + apart.values.sum(axis=1), logs)
    assert apart.base == pytest.approx(logs.mean())
    drivers, values = apart.by_driver()
    against = (logs - logs.mean())[:, None]  # a part's own constant, as + 5, tells no forecast from another
    told = dict(zip(drivers, values.T, strict=True))
    assert set(told) == {
        "half",
        "recent weeks",
        "unexplained",
        "bounds",
    }  # lag0 is a feature, and of the recent weeks
    for name, share in {"half": 0.5, "recent weeks": 0.25, "unexplained": 0.25, "bounds": 0.0}.items():
        assert np.allclose(told[name], share * against[:, 0])


def test_a_recipe_that_says_nothing_cannot_be_taken_apart(package):
    fitted = door("own:levels").make(TrainingSettings()).fit(examples(), seed=1)
    assert not explaining.explainable(fitted)
    explaining_itself(package)
    assert explaining.explainable(door("own:levels").make(TrainingSettings()).fit(examples(), seed=1))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "return frame.select(half",
            "return dict(half",
            "explain returns dict; return a frame with a column for each",
        ),
        ("lag0=usual / 4 + 5)", "lag0=usual / 4).head(1)", "gives 1 rows for"),
        ("half=usual / 2", "half=usual.cast(pl.String)", "half is of type String"),
        ("half=usual / 2", "half=usual / 0", "half is not finite"),
        ("half=usual / 2", "half=usual.exp() * 9", "its parts do not make the forecasts"),
    ],
)
def test_an_explanation_that_nobody_could_read_breaks_the_contract(package, old, new, problem):
    explaining_itself(package)
    rewritten(package, old, new)
    (said,) = broken(door("own:levels"), TrainingSettings(), examples())
    assert re.search(problem, said)


def test_columns_that_come_and_go_are_an_error_that_says_so(package):
    explaining_itself(package)
    rewritten(package, "return frame.select(half=usual / 2, ", "return frame.select(")
    rewritten(package, "lag0=usual / 4 + 5)", "usual.alias(f'of {frame.height} rows'))")
    rows = examples()
    fitted = door("own:levels").make(TrainingSettings()).fit(rows, seed=1)
    with pytest.raises(DataError, match="explain gives other columns for other rows"):
        explaining.contributions(fitted, rows.take(np.arange(3)), rows)
