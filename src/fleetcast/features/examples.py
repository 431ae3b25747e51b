"""Examples: the rows a model learns from or scores, stacked over horizons."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fleetcast.domain.errors import UsageError

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Examples:
    """n rows: one per (series, target week, horizon), with everything a forecast made h weeks earlier may see.

    `X` holds plain features only: a product's own slopes (`slopes` names the columns that get one) are
    made inside the linear model, and the net has embeddings instead.
    """

    X: F32  # [n, p], no NaN, not standardised
    names: tuple[str, ...]  # p
    slopes: tuple[int, ...]  # columns of X that each product has its own slope on
    horizon: npt.NDArray[np.int8]  # [n], weeks from origin to target, ≥ 1
    store: I32  # [n], index into `stores`
    product: I32  # [n], index into `products`
    stores: tuple[str, ...]  # of the whole panel, sorted
    products: tuple[str, ...]  # a successor goes by the product that its line began with
    week_of_year: npt.NDArray[np.int16]  # [n], 1 … 53
    week: I32  # [n], index of the target week into the panel's weeks
    row: I32  # [n], index of the series into the panel's series
    units: F64  # [n], net demand; NaN where it is not known; may be ≤ 0

    def __len__(self) -> int:
        return len(self.units)

    def take(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> "Examples":
        """The chosen rows, in the chosen order."""
        return replace(
            self,
            X=self.X[which],
            horizon=self.horizon[which],
            store=self.store[which],
            product=self.product[which],
            week_of_year=self.week_of_year[which],
            week=self.week[which],
            row=self.row[which],
            units=self.units[which],
        )

    @property
    def log_units(self) -> F64:
        """log(1 + units), with negative units as 0: [n], NaN where units are not known."""
        return np.log1p(np.maximum(self.units, 0.0))


def aligned(examples: Examples, names: tuple[str, ...]) -> Examples:
    """The examples with exactly these columns in this order; columns a model never saw are left out.

    An event that no table mentions any more has not happened: its column is 0.
    """
    if examples.names == names:
        return examples
    at = {name: j for j, name in enumerate(examples.names)}
    missing = [name for name in names if name not in at and not name.startswith("event.")]
    if missing:
        raise UsageError(
            f"the examples lack {len(missing)} feature(s) the model was trained with, such as {missing[0]}; "
            "train it again with the present feature settings."
        )
    X = np.zeros((len(examples), len(names)), np.float32)
    for j, name in enumerate(names):
        if name in at:
            X[:, j] = examples.X[:, at[name]]
    slopes = {examples.names[j] for j in examples.slopes}
    return replace(
        examples, X=X, names=names, slopes=tuple(j for j, name in enumerate(names) if name in slopes)
    )
