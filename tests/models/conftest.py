"""Examples of a made-up market in which everything that matters is known."""

from collections.abc import Callable

import numpy as np
import pytest

from fleetcast.features.examples import Examples


def _market(
    n: int = 600, *, products: int = 3, noise: float = 0.3, seed: int = 1, level: float = 3.0
) -> Examples:
    """log units = level + product + own price slope × price + 0.5 × history, and noise."""
    random = np.random.default_rng(seed)
    X = random.normal(0, 1, (n, 5)).astype(np.float32)
    X[:, 4] = 1.0  # a column that never moves
    product = random.integers(0, products, n).astype(np.int32)
    slope = np.linspace(-1.0, 0.5, products)[product]
    logs = level + 0.2 * product + slope * X[:, 0] + 0.5 * X[:, 1] + random.normal(0, noise, n)
    return Examples(
        X=X,
        names=("price", "history", "idle", "season", "constant"),
        slopes=(0,),
        horizon=random.integers(1, 3, n).astype(np.int8),
        store=random.integers(0, 4, n).astype(np.int32),
        product=product,
        stores=tuple("ABCD"),
        products=tuple(f"{i:05d}" for i in range(products)),
        week_of_year=random.integers(1, 54, n).astype(np.int16),
        week=random.integers(0, 100, n).astype(np.int32),
        row=np.arange(n, dtype=np.int32),
        units=np.maximum(np.round(np.expm1(logs)), 0.0),
    )


@pytest.fixture(scope="session")
def market() -> Callable[..., Examples]:
    return _market
