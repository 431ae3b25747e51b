"""The weather of the retailer's postal codes: what came, and what had been forecast when.

Temperatures are a yearly cycle plus an anomaly that fades over days, shared by a region. A forecast knows the
anomaly to come less well the further ahead it looks, and shrinks towards the normal of the season.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PERSISTENCE = 0.8  # of a day's temperature anomaly, to the next day
SPREAD = 4.0  # °C, standard deviation of a day's anomaly
SKILL_DAYS = 9.0  # days ahead after which a forecast's skill has fallen to 1/e
DAYS_AHEAD = 35  # days a forecast covers, the day of issue included


@dataclass(frozen=True, slots=True)
class Climate:
    """A year's mean and amplitude of the daily mean temperature (°C), and how often it rains."""

    mean: float
    amplitude: float
    wet_days: float = 0.3  # share


@dataclass(frozen=True)
class Weather:
    """Daily weather of a region: arrays (postal codes, days), °C and mm."""

    normal: Array  # (days,)
    temperature: Array
    precipitation: Array


def weather(climate: Climate, day_of_year: Array, places: int, rng: np.random.Generator) -> Weather:
    """Draw the weather of `places` postal codes, one value per day."""
    days = len(day_of_year)
    normal = climate.mean - climate.amplitude * np.cos(2 * np.pi * (day_of_year - 17) / 365.25)
    shocks = rng.normal(0, SPREAD * np.sqrt(1 - PERSISTENCE**2), days)
    anomaly = np.empty(days)
    level = rng.normal(0, SPREAD)
    for day in range(days):
        level = PERSISTENCE * level + shocks[day]
        anomaly[day] = level
    local = rng.normal(0, 0.8, (places, 1)) + rng.normal(0, 0.6, (places, days))
    rains = rng.random((places, days)) < climate.wet_days
    return Weather(
        normal=normal,
        temperature=np.round(normal + anomaly + local, 1),
        precipitation=np.round(rains * rng.gamma(0.8, 9.0, (places, days)), 1),
    )


def forecasts(came: Weather, issued: npt.NDArray[np.int64], rng: np.random.Generator) -> tuple[Array, Array]:
    """Forecasts of temperature and precipitation, each (postal codes, issues, DAYS_AHEAD); `issued` are day indices."""
    ahead = np.arange(DAYS_AHEAD)
    skill = np.exp(-ahead / SKILL_DAYS)
    days = issued[:, None] + ahead[None, :]
    shape = (len(came.temperature), *days.shape)

    normal = came.normal[days]
    blur = SPREAD * skill * np.sqrt(1 - skill**2)
    temperature = normal + skill * (came.temperature[:, days] - normal) + blur * rng.normal(0, 1, shape)

    usual = came.precipitation.mean()
    wet = skill * came.precipitation[:, days] + (1 - skill) * usual * rng.gamma(4.0, 0.25, shape)
    return np.round(temperature, 1), np.round(wet, 1)
