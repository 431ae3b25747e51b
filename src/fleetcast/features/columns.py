"""All feature columns of a panel, in a fixed order."""

from collections.abc import Iterator, Mapping

import numpy as np

from fleetcast.features import ahead
from fleetcast.features.column import F32, Column
from fleetcast.features.history import History
from fleetcast.features.panel import Panel
from fleetcast.settings import CovariateSettings, FeatureSettings

YEAR_DAYS = 365.2425
YEAR_WEEKS = 52
OWN_WAVES = (
    2  # waves of the year that each product has a slope of its own on; events would soak up its season
)


def columns(
    panel: Panel, settings: FeatureSettings, covariates: Mapping[str, CovariateSettings]
) -> list[Column]:
    """History as of the origin, what is known ahead as of the week itself; the same settings give the same names."""
    known = {name: ahead.filled(panel, name, covariates) for name in sorted(panel.known)}
    return [
        *History.of(panel, settings).columns(settings, known),
        *_past(panel),
        *ahead.columns(panel, known, settings, covariates),
        *_issued(panel, settings),
        *_calendar(panel, settings),
        *_static(panel),
    ]


def _past(panel: Panel) -> Iterator[Column]:
    """As known at the origin; whoever nobody knew of yet is as the average."""
    for name, values in sorted(panel.past.items()):
        yield Column(name, origin=_as_average(values))


def _issued(panel: Panel, settings: FeatureSettings) -> Iterator[Column]:
    for name, values in sorted(panel.issued.items()):
        if settings.weather if name.startswith("weather.") else settings.events:
            yield Column(name, target=values, slope=settings.interactions)


def _calendar(panel: Panel, settings: FeatureSettings) -> Iterator[Column]:
    S = len(panel)
    days = np.array([week.toordinal() for week in panel.weeks], np.float64)
    angle = 2 * np.pi * days / (YEAR_DAYS)
    whole_year = (
        panel.cutoff + 1 >= YEAR_WEEKS
    )  # a product's own season is told from its trend by nothing less
    for k in range(1, settings.harmonics + 1):
        for wave, of in (("sin", np.sin), ("cos", np.cos)):
            values = np.broadcast_to(of(k * angle).astype(np.float32), (S, len(days)))
            yield Column(
                f"{wave}{k}", target=values, slope=settings.interactions and whole_year and k <= OWN_WAVES
            )


def _static(panel: Panel) -> Iterator[Column]:
    for name, values in sorted(panel.static.items()):
        yield Column(name, target=np.broadcast_to(_as_average(values)[:, None], panel.units.shape))


def _as_average(values: F32) -> F32:
    """The values with their mean where there is none."""
    middle = np.nanmean(values) if not np.isnan(values).all() else np.float32(0)
    return np.where(np.isnan(values), middle, values).astype(np.float32)
