import numpy as np
import pytest

from fleetcast import own
from fleetcast.domain.errors import CorruptError, DataError
from fleetcast.models import recipes
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
