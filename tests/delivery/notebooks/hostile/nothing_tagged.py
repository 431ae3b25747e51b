# expect: nothing_tagged
# %% tags=["imports"]
import polars as pl

# %%
def features(frame):
    return frame.with_columns(recent=pl.col("units").rolling_mean(4, min_samples=1).over(["store", "product"]))


# %%
frame = pl.DataFrame(
    {"store": ["S1"] * 12, "product": ["P1"] * 12, "week": pl.date_range(pl.date(2026, 1, 5), pl.date(2026, 3, 23), "1w", eager=True)}
).with_columns(units=pl.int_range(12).cast(pl.Float64))
made = features(frame)
