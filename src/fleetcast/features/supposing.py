"""A panel in which something known ahead is otherwise: a price, a promotion, the weather of a week to come.

The change is made in the panel and its features are made anew, so that all that is computed from it moves with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.errors import UsageError, some
from fleetcast.features.panel import F32, F64, Panel, places_of
from fleetcast.features.surroundings import normal_weather
from fleetcast.settings import CovariateSettings

Bools = npt.NDArray[np.bool_]

EVENT = "event."
DAYS = 7  # that an event may have in a week


def named(panel: Panel, column: str) -> str:
    """The covariate that is meant: `price` is enough for `promotions.price` where no other table has one."""
    names = [*panel.known, *panel.issued]
    meant = [name for name in names if column in (name, name.split(".", 1)[1])]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise UsageError(f"{column} is a column of several tables; write one of {', '.join(sorted(meant))}")
    if any(column in (name, name.split(".", 1)[1]) for name in (*panel.past, *panel.static)):
        raise UsageError(
            f"{column} is not known ahead, so nothing can be supposed of it; {_known(names, column)}"
        )
    raise UsageError(f"nothing that is known ahead is called {column!r}; {_known(names, column)}")


def _known(names: Sequence[str], column: str) -> str:
    return (
        f"there are {some(names, like=column)}"
        if names
        else "this fleet has no covariates that are known ahead"
    )


def supposing(
    panel: Panel,
    rows: Bools,
    weeks: Sequence[int],
    supposed: Mapping[str, float],
    *,
    covariates: Mapping[str, CovariateSettings],
    normal: Mapping[str, F64],
) -> Panel:
    """The panel in which these series [S] have other values in these weeks (indexes).

    Args:
        panel: what is known.
        rows: which series.
        weeks: which weeks.
        supposed: values by name (see `named`), as a person says them: a price in money, °C and mm a day on average over
            the week, an event in days.
        covariates: which columns are read as logarithms.
        normal: by name [S, W], the seasonal normal that weather is told against.
    """
    known, issued = dict(panel.known), dict(panel.issued)
    cells = np.ix_(np.flatnonzero(rows), np.asarray(weeks, np.int64))
    for name, value in supposed.items():
        if not np.isfinite(value):
            raise UsageError(f"{name} = {value} is no number; write one")
        if name in known:
            known[name] = known[name].copy()
            known[name][cells] = _planned(name, value, covariates)
        else:
            issued[name] = issued[name].copy()
            issued[name][:, cells[0], cells[1]] = _announced(name, value, cells, normal)
    return replace(panel, known=known, issued=issued)


def normal(
    panel: Panel, weather: pl.DataFrame, stores: pl.DataFrame, *, ready_after_days: int
) -> dict[str, F64]:
    """By name [S, W], the weather that the season has at each series' place; that of all places where none is known.

    `stores` are STORES rows as known at the cutoff, `weather` is bitemporal.
    """
    cutoff: date = panel.weeks[panel.cutoff]
    places, place = places_of(panel.series, stores)
    made = normal_weather(weather, places, panel.weeks, cutoff=cutoff, ready_after_days=ready_after_days)
    return {
        f"weather.{name}": np.vstack([values, values.mean(axis=0)])[place]  # −1 is the last row
        for name, values in made.items()
    }


def _planned(name: str, value: float, covariates: Mapping[str, CovariateSettings]) -> np.float32:
    table, column = name.split(".", 1)
    if column not in covariates[table].log:
        return np.float32(value)
    if value <= 0:
        raise UsageError(f"{name} = {value:g} cannot be: it acts by its ratios, so it is more than 0")
    return np.float32(np.log(np.float32(value)))


def _announced(
    name: str, value: float, cells: tuple[Any, ...], normal: Mapping[str, F64]
) -> F32 | np.float32:
    if name.startswith(EVENT):
        if not 0 <= value <= DAYS:
            raise UsageError(
                f"{name} = {value:g} cannot be: it says on how many days of the week, 0 to {DAYS}"
            )
        return np.float32(value / DAYS)
    if name.endswith("precipitation"):
        if value < 0:
            raise UsageError(f"{name} = {value:g} cannot be: it is in mm a day, at least 0")
        value = np.log1p(value)
    return np.asarray(value - normal[name][cells], np.float32)
