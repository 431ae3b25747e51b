"""What shoppers want, what the retailer brings, what it sells and what comes back, in one region.

Arrays are (weeks, stores, products) unless said otherwise. Demand is a log-linear rate (place, season, trend, events,
weather, price) with a little memory, drawn from a Gamma–Poisson law. The planner knows the rate but neither the
weather nor the draw, so he brings a buffer: most weeks something comes back, and about one week in 25 is sold out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Units = npt.NDArray[np.int64]

MEMORY = 0.6  # of a week's surprise, in the next week
SURPRISE = 0.06  # standard deviation of a week's surprise, in logs
SHAPE = 45.0  # of the Gamma law: variance of demand = rate + rate²/SHAPE
BUFFER = 1.9  # standard deviations the planner adds to what he expects
PLANNING = 0.06  # standard deviation of the planner's own error, in logs
ERRATIC = 1.25  # standard deviation, in logs, of weeks in the planted segment that nobody can forecast
PROMOTED = 0.18  # effect of the promotion flag, in logs, beside that of the price
LAG_PROFILE = (0.70, 0.22, 0.08)  # share of returns picked up 1, 2, 3 weeks after the week of delivery

# Amplitude in logs and day of the year of the peak, per category; effect in logs of a whole event, per category.
SEASONS = {
    "chips": (0.22, 190),
    "drinks": (0.38, 200),
    "cookies": (0.36, 345),
    "bread": (0.14, 320),
    "salsa": (0.20, 165),
}
WARMTH = {
    "chips": 0.03,
    "drinks": 0.13,
    "cookies": -0.06,
    "bread": -0.02,
    "salsa": 0.05,
}  # per 5 °C above normal
HEAT = {"chips": 0.0, "drinks": 0.15, "cookies": -0.08, "bread": 0.0, "salsa": 0.05}  # per 8 °C above 24 °C
EVENTS = {
    "new_year": {"chips": 0.15, "drinks": 0.25, "salsa": 0.1},
    "super_bowl": {"chips": 0.4, "drinks": 0.2, "salsa": 0.5},
    "valentines_day": {"cookies": 0.25},
    "mardi_gras": {"chips": 0.3, "drinks": 0.4, "bread": 0.2, "cookies": 0.3, "salsa": 0.2},
    "easter": {"cookies": 0.3, "bread": 0.2},
    "memorial_day": {"chips": 0.25, "drinks": 0.25, "bread": 0.3, "salsa": 0.25},
    "independence_day": {"chips": 0.35, "drinks": 0.45, "bread": 0.3, "salsa": 0.35},
    "labor_day": {"chips": 0.25, "drinks": 0.25, "bread": 0.25, "salsa": 0.25},
    "state_fair": {"chips": 0.3, "drinks": 0.4, "salsa": 0.3},
    "halloween": {"cookies": 0.3},
    "thanksgiving": {"bread": 0.35, "cookies": 0.25, "drinks": 0.15},
    "christmas": {"cookies": 0.5, "bread": 0.2, "drinks": 0.2, "chips": 0.15},
    "hurricane_milton": {"drinks": 0.6, "bread": 0.5, "cookies": 0.2},
}


@dataclass(frozen=True)
class Setting:
    """All that moves the rate of one region: log effects that broadcast to (weeks, stores, products)."""

    level: Array  # (1, stores, products), units per week
    foreseen: Array  # season, trend, events, price; what the planner knows
    weather: Array
    erratic: npt.NDArray[np.bool_]  # (stores, products)
    sells: npt.NDArray[np.bool_]  # store open and product listed
    case_pack: Units  # (products,)
    capacity: Units  # (stores, products)
    whole: bool  # what comes back of a delivery comes back in one visit


@dataclass(frozen=True)
class Trade:
    """The truth of one region, in units. `rate` is the best any forecast could know.

    `back` (weeks, stores, products, 3): of the returns, what is picked up 1, 2, 3 weeks after the week of delivery.
    """

    rate: Array
    demand: Units
    delivered: Units
    sold: Units
    back: Units

    @property
    def returned(self) -> Units:
        return self.delivered - self.sold


def trade(setting: Setting, rng: np.random.Generator) -> Trade:
    """Play all weeks of one region."""
    planned = setting.level * np.exp(setting.foreseen)
    rate = planned * np.exp(setting.weather)
    demand = draw(rate, setting, rng)
    delivered = bring(planned, setting, rng)
    sold = np.minimum(demand, delivered)
    return Trade(rate, demand, delivered, sold, take_back(delivered - sold, whole=setting.whole, rng=rng))


def take_back(returned: Units, *, whole: bool, rng: np.random.Generator) -> Units:
    """Spread returns over the visits after them: the batch of a delivery as one, or unit by unit."""
    if not whole:
        return rng.multinomial(returned, LAG_PROFILE)
    visit = rng.choice([1, 2, 3], size=returned.shape, p=LAG_PROFILE)
    return np.asarray(returned[..., None] * (visit[..., None] == np.arange(1, 4)), dtype=np.int64)


def draw(rate: Array, setting: Setting, rng: np.random.Generator) -> Units:
    """Demand: the rate, a surprise that lingers, and a Gamma–Poisson draw; wild where the segment is erratic."""
    weeks, stores, products = rate.shape
    shocks = rng.normal(0, SURPRISE * np.sqrt(1 - MEMORY**2), rate.shape)
    surprise = np.empty_like(rate)
    level = rng.normal(0, SURPRISE, (stores, products))
    for week in range(weeks):
        level = MEMORY * level + shocks[week]
        surprise[week] = level
    wild = np.where(setting.erratic, ERRATIC * rng.normal(0, 1, rate.shape) - ERRATIC**2 / 4, 0.0)
    mean = rate * np.exp(surprise + wild) * rng.gamma(SHAPE, 1 / SHAPE, rate.shape)
    units = rng.poisson(mean)
    at_least = np.where(setting.erratic, 1, 0)
    return np.asarray(np.where(setting.sells, np.maximum(units, at_least), 0), dtype=np.int64)


def bring(planned: Array, setting: Setting, rng: np.random.Generator) -> Units:
    """What the planner brings: what he expects plus a buffer, in whole cases, at most what the shelf holds."""
    spread = np.sqrt(planned + planned**2 * (1 / SHAPE + 2 * SURPRISE**2))
    spread = np.where(setting.erratic, 2.0 * planned, spread)
    wanted = (planned + BUFFER * spread) * np.exp(rng.normal(0, PLANNING, planned.shape))
    cases = np.rint(wanted / setting.case_pack)
    full = np.maximum(cases, 1).astype(np.int64) * setting.case_pack
    return np.asarray(np.where(setting.sells, np.minimum(full, setting.capacity), 0), dtype=np.int64)


def shelf_room(planned: Array, case_pack: Units, rng: np.random.Generator) -> Units:
    """Capacity (stores, products) in whole cases: nearly always enough, tight for one series in twenty."""
    peak = planned.max(axis=0)
    tight = rng.random(peak.shape) < 0.05
    room = np.where(tight, 1.0, 2.0) * (peak + BUFFER * np.sqrt(peak))
    return np.asarray(np.ceil(room / case_pack) * case_pack, dtype=np.int64)


def season(day_of_year: Array, category: list[str]) -> Array:
    """The yearly cycle in logs, (weeks, products)."""
    amplitude = np.array([SEASONS[name][0] for name in category])
    peak = np.array([SEASONS[name][1] for name in category])
    angle = 2 * np.pi * (day_of_year[:, None] - peak) / 365.25
    return np.asarray(amplitude * (np.cos(angle) + 0.25 * np.cos(2 * angle)))


def promotions(weeks: int, products: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Discount (share of the price) and promotion flag, (weeks, products): one week in six or so."""
    begins = rng.random((weeks, products)) < 0.11
    lasts = rng.random((weeks, products)) < 0.5
    goes_on = np.zeros_like(begins)
    goes_on[1:] = begins[:-1] & lasts[:-1]
    cut = rng.choice([0.1, 0.15, 0.2, 0.25, 0.3, 0.35], size=(weeks, products))
    followed = goes_on & ~begins
    cut[1:][followed[1:]] = cut[:-1][followed[1:]]
    flagged = rng.random((weeks, products)) < 0.7
    flagged[1:][followed[1:]] = flagged[:-1][followed[1:]]
    on = begins | goes_on
    return np.where(on, cut, 0.0), (on & flagged).astype(float)
