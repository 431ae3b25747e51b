"""What is known ahead of a week: prices, promotions, plans, at the week itself and against their own past."""

from collections.abc import Iterator, Mapping

import numpy as np

from fleetcast.features import kernels
from fleetcast.features.column import F32, Column, codes, or_zero, summed
from fleetcast.features.panel import Panel
from fleetcast.settings import CovariateSettings, FeatureSettings

WINDOWS = (1, 4, 13, 52)  # weeks up to the origin that a value is compared with


def filled(panel: Panel, name: str, covariates: Mapping[str, CovariateSettings]) -> F32:
    """A known-ahead covariate without gaps: a ratio scale is carried on, anything else is 0 where no row says so."""
    values = panel.known[name]
    table, column = name.split(".", 1)
    if column not in covariates[table].log:
        return or_zero(values)
    carried = kernels.carried(values)
    middle = np.nanmean(carried) if not np.isnan(carried).all() else 0.0
    return np.where(np.isnan(carried), np.float32(middle), carried)


def columns(
    panel: Panel,
    known: Mapping[str, F32],
    settings: FeatureSettings,
    covariates: Mapping[str, CovariateSettings],
) -> Iterator[Column]:
    """Values at the week itself: plain, against their past, against other products, and each pair's product."""
    none = np.empty((0, *panel.units.shape))
    usual: dict[str, F32] = {}
    for name, values in known.items():
        table, column = name.split(".", 1)
        mean, *_ = kernels.windows(values.astype(np.float64), none, np.array([*WINDOWS, 0], np.int64))
        usual[name] = values - mean[-2] if column in covariates[table].log else values
        yield Column(name, target=values, slope=settings.interactions)
        for k, length in enumerate(WINDOWS):
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
    """Against the mean of the other products, and the lowest of all, in the same store, category and week."""
    group = codes(panel, "store", "category")
    size = np.bincount(group)[:, None]
    others = (summed(values, group)[group] - values) / np.maximum(size[group] - 1, 1)
    others = np.where(size[group] > 1, others, values)
    lowest = np.full((len(size), values.shape[1]), np.inf)
    np.minimum.at(lowest, group, values)
    for against, other in (("others", others), ("lowest", lowest[group])):
        apart = (values - other).astype(np.float32)
        yield Column(f"{name}-{against}", target=apart, slope=settings.interactions)


def _cross(panel: Panel, name: str, values: F32) -> Iterator[Column]:
    """Every product's value in the series' own store and week; the own value where the store has no such product."""
    store, product = codes(panel, "store"), panel.series["product"].to_list()
    for other in sorted(set(product)):
        row = np.full(int(store.max(initial=0)) + 1, -1)
        mine = np.array([p == other for p in product])
        row[store[mine]] = np.flatnonzero(mine)
        at = row[store]
        yield Column(f"{name}@{other}", target=np.where((at >= 0)[:, None], values[at], values), slope=True)
