"""LightGBM as Microsoft's forecasting repository trains it on orange juice: its features, its settings, no early stop."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from lightgbm import Dataset, train

from fleetcast.backtesting.origin import Origin

SETTINGS = {
    "objective": "mape",
    "num_leaves": 124,
    "min_data_in_leaf": 340,
    "learning_rate": 0.1,
    "feature_fraction": 0.65,
    "bagging_fraction": 0.87,
    "bagging_freq": 19,
    "num_threads": 1,
    "seed": 1,
    "deterministic": True,
    "verbose": -1,
}
TREES = 940
LAGS = range(2, 20)  # weeks; the same features serve both horizons, so the youngest one is two weeks old
AVERAGED = 40  # weeks of the moving average
CATEGORICAL = ["store", "brand", "deal"]


@dataclass(frozen=True)
class MicrosoftLightGBM:
    """One model of all stores and brands, fitted anew at every origin from `since` on."""

    since: date

    def forecast(self, origin: Origin, memory: None) -> tuple[pl.DataFrame, None]:  # noqa: ARG002 — it has none
        ahead = origin.ahead
        if origin.cutoff < self.since:
            return origin.forecasts(
                ahead, dict.fromkeys(("mape", "median", "mean"), np.zeros(len(ahead)))
            ).clear(), None
        panel, features = origin.design.panel, _features(origin)
        names, stacked = list(features), np.stack(list(features.values()), axis=-1)
        row, week = np.nonzero(~np.isnan(panel.units) & ~np.isnan(stacked).any(axis=-1))
        known = week <= panel.cutoff
        rows = Dataset(
            stacked[row[known], week[known]],
            label=panel.units[row[known], week[known]],
            feature_name=names,
            categorical_feature=CATEGORICAL,
        )
        model = train(SETTINGS, rows, num_boost_round=TREES)
        units = np.maximum(np.asarray(model.predict(stacked[ahead.row, ahead.week])), 0.0)
        return origin.forecasts(ahead, dict.fromkeys(("mape", "median", "mean"), units)), None


def _features(origin: Origin) -> dict[str, np.ndarray]:
    """Name → [S, W]: keys, calendar, what is planned, and what was sold two weeks before and earlier."""
    panel = origin.design.panel
    shape = panel.units.shape
    units = panel.units.copy()
    units[:, panel.cutoff + 1 :] = np.nan
    price = np.exp(panel.known["promotions.price"])
    store = panel.series["store"].rank("dense").to_numpy() - 1
    brand = panel.series["product"].rank("dense").to_numpy() - 1
    first_days = [week + timedelta(days=3) for week in panel.weeks]  # the data's weeks begin on Thursday
    per_week = {
        "week": np.arange(shape[1]),
        "week_of_month": np.array([(day.day - 1) // 7 + 1 for day in first_days]),
        "month": np.array([day.month for day in first_days]),
    }
    features = {
        "store": np.broadcast_to(store[:, None], shape),
        "brand": np.broadcast_to(brand[:, None], shape),
        **{name: np.broadcast_to(values, shape) for name, values in per_week.items()},
        "deal": np.nan_to_num(panel.known["promotions.deal"]),
        "feat": np.nan_to_num(panel.known["promotions.feat"]),
        "price": price,
        "price_ratio": price / _mean_of_store(price, store),
    }
    lags = {f"lag{lag}": _before(units, lag) for lag in LAGS}
    with np.errstate(invalid="ignore"):
        averaged = np.stack([_before(units, 2 + back) for back in range(AVERAGED)])
        count = (~np.isnan(averaged)).sum(axis=0)
        average = np.nansum(averaged, axis=0) / np.maximum(count, 1)
    filled = {name: np.where(np.isnan(values), average, values) for name, values in lags.items()}
    average = np.where(count > 0, average, np.nan)
    return {name: np.asarray(v, np.float64) for name, v in (features | filled | {"average": average}).items()}


def _mean_of_store(price: np.ndarray, store: np.ndarray) -> np.ndarray:
    total = np.zeros((store.max() + 1, price.shape[1]))
    np.add.at(total, store, price)
    return total[store] / np.bincount(store)[store][:, None]


def _before(units: np.ndarray, weeks: int) -> np.ndarray:
    return np.concatenate([np.full((len(units), weeks), np.nan), units[:, :-weeks]], axis=1)
