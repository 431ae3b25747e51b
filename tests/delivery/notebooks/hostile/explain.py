# %% tags=["imports"]
import polars as pl

# %% tags=["explain"]  # expect: unsupported
def explain(model, frame):
    return frame
