"""The feature columns of a panel: history as of the origin, what is known ahead as of the week itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.features import kernels
from fleetcast.features.panel import Panel
from fleetcast.settings import CovariateSettings, FeatureSettings

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

COVARIATE_WINDOWS = (1, 4, 13, 52)  # weeks up to the origin that a known-ahead value is compared with
STEADY_WEEKS = 13  # shortest window whose spread and share of zeros mean something
FADING_LAGS = 2  # youngest lags whose weight changes with the horizon
YEAR_WEEKS = 365.2425 / 7


@dataclass(frozen=True)
class Column:
    """One feature: `target` read at the week itself (or its slice of the horizon), `origin` h weeks before it.

    With both, the feature is target − origin. `slope`: each product gets a slope of its own.
    """

    name: str
    target: F32 | None = None  # [S, W], or [H, S, W] as issued
    origin: F32 | None = None  # [S, W]
    slope: bool = False
    by_horizon: bool = False  # times the horizon: what history is worth fades with it


def columns(
    panel: Panel, settings: FeatureSettings, covariates: dict[str, CovariateSettings]
) -> list[Column]:
    """All features of a panel, in a fixed order."""
    known = {name: _filled(panel, name, covariates) for name in sorted(panel.known)}
    return [
        *_history(panel, settings),
        *_past(panel),
        *_ahead(panel, known, settings, covariates),
        *_issued(panel, settings),
        *_calendar(panel, settings),
        *_static(panel),
    ]


def _history(panel: Panel, settings: FeatureSettings) -> Iterator[Column]:
    logs, seen = np.log1p(np.maximum(panel.units, 0)), np.log1p(np.maximum(panel.seen, 0))
    logs[:, panel.cutoff + 1 :] = np.nan
    lengths = np.array([*sorted(settings.windows), 0], np.int64)
    mean, std, zero, count = kernels.windows(logs, seen, lengths)
    level = _level(mean)
    yield Column("level", origin=level, slope=True)
    yield Column("new", origin=np.isnan(mean[-1]).astype(np.float32))
    yield Column("known_weeks", origin=np.log1p(count[-1]))
    yield Column("horizon", target=np.ones_like(level), by_horizon=True)
    for age, values in zip(
        settings.lags, kernels.lags(logs, seen, np.array(settings.lags, np.int64)), strict=True
    ):
        yield Column(f"lag{age}", origin=_or_zero(values - level))
        if age == 0:
            yield _of_store(panel, f"lag{age}", _or_zero(values - level))
        if age < FADING_LAGS:
            yield Column(f"lag{age}·horizon", origin=_or_zero(values - level), by_horizon=True)
    for k, length in enumerate(lengths[:-1]):
        yield Column(f"mean{length}", origin=_or_zero(mean[k] - level))
        if k == 0:
            yield _of_store(panel, f"mean{length}", _or_zero(mean[k] - level))
        if k == 0:
            yield Column(f"mean{length}·horizon", origin=_or_zero(mean[k] - level), by_horizon=True)
        if length >= STEADY_WEEKS:
            yield Column(f"std{length}", origin=_or_zero(std[k]))
            yield Column(f"zero{length}", origin=_or_zero(zero[k]))
    for lag in settings.seasonal_lags:
        yield from _season(panel, logs, level, lag)


def _of_store(panel: Panel, name: str, values: F32) -> Column:
    """The same, averaged over all products of the store: what happens to the store happens to each of them."""
    store = _codes(panel, "store")
    total = np.zeros((int(store.max(initial=0)) + 1, values.shape[1]))
    np.add.at(total, store, values)
    size = np.bincount(store, minlength=len(total))[:, None]
    return Column(f"store {name}", origin=(total / np.maximum(size, 1))[store].astype(np.float32))


def known_weeks(panel: Panel) -> F32:
    """[S, W]: how many weeks of a series were known at each origin."""
    return np.cumsum(~np.isnan(panel.units), axis=1).astype(np.float32)


def _level(mean: F32) -> F32:
    """[S, W]: mean of the longest window, else that of all series at the origin."""
    level = np.where(np.isnan(mean[-2]), mean[-1], mean[-2])
    known = ~np.isnan(level)
    total = np.where(known, level, 0).sum(axis=0)
    everywhere = total / np.maximum(known.sum(axis=0), 1)
    return np.asarray(np.where(known, level, everywhere[None, :]), np.float32)


def _season(panel: Panel, logs: F64, level: F32, lag: int) -> Iterator[Column]:
    """The three weeks around `lag` weeks before the target, against the level at the origin."""
    S, W = logs.shape
    around = np.full((3, S, W), np.nan)
    for k, shift in enumerate((lag - 1, lag, lag + 1)):
        if shift >= max(panel.horizons) + panel.seen.shape[0] and shift < W:
            around[k, :, shift:] = logs[:, : W - shift]
    known = ~np.isnan(around)
    count = known.sum(axis=0)
    mean = np.where(known, around, 0).sum(axis=0) / np.maximum(count, 1)
    yield Column(f"season{lag}", target=np.where(count > 0, mean, np.nan).astype(np.float32), origin=level)
    yield Column(f"has_season{lag}", target=(count > 0).astype(np.float32))


def _past(panel: Panel) -> Iterator[Column]:
    for name in sorted(panel.past):
        yield Column(name, origin=_or_zero(kernels.carried(panel.past[name])))


def _filled(panel: Panel, name: str, covariates: dict[str, CovariateSettings]) -> F32:
    """A known-ahead covariate without gaps: a ratio scale is carried on, anything else is 0 where no row says so."""
    values = panel.known[name]
    table, column = name.split(".", 1)
    if column not in covariates[table].log:
        return _or_zero(values)
    carried = kernels.carried(values)
    middle = np.nanmean(carried) if not np.isnan(carried).all() else 0.0
    return np.where(np.isnan(carried), np.float32(middle), carried)


def _ahead(
    panel: Panel, known: dict[str, F32], settings: FeatureSettings, covariates: dict[str, CovariateSettings]
) -> Iterator[Column]:
    none = np.empty((0, *panel.units.shape))
    usual: dict[str, F32] = {}
    for name, values in known.items():
        table, column = name.split(".", 1)
        mean, *_ = kernels.windows(
            values.astype(np.float64), none, np.array([*COVARIATE_WINDOWS, 0], np.int64)
        )
        usual[name] = values - mean[-2] if column in covariates[table].log else values
        yield Column(name, target=values, slope=settings.interactions)
        for k, length in enumerate(COVARIATE_WINDOWS):
            yield Column(f"{name}-mean{length}", target=values, origin=mean[k])
        for back in (1, 2):
            yield Column(f"{name}-before{back}", target=_shifted(values, back))
        if column in covariates[table].relative:
            yield from _relative(panel, name, values, settings)
        if column in covariates[table].cross:
            yield from _cross(panel, name, values)
    names = list(usual)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            yield Column(
                f"{first}×{second}", target=usual[first] * usual[second], slope=settings.interactions
            )


def _shifted(values: F32, back: int) -> F32:
    return np.concatenate([np.repeat(values[:, :1], back, axis=1), values[:, :-back]], axis=1)


def _relative(panel: Panel, name: str, values: F32, settings: FeatureSettings) -> Iterator[Column]:
    """Against the other products of the same store and category in the same week."""
    group = _codes(panel, "store", "category")
    groups = int(group.max(initial=0)) + 1
    total = np.zeros((groups, values.shape[1]))
    lowest = np.full((groups, values.shape[1]), np.inf)
    np.add.at(total, group, values)
    np.minimum.at(lowest, group, values)
    size = np.bincount(group, minlength=groups)[:, None]
    others = _others(total, size, group, values)
    yield Column(f"{name}-others", target=(values - others).astype(np.float32), slope=settings.interactions)
    yield Column(
        f"{name}-lowest", target=(values - lowest[group]).astype(np.float32), slope=settings.interactions
    )


def _others(total: F64, size: I64, group: I64, values: F32) -> F64:
    alone = size[group] <= 1
    return np.where(alone, values, (total[group] - values) / np.maximum(size[group] - 1, 1))


def _cross(panel: Panel, name: str, values: F32) -> Iterator[Column]:
    """Every product's value in the series' own store and week; the own value where the store has no such product."""
    store, product = _codes(panel, "store"), panel.series["product"].to_list()
    for other in sorted(set(product)):
        row = np.full(int(store.max(initial=0)) + 1, -1)
        mine = np.array([p == other for p in product])
        row[store[mine]] = np.flatnonzero(mine)
        at = row[store]
        yield Column(f"{name}@{other}", target=np.where((at >= 0)[:, None], values[at], values), slope=True)


def _issued(panel: Panel, settings: FeatureSettings) -> Iterator[Column]:
    for name, values in sorted(panel.issued.items()):
        weather = name.startswith("weather.")
        if settings.weather if weather else settings.events:
            yield Column(name, target=values, slope=weather and settings.interactions)


def _calendar(panel: Panel, settings: FeatureSettings) -> Iterator[Column]:
    S = len(panel)
    days = np.array([week.toordinal() for week in panel.weeks], np.float64)
    angle = 2 * np.pi * days / (7 * YEAR_WEEKS)
    for k in range(1, settings.harmonics + 1):
        for wave, of in (("sin", np.sin), ("cos", np.cos)):
            yield Column(
                f"{wave}{k}", target=np.broadcast_to(of(k * angle).astype(np.float32), (S, len(days)))
            )


def _static(panel: Panel) -> Iterator[Column]:
    for name, values in sorted(panel.static.items()):
        middle = np.nanmean(values) if not np.isnan(values).all() else np.float32(0)
        filled = np.where(np.isnan(values), middle, values).astype(np.float32)
        yield Column(name, target=np.broadcast_to(filled[:, None], panel.units.shape))


def _codes(panel: Panel, *keys: str) -> I64:
    """[S]: a dense code of the series' values in these columns."""
    held = [key for key in keys if key in panel.series.columns]
    return panel.series.select(pl.struct(held).rank("dense"))[held[0]].to_numpy().astype(np.int64) - 1


def _or_zero(values: F32 | F64) -> F32:
    return np.nan_to_num(values.astype(np.float32), nan=0.0)
