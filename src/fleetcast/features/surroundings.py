"""Weather and events of a series, as they were known a horizon ahead of each week."""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.week import WEEK, known_by

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
_YEAR = 365.2425  # days
NAMES = ("temperature", "precipitation")


def weather_as_issued(
    weather: pl.DataFrame,
    places: list[str],
    span: list[date],
    *,
    cutoff: date,
    horizons: tuple[int, ...],
    ready_after_days: int,
) -> dict[str, F32]:
    """Weekly weather anomalies as forecast h weeks before: name → [H, len(places), W].

    Temperature in °C and log(1 + mm) a day, each against the place's own seasonal normal (two harmonics of the
    days observed by the cutoff). 0, that is the normal, where no forecast had been issued for any day of the week.
    """
    known = _known(weather, places, cutoff, ready_after_days)
    observed, forecast = (known.filter(pl.col("kind") == kind) for kind in ("observed", "forecast"))
    inside = forecast.filter(pl.col("date").is_between(span[0], span[-1] + timedelta(days=6)))
    normals = {name: _normals(observed, name, len(places)) for name in NAMES}
    out = {name: np.zeros((len(horizons), len(places), len(span)), np.float32) for name in NAMES}
    for k, horizon in enumerate(horizons):
        issued = inside.filter(pl.col("known_at") <= _looked(horizon, ready_after_days)).unique(
            ["_p", "date"], keep="last", maintain_order=True
        )
        place, day = issued["_p"].to_numpy().astype(np.int64), _days(issued["date"])
        week = (day - _day(span[0])) // 7
        cell = place * len(span) + week
        count = np.bincount(cell, minlength=len(places) * len(span))
        for name in NAMES:
            anomaly = issued[name].to_numpy() - (_season(day) * normals[name][place]).sum(axis=1)
            total = np.bincount(cell, weights=anomaly, minlength=len(count))
            out[name][k] = (total / np.maximum(count, 1)).reshape(len(places), len(span))
    return out


def normal_weather(
    weather: pl.DataFrame, places: list[str], span: list[date], *, cutoff: date, ready_after_days: int
) -> dict[str, F64]:
    """The seasonal normal that anomalies are told against, on average over each week's days: name → [len(places), W]."""
    known = _known(weather, places, cutoff, ready_after_days)
    observed = known.filter(pl.col("kind") == "observed")
    days = (np.array([_day(week) for week in span])[:, None] + np.arange(7)).reshape(-1)
    season = _season(days).reshape(len(span), 7, -1).mean(axis=1)
    return {name: _normals(observed, name, len(places)) @ season.T for name in NAMES}


def _known(weather: pl.DataFrame, places: list[str], cutoff: date, ready_after_days: int) -> pl.DataFrame:
    """What was known of these places at the cutoff's look, oldest first, with `_p`, the place's number, and rain in logs."""
    codes = pl.DataFrame(
        {"postal_code": places, "_p": range(len(places))}, schema={"postal_code": str, "_p": int}
    )
    return (
        weather.filter(
            (pl.col("known_at") <= known_by(cutoff, ready_after_days)) & pl.col("postal_code").is_in(places)
        )
        .with_columns(pl.col("precipitation").log1p())
        .join(codes, on="postal_code")
        .sort("known_at", maintain_order=True)
    )


def _looked(horizon: int, ready_after_days: int) -> pl.Expr:
    """The moment at which the forecast of a day's week was made, `horizon` weeks before."""
    start = pl.col("date").dt.truncate("1w").cast(pl.Datetime("us", "UTC"))
    return start + timedelta(days=7 * (1 - horizon) + ready_after_days)


def _normals(observed: pl.DataFrame, column: str, places: int) -> F64:
    """[places, 5]: seasonal coefficients by ridge regression; a place without observations gets zeros."""
    place = observed["_p"].to_numpy().astype(np.int64)
    season, values = _season(_days(observed["date"])), observed[column].to_numpy()
    out = np.zeros((places, 5))
    for p in range(places):
        X, y = season[place == p], values[place == p]
        if len(y):
            out[p] = np.linalg.solve(
                X.T @ X + 1e-3 * len(y) * np.diag([0.0, 1, 1, 1, 1]) + 1e-9 * np.eye(5), X.T @ y
            )
    return out


def _season(day: I64) -> F64:
    angle = 2 * np.pi * day / _YEAR
    return np.stack(
        [np.ones(len(day)), np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)], axis=1
    )


def _days(column: pl.Series) -> I64:
    return column.to_physical().to_numpy().astype(np.int64)


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def events_as_known(
    events: pl.DataFrame,
    regions: list[str],
    span: list[date],
    *,
    cutoff: date,
    horizons: tuple[int, ...],
    ready_after_days: int,
) -> dict[str, F32]:
    """Share of each week's days that lie in an event, as it had been told h weeks before: name → [H, len(regions), W].

    `events` is bitemporal: of one that was corrected, each origin sees the last version that it knew.
    """
    known = events.filter(pl.col("known_at") <= known_by(cutoff, ready_after_days)).sort("known_at")
    moments = [
        [known_by(w - horizon * WEEK, ready_after_days).timestamp() for w in span] for horizon in horizons
    ]
    out = {
        name: np.zeros((len(horizons), len(regions), len(span)), np.float32)
        for name in sorted(known["event"].unique().to_list())
    }
    for (event, _, scope), versions in known.group_by("event", "first", "scope", maintain_order=True):
        here = np.array([scope in ("all", region) for region in regions])
        told = _as_told(versions, span, np.array(moments))
        out[event] = np.maximum(out[event], told[:, None, :] * here[:, None])
    return out


def _as_told(versions: pl.DataFrame, span: list[date], moments: F64) -> F32:
    """[H, W]: shares of each week as the versions known at its moment (seconds, [H, W]) had them, the newest last."""
    told = np.zeros(moments.shape, np.float32)
    for first, last, known_at in versions.select("first", "last", "known_at").iter_rows():
        told = np.where(known_at.timestamp() <= moments, _shares(first, last, span), told)
    return told


def _shares(first: date, last: date, span: list[date]) -> F32:
    start = np.array([_day(week) for week in span])
    overlap = np.minimum(start + 7, _day(last) + 1) - np.maximum(start, _day(first))
    return np.asarray(np.clip(overlap, 0, 7) / 7, np.float32)
