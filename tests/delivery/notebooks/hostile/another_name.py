# %% tags=["imports"]
import polars as pl

# %% tags=["features"]  # expect: tagged_cell
def my_features(frame):
    return frame.with_columns(one=pl.lit(1.0))

# %%
my_features(pl.DataFrame())
