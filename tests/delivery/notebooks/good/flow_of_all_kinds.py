# %% tags=["imports"]
import polars as pl

# %% tags=["features"]
def features(frame):
    return frame.with_columns(recent=pl.col("units").rolling_mean(4, min_samples=1).over(["store", "product"]))


# %%
frame = pl.DataFrame(
    {"store": ["S1"] * 12, "product": ["P1"] * 12, "week": pl.date_range(pl.date(2026, 1, 5), pl.date(2026, 3, 23), "1w", eager=True)}
).with_columns(units=pl.int_range(12).cast(pl.Float64))
made = features(frame)

# %%
try:
    import json as text
except ImportError as missing:
    print(missing)
from io import StringIO

with StringIO() as file:
    file.write("x")
for number, (left, right) in enumerate([(1, 2), (3, 4)]):
    total = number + left * right
if (size := made.height) > 3:
    label = "many"
else:
    label = "few"
match size:
    case 12 as dozen:
        print(dozen)
    case [head, *others]:
        print(head, others)
class Shape:
    sides: int = 3

    def area(self, width=2):
        return self.sides * width
area = (lambda shape: shape.area() + total)(Shape())
counts = {name: sum(1 for _ in name) for name in ["a", "bb"]}
