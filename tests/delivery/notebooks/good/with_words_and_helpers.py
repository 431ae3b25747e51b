# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # Steps
# 100 %% of `/home/ada` is only words, and so is `%time`.

# %% tags=["imports"]
import numpy as np
import polars as pl

# %% tags=["parameters"]
WEEKS = 4
WEIGHTS = {"a": 0.5}


# %% tags=["features"]
def smooth(column):
    """Of each series; a/b is no path."""
    return pl.col(column).rolling_mean(WEEKS, min_samples=1).over(["store", "product"])


def features(frame):
    columns = [name for name in frame.columns if name == "units"]
    found = []
    for name in columns:
        found.append(smooth(name).alias(f"{name}_smooth") * WEIGHTS["a"])
    return frame.with_columns(*found, half=pl.lit(float(np.float64(0.5))))


# %%
frame = pl.DataFrame(
    {"store": ["S1"] * 12, "product": ["P1"] * 12, "week": pl.date_range(pl.date(2026, 1, 5), pl.date(2026, 3, 23), "1w", eager=True)}
).with_columns(units=pl.int_range(12).cast(pl.Float64))
first, *rest = [value for value in range(3) if (double := value * 2) >= 0]
made = features(frame)
