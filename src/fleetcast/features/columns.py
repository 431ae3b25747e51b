"""All feature columns of a panel, in a fixed order."""

from collections.abc import Iterator, Mapping

import numpy as np

from fleetcast.features import ahead, written
from fleetcast.features.column import F32, Column, Table
from fleetcast.features.history import History
from fleetcast.features.panel import Panel
from fleetcast.settings import CovariateSettings, FeatureSettings

YEAR_DAYS = 365.2425
YEAR_WEEKS = 52
OWN_WAVES = (
    2  # waves of the year that each product has a slope of its own on; events would soak up its season
)


def columns(
    panel: Panel,
    settings: FeatureSettings,
    covariates: Mapping[str, CovariateSettings],
    *,
    since: int = 0,
) -> list[Column]:
    """History as of the origin, what is known ahead as of the week itself; the same settings give the same names.

    They are good for targets from the week of index `since` on.
    """
    plans = ahead.plans(panel, covariates)
    return [
        *History.of(panel, settings, since).columns(settings, plans),
        *_past(panel),
        *ahead.columns(panel, plans, settings),
        *_issued(panel, settings),
        *_calendar(panel, settings),
        *_static(panel),
        *written.columns(panel, settings.own),
    ]


def _past(panel: Panel) -> Iterator[Column]:
    """As known at the origin; whoever nobody knew of yet is as the average."""
    names = sorted(panel.past)
    if names:
        cells = Table.of(*(_as_average(panel.past[name]) for name in names)).cells
        yield from (Column(name, origin=cell) for name, cell in zip(names, cells, strict=True))


def _issued(panel: Panel, settings: FeatureSettings) -> Iterator[Column]:
    names = [
        name
        for name in sorted(panel.issued)
        if (settings.weather if name.startswith("weather.") else settings.events)
    ]
    if names:
        cells = Table.of(*(panel.issued[name] for name in names)).cells
        for name, cell in zip(names, cells, strict=True):
            yield Column(name, target=cell, slope=settings.interactions)


def _calendar(panel: Panel, settings: FeatureSettings) -> Iterator[Column]:
    days = np.array([week.toordinal() for week in panel.weeks], np.float64)
    angle = 2 * np.pi * days / YEAR_DAYS
    whole_year = (
        panel.cutoff + 1 >= YEAR_WEEKS
    )  # a product's own season is told from its trend by nothing less
    waves = [
        (k, name, of(k * angle).astype(np.float32)[None])
        for k in range(1, settings.harmonics + 1)
        for name, of in (("sin", np.sin), ("cos", np.cos))
    ]
    if waves:
        everyone = np.zeros(len(panel), np.int64)
        cells = Table.of_kinds(everyone, *(values for _, _, values in waves)).cells
        for (k, name, _), cell in zip(waves, cells, strict=True):
            own = settings.interactions and whole_year and k <= OWN_WAVES
            yield Column(f"{name}{k}", target=cell, slope=own)


def _static(panel: Panel) -> Iterator[Column]:
    names = sorted(panel.static)
    if names:
        cells = Table.of(*(_as_average(panel.static[name])[:, None] for name in names)).cells
        yield from (Column(name, target=cell) for name, cell in zip(names, cells, strict=True))


def _as_average(values: F32) -> F32:
    """The values with their mean where there is none."""
    middle = np.nanmean(values) if not np.isnan(values).all() else np.float32(0)
    return np.where(np.isnan(values), middle, values).astype(np.float32)
