"""Effects a person can read: by how much the forecast moves when one thing in the world is different.

A change is made in the panel and its features are made anew, so that everything that is computed from it (a price
against its past, its products with others, weeks that were alike) moves with it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from fleetcast.features.design import Design
from fleetcast.features.examples import Examples
from fleetcast.features.panel import Panel
from fleetcast.models.explaining import EVENTS, RECENT, WEATHER, Explained, members
from fleetcast.models.longterm import FittedLongTerm
from fleetcast.models.weekly import FittedWeekly
from fleetcast.settings import CovariateSettings, FeatureSettings

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

Move = Callable[[Panel, Bools], Panel]  # the panel with some of its series [S] moved

DEGREES = 5.0  # °C
CUT = 0.10  # share of a price
HISTORY_WEEKS, HISTORY_RISE = 4, 0.10
SMALLEST = 1e-3  # units: forecasts below count as this, or their ratio would mean nothing


@dataclass(frozen=True)
class Change:
    """Something that could be different in the week to come: the forecasts `before` and `after` it are compared.

    `one_by_one`: the change of one product touches the features of others, so each product is changed alone.
    """

    driver: str
    words: str
    after: Move
    before: Move = lambda panel, _: panel
    one_by_one: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """How a change moves the forecast, as fractions of it: over all rows on (geometric) average, and 10 % to 90 % of them.

    `linear` and `net` are what the members of each kind say by themselves, None where there is none.
    """

    driver: str
    change: str
    effect: float
    low: float
    high: float
    linear: float | None
    net: float | None
    rows: int


def standard(panel: Panel, covariates: Mapping[str, CovariateSettings]) -> Iterator[Change]:
    """The changes everyone asks for: each plan, the weather, each event, shoppers, the last weeks."""
    for name in sorted(panel.known):
        table, column = name.split(".", 1)
        yield _plan(panel, name, column, covariates[table])
    if "weather.temperature" in panel.issued:
        yield weather("weather.temperature", DEGREES, f"{DEGREES:g} °C warmer than normal")
    if "weather.precipitation" in panel.issued:
        yield weather("weather.precipitation", float(np.log(2)), "twice the normal rain (1 + mm a day)")
    for name in sorted(panel.issued):
        if name.startswith("event.") and panel.issued[name].any():
            yield event(panel, name)
    for name in sorted(panel.static):
        yield _static(panel, name)
    yield Change(RECENT, f"last {HISTORY_WEEKS} weeks {HISTORY_RISE:.0%} higher".replace("%", " %"), _higher)


def effects(
    fitted: Explained,
    panel: Panel,
    changes: Sequence[Change],
    *,
    rows: Bools,
    settings: FeatureSettings,
    covariates: Mapping[str, CovariateSettings],
    functional: str = "median",
) -> list[Effect]:
    """What each change does to the forecasts of these series [S] for the next week, the shortest horizon ahead."""
    nearest = min(panel.horizons)
    target = panel.cutoff + nearest
    as_it_is = Design.of(panel, settings, covariates)

    def seen(changed: Panel, which: Bools) -> Examples:
        design = as_it_is if changed is panel else Design.of(changed, settings, covariates)
        return design.examples(rows=which, horizons=(nearest,), first=target, last=target, training=False)

    found = []
    for change in changes:
        parts = list(_parts(panel, rows)) if change.one_by_one else [rows]
        pairs = [(seen(change.before(panel, p), p), seen(change.after(panel, p), p)) for p in parts]
        found.append(measured(fitted, change, pairs, functional=functional))
    return found


def measured(
    fitted: Explained,
    change: Change,
    pairs: Sequence[tuple[Examples, Examples]],
    *,
    functional: str = "median",
) -> Effect:
    """The effect of a change on the rows of examples that are equal but for it."""
    logs = _moved(fitted, pairs, functional)
    low, high = np.quantile(logs, [0.1, 0.9])
    kinds = [alone(fitted, kind) for kind in ("linear", "net")]
    linear, net = (_percent(_moved(kind, pairs, functional).mean()) if kind else None for kind in kinds)
    return Effect(
        change.driver,
        change.words,
        _percent(logs.mean()),
        _percent(low),
        _percent(high),
        linear,
        net,
        len(logs),
    )


def moved(fitted: Explained, before: Examples, after: Examples, *, functional: str = "median") -> F64:
    """Log ratio of the forecasts after and before, row by row [n]."""
    start, end = (
        np.log(np.maximum(fitted.predict(examples)[functional], SMALLEST)) for examples in (before, after)
    )
    return np.asarray(end - start)


def alone(fitted: Explained, kind: Literal["linear", "net"]) -> Explained | None:
    """The ensemble of the members of one kind; None where it has none. A transferred model has no kinds."""
    if isinstance(fitted, FittedLongTerm):
        return fitted if kind == "linear" else None
    if not isinstance(fitted, FittedWeekly):
        return None
    other = {"net" if kind == "linear" else "linear": None}
    pool = replace(fitted.pool, **other) if fitted.pool is not None else None
    left = replace(fitted, **other, pool=pool)
    return left if members(left) else None


def event(panel: Panel, name: str) -> Change:
    """An event's week, with as many of its days as a week ever had, against the week without it."""
    share = float(panel.issued[name].max())
    words = f"{name.removeprefix('event.')} ({share * 7:.0f} of 7 days)"
    return Change(EVENTS, words, _issued(name, share), _issued(name, 0.0))


