"""What is known ahead of a week: prices, promotions, plans, at the week itself and against their own past."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fleetcast.features import kernels
from fleetcast.features.column import F32, I64, Cell, Column, Table, codes
from fleetcast.features.panel import Panel
from fleetcast.features.sharing import joint, shared
from fleetcast.settings import CovariateSettings, FeatureSettings

WINDOWS = (1, 4, 13, 52)  # weeks up to the origin that a value is compared with


@dataclass(frozen=True)
class Plan:
    """A known-ahead covariate without gaps, kept once for all series of one kind."""

    name: str  # table.column
    values: F32  # [G, W]
    kind: I64  # [S]
    log: bool
    relative: bool
    cross: bool

    @classmethod
    def of(cls, panel: Panel, name: str, covariates: Mapping[str, CovariateSettings]) -> "Plan":
        """A ratio scale is carried on, anything else is 0 where no row says so."""
        table, column = name.split(".", 1)
        settings = covariates[table]
        first, kind = shared(panel.known[name])
        rows = panel.known[name][first]
        log = column in settings.log
        values = _carried(rows, kind) if log else np.nan_to_num(rows, nan=0.0)
        return cls(name, values, kind, log, column in settings.relative, column in settings.cross)

    @property
    def spread(self) -> float:
        """The standard deviation over all series and weeks, from the mean of each series."""
        apart = self.values - self.values.mean(axis=1, keepdims=True, dtype=np.float64)
        return float(np.sqrt((apart**2).mean(axis=1) @ np.bincount(self.kind) / len(self.kind)))


def plans(panel: Panel, covariates: Mapping[str, CovariateSettings]) -> list[Plan]:
    """All of a panel, by name."""
    return [Plan.of(panel, name, covariates) for name in sorted(panel.known)]


def _carried(rows: F32, kind: I64) -> F32:
    """A series that has no value at all is as the average of the others."""
    values = kernels.carried(rows)
    none = np.isnan(values[:, 0])  # what is carried leaves no gap, or all of them
    weight = np.bincount(kind) * ~none
    means = np.where(none[:, None], 0, values).mean(axis=1, dtype=np.float64)
    values[none] = means @ weight / max(weight.sum(), 1)
    return values


def columns(panel: Panel, known: Sequence[Plan], settings: FeatureSettings) -> Iterator[Column]:
    """Values at the week itself: plain, against their past, against other products, and each pair's product."""
    usual: dict[str, F32] = {}
    for plan in known:
        name, values = plan.name, plan.values
        before = Table(kernels.means(values, np.array(WINDOWS, np.int64))[None], plan.kind)
        usual[name] = values - before.values[0, :, :, -1] if plan.log else values
        own, *shifted = Table.of_kinds(plan.kind, values, *(_shifted(values, back) for back in (1, 2))).cells
        yield Column(name, target=own, slope=settings.interactions)
        for length, mean in zip(WINDOWS, before.cells, strict=True):
            yield Column(f"{name}-mean{length}", target=own, origin=mean)
        for back, cell in enumerate(shifted, start=1):
            yield Column(f"{name}-before{back}", target=cell)
        if plan.relative:
            yield from _relative(panel, plan, settings)
        if plan.cross:
            yield from _cross(panel, plan.name, own.table)
    for i, one in enumerate(known):
        for other in known[i + 1 :]:
            first, kind = joint([one.kind, other.kind])
            both = usual[one.name][one.kind[first]] * usual[other.name][other.kind[first]]
            (cell,) = Table.of_kinds(kind, both).cells
            yield Column(f"{one.name}×{other.name}", target=cell, slope=settings.interactions)


def _shifted(values: F32, back: int) -> F32:
    return np.concatenate([np.repeat(values[:, :1], back, axis=1), values[:, :-back]], axis=1)


def _relative(panel: Panel, plan: Plan, settings: FeatureSettings) -> Iterator[Column]:
    """Against the mean of the other products, and the lowest of all, in the same store, category and week."""
    group = codes(panel, "store", "category")
    apart = kernels.against(plan.values, plan.kind, group, int(group.max(initial=-1)) + 1)
    cells = Table(apart[None], np.arange(len(panel))).cells
    for against, cell in zip(("others", "lowest"), cells, strict=True):
        yield Column(f"{plan.name}-{against}", target=cell, slope=settings.interactions)


def _cross(panel: Panel, name: str, own: Table) -> Iterator[Column]:
    """Every product's value in the series' own store and week; the own value where the store has no such product."""
    store, product = codes(panel, "store"), panel.series["product"].to_list()
    for other in sorted(set(product)):
        kinds = np.full(int(store.max(initial=0)) + 1, -1)
        mine = np.array([p == other for p in product])
        kinds[store[mine]] = own.kind[mine]
        there = kinds[store]
        seen = replace(own, kind=np.where(there >= 0, there, own.kind))
        yield Column(f"{name}@{other}", target=Cell(seen, 0), slope=True)
