# %% tags=["imports"]
import polars as pl

# %% tags=["explain"]  # expect: tagged_cell
def explain(model, frame):
    return frame
