# %% tags=["imports"]
import polars as pl

# %% tags=["recipe"]  # expect: tagged_cell
def fit(frame, *, seed):
    return {"level": frame["units"].mean()}
