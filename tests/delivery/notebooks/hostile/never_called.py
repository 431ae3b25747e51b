# %% tags=["imports"]
import polars as pl

# %% tags=["features"]
def features(frame):  # expect: untried
    return frame.with_columns(one=pl.lit(1.0))
