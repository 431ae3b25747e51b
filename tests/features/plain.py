"""Every feature of one example, word for word as it is defined: a loop over the weeks that the origin knew."""

import numpy as np

from fleetcast.features.panel import Panel
from fleetcast.settings import CovariateSettings, FeatureSettings


class Plain:
    """A panel read the slow way, a series and an origin at a time."""

    def __init__(
        self, panel: Panel, settings: FeatureSettings, covariates: dict[str, CovariateSettings]
    ) -> None:
        self.panel, self.settings, self.covariates = panel, settings, covariates
        self.windows = sorted(settings.windows)
        self.plans = {name: self._plan(name) for name in panel.known}

    def log(self, s: int, week: int, origin: int) -> float:
        """Log units of a week as they were known at an origin; NaN where they were not."""
        panel, age = self.panel, origin - week
        if week < 0 or (week > panel.cutoff and age >= len(panel.seen)):
            return np.nan
        units = panel.seen[age, s, week] if age < len(panel.seen) else panel.units[s, week]
        return float(np.log1p(np.maximum(units, 0)))

    def known(self, s: int, origin: int, length: int | None = None) -> np.ndarray:
        first = 0 if length is None else max(0, origin - length + 1)
        logs = np.array([self.log(s, week, origin) for week in range(first, origin + 1)])
        return logs[~np.isnan(logs)]

    def own_level(self, s: int, origin: int) -> float:
        for logs in (self.known(s, origin, self.windows[-1]), self.known(s, origin)):
            if len(logs):
                return float(logs.mean())
        return np.nan

    def level(self, s: int, origin: int) -> float:
        own = self.own_level(s, origin)
        if not np.isnan(own):
            return own
        others = [self.own_level(o, origin) for o in range(len(self.panel)) if not self.waits(o, origin)]
        others = [level for level in others if not np.isnan(level)]
        return float(np.mean(others)) if others else 0.0

    def waits(self, s: int, origin: int) -> bool:
        borrows = (~self.panel.given[s] & ~np.isnan(self.panel.units[s])).any()
        return bool(borrows and not self.panel.given[s, : origin + 1].any())

    def lag(self, s: int, origin: int, age: int) -> float:
        return float(np.nan_to_num(self.log(s, origin - age, origin) - self.own_level(s, origin)))

    def mean(self, s: int, origin: int, length: int) -> float:
        logs = self.known(s, origin, length)
        return float(logs.mean() - self.own_level(s, origin)) if len(logs) else 0.0

    def store(self, s: int, origin: int, of) -> float:
        stores = self.panel.series["store"].to_list()
        mine = [o for o in range(len(stores)) if stores[o] == stores[s]]
        return float(np.mean([0.0 if self.waits(o, origin) else of(o) for o in mine]))

    def season(self, s: int, target: int, horizon: int, lag: int) -> tuple[float, float]:
        back = lag
        while back < horizon + len(self.panel.seen) + 1:
            back += lag
        weeks = [week for week in range(target - back - 1, target - back + 2) if week >= 0]
        logs = np.log1p(np.maximum(self.panel.units[s, weeks], 0)) if weeks else np.empty(0)
        logs = logs[~np.isnan(logs)]
        return (float(logs.mean() - self.level(s, target - horizon)), 1.0) if len(logs) else (0.0, 0.0)

    def features(self, s: int, target: int, horizon: int) -> dict[str, float]:
        """All but `alike`, which has a test of its own."""
        origin, place = target - horizon, self.panel.horizons.index(horizon)
        out = self.history(s, origin, horizon)
        for lag in self.settings.seasonal_lags:
            out[f"season{lag}"], out[f"has_season{lag}"] = self.season(s, target, horizon, lag)
        for name, values in self.panel.past.items():
            out[name] = float(np.nan_to_num(values[s, origin], nan=np.nanmean(values)))
        for name in self.plans:
            out |= self.planned(name, s, target, origin)
        out |= self.pairs(s, target)
        out |= {name: float(issued[place, s, target]) for name, issued in self.panel.issued.items()}
        angle = 2 * np.pi * self.panel.weeks[target].toordinal() / 365.2425
        for k in range(1, self.settings.harmonics + 1):
            out |= {f"sin{k}": float(np.sin(k * angle)), f"cos{k}": float(np.cos(k * angle))}
        for name, values in self.panel.static.items():
            out[name] = float(np.nan_to_num(values[s], nan=np.nanmean(values)))
        return out

    def history(self, s: int, origin: int, horizon: int) -> dict[str, float]:
        everything = self.known(s, origin)
        out = {
            "level": self.level(s, origin),
            "new": float(len(everything) == 0),
            "known_weeks": float(np.log1p(len(everything))),
            "horizon": float(horizon),
        }
        for age in self.settings.lags:
            out[f"lag{age}"] = self.lag(s, origin, age)
            if age == 0:
                out["store lag0"] = self.store(s, origin, lambda o: self.lag(o, origin, 0))
            if age < 2:
                out[f"lag{age}·horizon"] = horizon * out[f"lag{age}"]
        for length in self.windows[:-1]:
            out[f"mean{length}"] = self.mean(s, origin, length)
        longest = f"all-mean{self.windows[-1]}"
        out[longest] = self.mean(s, origin, origin + 1)  # the longest window's is the level
        for length in self.windows:
            if length >= 13:
                logs = self.known(s, origin, length)
                out[f"std{length}"] = float(logs.std()) if len(logs) else 0.0
                out[f"zero{length}"] = float((logs == 0).mean()) if len(logs) else 0.0
        shortest = f"mean{self.windows[0]}" if len(self.windows) > 1 else longest
        length = self.windows[0] if len(self.windows) > 1 else origin + 1
        out[f"store {shortest}"] = self.store(s, origin, lambda o: self.mean(o, origin, length))
        out[f"{shortest}·horizon"] = horizon * out[shortest]
        return out

    def _plan(self, name: str) -> np.ndarray:
        table, column = name.split(".")
        values = self.panel.known[name].astype(np.float64)
        if column not in self.covariates[table].log:
            return np.nan_to_num(values)
        for row in values:
            there = np.flatnonzero(~np.isnan(row))
            for week in range(len(row)):
                if len(there):
                    before = there[there <= week]
                    row[week] = row[before[-1] if len(before) else there[0]]
        return np.nan_to_num(values, nan=np.nanmean(values))

    def planned(self, name: str, s: int, target: int, origin: int) -> dict[str, float]:
        values, (table, column) = self.plans[name], name.split(".")
        out = {name: float(values[s, target])}
        for length in (1, 4, 13, 52):
            past = values[s, max(0, origin - length + 1) : origin + 1]
            out[f"{name}-mean{length}"] = float(values[s, target] - past.mean())
        for back in (1, 2):
            out[f"{name}-before{back}"] = float(values[s, max(0, target - back)])
        series, now = self.panel.series, values[:, target]
        if column in self.covariates[table].relative:
            beside = (
                (series["store"] == series["store"][s]) & (series["category"] == series["category"][s])
            ).to_numpy()
            others = beside & (np.arange(len(now)) != s)
            out[f"{name}-others"] = float(now[s] - now[others].mean()) if others.any() else 0.0
            out[f"{name}-lowest"] = float(now[s] - now[beside].min())
        if column in self.covariates[table].cross:
            for product in series["product"].unique():
                there = ((series["store"] == series["store"][s]) & (series["product"] == product)).to_numpy()
                out[f"{name}@{product}"] = float(now[there][0] if there.any() else now[s])
        return out

    def pairs(self, s: int, target: int) -> dict[str, float]:
        usual = {}
        for name in sorted(self.plans):
            values, (table, column) = self.plans[name][s], name.split(".")
            ratio = column in self.covariates[table].log
            usual[name] = values[target] - (values[max(0, target - 51) : target + 1].mean() if ratio else 0)
        names = list(usual)
        return {
            f"{one}×{other}": usual[one] * usual[other]
            for i, one in enumerate(names)
            for other in names[i + 1 :]
        }
