"""`nb new`: a notebook that runs from top to bottom before anything is written in it."""

from pathlib import Path

from fleetcast.delivery.notebooks.overrides import Override
from fleetcast.delivery.notebooks.percent import place
from fleetcast.domain.errors import UsageError

_HEAD = """# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # {title}
# What is tried here, and why it should help.

# %% tags=["imports"]
{imports}import polars as pl

import fleetcast

# %% tags=["parameters"]
WEEKS = 8

# %% [markdown]
# What production has for a segment: the same frames, split and seed.

# %%
session = fleetcast.session({segment})
session.split
"""

_FEATURES = """
# %%
session.frame

# %% [markdown]
# One row per series and week in, the same rows with more columns out. A week's value may read that week and earlier ones.


# %% tags=["features"]
def features(frame: pl.DataFrame) -> pl.DataFrame:
    recent = pl.col("units").rolling_mean(WEEKS, min_samples=1).over(["store", "product"])
    return frame.with_columns(recent=recent)


# %%
features(session.frame).select("store", "product", "week", "units", "recent")

# %% [markdown]
# What the fleet would be with it: validated, trained, scored and judged on local data.

# %%
diff = session.try_(features)
print(diff)
"""

_RECIPE = """
# %%
session.examples

# %% [markdown]
# A model is a dict of arrays, numbers, texts, lists: what is stored. Forecasts are units per week, for each functional.
# `explain` may be left out: what each driver adds to log(1 + median), for `fleetcast explain`.


# %% tags=["recipe"]
def fit(frame: pl.DataFrame, *, seed: int) -> dict[str, Any]:
    recent = frame.filter(pl.col("units") >= 0)
    usual = recent.group_by("store", "product").agg(pl.col("units").tail(WEEKS).median()).sort("store", "product")
    return {"usual": [list(row) for row in usual.iter_rows()], "everyone": recent["units"].median()}


def predict(model: dict[str, Any], frame: pl.DataFrame) -> pl.DataFrame:
    schema = {"store": pl.String, "product": pl.String, "units_hat": pl.Float64}
    usual = pl.DataFrame(model["usual"], schema=schema, orient="row")
    found = frame.join(usual, on=["store", "product"], how="left", maintain_order="left")
    hat = pl.col("units_hat").fill_null(model["everyone"])
    return found.select(mape=hat, median=hat, mean=hat)


def explain(model: dict[str, Any], frame: pl.DataFrame) -> pl.DataFrame:
    return predict(model, frame).select(level=pl.col("median").log1p())


# %%
model = fit(session.examples, seed=session.seed)
predict(model, session.ahead)

# %%
explain(model, session.ahead)

# %% [markdown]
# What the fleet would be with it: validated, trained, scored and judged on local data.

# %%
diff = session.try_(fit, predict, explain)
print(diff)
"""


def new(workspace: Path, name: str, *, segment: str | None = None, override: Override = "features") -> Path:
    """Write it; one that is there is never overwritten."""
    path = place(workspace, name)
    if path.exists():
        raise UsageError(f"{path} is there already; choose another name, or go on in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(name, segment=segment, override=override), "utf-8")
    return path


def text(name: str, *, segment: str | None = None, override: Override = "features") -> str:
    """The template, filled in."""
    head = _HEAD.format(
        title=name.replace("_", " ").capitalize(),
        segment=f'segment="{segment}"' if segment else "",
        imports="from typing import Any\n\n" if override == "recipe" else "",
    )
    return head + (_FEATURES if override == "features" else _RECIPE)