def weather(name: str, anomaly: float, words: str) -> Change:
    """A forecast of weather this far from the season's normal, against the normal."""
    return Change(WEATHER, words, _issued(name, anomaly), _issued(name, 0.0))


def _plan(panel: Panel, name: str, column: str, settings: CovariateSettings) -> Change:
    """A price is cut, a flag set, any other plan raised by its spread; the product's own alone."""
    values, alone = panel.known[name], column in (*settings.relative, *settings.cross)
    driver = name.split(".", 1)[0]
    if column in settings.log:
        cut = _planned(name, lambda value: value + np.float32(np.log(1 - CUT)))
        return Change(driver, f"{column} −{100 * CUT:.0f} %", cut, one_by_one=alone)
    if np.isin(values[~np.isnan(values)], (0, 1)).all():
        on, off = _planned(name, np.ones_like), _planned(name, np.zeros_like)
        return Change(driver, f"{column} instead of none", on, off, one_by_one=alone)
    spread = np.float32(np.nanstd(values))
    more = _planned(name, lambda value: value + spread)
    return Change(driver, f"{column} +{spread:.3g}", more, one_by_one=alone)


def _planned(name: str, to: Callable[[F32], F32]) -> Move:
    """A plan moved in the weeks after the cutoff; where there is none, it stays away."""

    def move(panel: Panel, rows: Bools) -> Panel:
        values, ahead = panel.known[name].copy(), slice(panel.cutoff + 1, None)
        values[rows, ahead] = np.where(np.isnan(values[rows, ahead]), np.nan, to(values[rows, ahead]))
        return replace(panel, known={**panel.known, name: values})

    return move


def _issued(name: str, value: float) -> Move:
    """What was known of surroundings, set to one value in every week."""

    def move(panel: Panel, rows: Bools) -> Panel:
        values = panel.issued[name].copy()
        values[:, rows] = value
        return replace(panel, issued={**panel.issued, name: values})

    return move


def _static(panel: Panel, name: str) -> Change:
    spread = np.float32(np.nanstd(panel.static[name]))

    def more(panel: Panel, rows: Bools) -> Panel:
        values = panel.static[name] + np.where(rows, spread, np.float32(0))
        return replace(panel, static={**panel.static, name: values})

    table, column = name.split(".", 1)
    return Change(table, f"{column} +{spread:.3g}", more)


def _higher(panel: Panel, _: Bools) -> Panel:
    """The newest weeks of all series, and what was seen of them at the time."""
    at = slice(panel.cutoff + 1 - HISTORY_WEEKS, panel.cutoff + 1)
    units, seen = panel.units.copy(), panel.seen.copy()
    units[:, at] *= 1 + HISTORY_RISE
    seen[:, :, at] *= 1 + HISTORY_RISE
    return replace(panel, units=units, seen=seen)


def _parts(panel: Panel, rows: Bools) -> Iterator[Bools]:
    product = panel.series["product"].to_numpy()
    for name in np.unique(product[rows]):
        yield rows & (product == name)


def _moved(fitted: Explained, pairs: Sequence[tuple[Examples, Examples]], functional: str) -> F64:
    return np.concatenate([moved(fitted, *pair, functional=functional) for pair in pairs])


def _percent(logs: float) -> float:
    return float(np.expm1(logs))
