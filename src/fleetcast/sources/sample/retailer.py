"""The simulated retailer: a chain of small and large stores whose truth is known, drawn from one seed.

Everything is a pure function of its arguments. A region's draw depends on the seed and its own place in the list
alone, so a fifteenth region leaves the others as they were.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.week import WEEK, weeks
from fleetcast.sources.sample import assortment, climate, holidays, trade
from fleetcast.sources.sample.assortment import Region

LAST_WEEK = date(2026, 11, 9)  # last complete week; week 53 of 2026 lies ahead of it
AHEAD = 8  # weeks after the last one for which plans exist, and which the truth already knows
ERRATIC = "arkansas/small/slow"  # the planted segment that no model can forecast: it must fail its gate
DEPOT = "south-florida"  # keeps its own database, and notes a pick-up but not the delivery it was from
PLANNED_DAYS = 70  # days before its week that a price is announced

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Retailer:
    """Everything there is to know about the retailer; `history` runs AHEAD weeks beyond `last`.

    history: week, store, product, rate, demand, delivered, sold, returned, back_1 … back_3 (returned so many weeks
    after the delivery), sold_out. forecasts: postal_code, issued_at, date, temperature, precipitation. promotions:
    week, region, product, price, promotion, announced.
    """

    seed: int
    first: date
    last: date
    erratic: str | None
    stores: pl.DataFrame
    products: pl.DataFrame
    shelf: pl.DataFrame
    prices: pl.DataFrame
    shoppers: pl.DataFrame
    promotions: pl.DataFrame
    weather: pl.DataFrame
    forecasts: pl.DataFrame
    events: pl.DataFrame
    history: pl.DataFrame
    elasticity: dict[str, float]  # product → change of the log rate per change of the log price

    @property
    def past(self) -> pl.DataFrame:
        """History as it has happened: no week after the last complete one."""
        return self.history.filter(pl.col("week") <= self.last)

    def only(self, regions: Collection[str]) -> Self:
        """The retailer with these regions, and no other."""
        stores = self.stores.filter(pl.col("region").is_in(list(regions)))
        theirs: dict[str, pl.DataFrame] = {
            name: getattr(self, name).join(stores, on=key, how="semi", maintain_order="left")
            for key, names in (
                ("store", ("shelf", "shoppers", "history")),
                ("region", ("prices", "promotions")),
                ("postal_code", ("weather", "forecasts")),
            )
            for name in names
        }
        return replace(self, stores=stores, **theirs)  # type: ignore[arg-type]


def simulate(
    *,
    regions: int = 14,
    stores: int = 12,
    products: int = 40,
    weeks: int = 160,
    seed: int = 2026,
    last: date = LAST_WEEK,
    erratic: str | None = ERRATIC,
) -> Retailer:
    """Draw the retailer; counts are regions, stores per region, products, and complete weeks up to `last`.

    `erratic` (region/format/mover) stays unplanted where its region is not among those drawn.
    """
    calendar = Calendar.of(last, weeks)
    national = np.random.default_rng([seed, 0])
    goods = assortment.products(products, last, national)
    places = assortment.regions(regions)
    events = holidays.events(calendar.weeks[0], calendar.days[-1])
    planted = erratic if any(place.name == (erratic or "").split("/")[0] for place in places) else None
    drawn = [
        _region(
            place, index, stores, goods, events, calendar, planted, np.random.default_rng([seed, index + 1])
        )
        for index, place in enumerate(places)
    ]
    return Retailer(
        seed=seed,
        first=calendar.weeks[0],
        last=last,
        erratic=planted,
        products=goods.drop("level", "elasticity"),
        prices=assortment.prices(goods, places, calendar.weeks[0], last),
        events=events,
        elasticity=dict(goods.select("product", "elasticity").iter_rows()),
        **{name: pl.concat([frames[name] for frames in drawn]) for name in drawn[0]},
    )


@dataclass(frozen=True)
class Calendar:
    """The weeks and days of a simulation, AHEAD weeks beyond its last complete one."""

    weeks: list[date]
    complete: int  # of `weeks`

    @classmethod
    def of(cls, last: date, count: int) -> "Calendar":
        return cls(weeks(last - (count - 1) * WEEK, last + AHEAD * WEEK), count)

    @property
    def days(self) -> list[date]:
        return [week + timedelta(days=day) for week in self.weeks for day in range(7)]

    @property
    def midweek(self) -> Array:
        """Day of the year of each week's Thursday, the day that decides which year a week belongs to."""
        return np.array([(week + timedelta(days=3)).timetuple().tm_yday for week in self.weeks], dtype=float)


def _region(
    place: Region,
    index: int,
    stores: int,
    goods: pl.DataFrame,
    events: pl.DataFrame,
    calendar: Calendar,
    erratic: str | None,
    rng: np.random.Generator,
) -> dict[str, pl.DataFrame]:
    """All frames of one region."""
    outlets = assortment.stores(place, index, stores, calendar.weeks[calendar.complete - 1], rng)
    codes = outlets["postal_code"].unique(maintain_order=True)
    day_of_year = np.array([day.timetuple().tm_yday for day in calendar.days], dtype=float)
    came = climate.weather(place.climate, day_of_year, len(codes), rng)
    discount, promoted = trade.promotions(len(calendar.weeks), goods.height, rng)

    level = _level(outlets, goods, rng)
    foreseen = (
        trade.season(calendar.midweek, goods["category"].to_list())
        + _trend(len(calendar.weeks), goods.height, rng)
        + event_effects(events, place.name, calendar.weeks, goods["category"].to_list())
        + goods["elasticity"].to_numpy() * np.log1p(-discount)
        + trade.PROMOTED * promoted
    )[:, None, :]
    case_pack = goods["case_pack"].to_numpy()
    capacity = trade.shelf_room(level * np.exp(foreseen), case_pack, rng)
    setting = trade.Setting(
        level=level,
        foreseen=foreseen,
        weather=_weather_effect(came, outlets["postal_code"], codes, goods["category"].to_list()),
        erratic=_erratic(place.name, outlets, goods, erratic),
        sells=_sells(calendar.weeks, outlets, goods),
        case_pack=case_pack,
        capacity=capacity,
        whole=place.name != DEPOT,
    )
    played = trade.trade(setting, rng)
    return {
        "stores": outlets.drop("pull"),
        "shoppers": assortment.shoppers(outlets, rng),
        "shelf": _shelf(outlets, goods, capacity),
        "promotions": _promotions(place, goods, calendar, discount, promoted),
        "weather": _observed(came, codes, calendar),
        "forecasts": _forecasts(came, codes, calendar, rng),
        "history": _history(played, calendar.weeks, outlets, goods, setting.sells),
    }


def _level(outlets: pl.DataFrame, goods: pl.DataFrame, rng: np.random.Generator) -> Array:
    """Units per week of each series before season, price and events; with them fast sell 25–120, slow 6–20."""
    fast = (goods["mover"] == "fast").to_numpy()[None, :]
    small = (outlets["store_format"] == "small").to_numpy()[:, None]
    taste = np.exp(rng.normal(0, 0.12, (outlets.height, goods.height)))
    size = np.where(small, np.where(fast, 0.6, 0.9), 1.0)
    level = goods["level"].to_numpy()[None, :] * outlets["pull"].to_numpy()[:, None] * size * taste
    within = np.clip(level, np.where(fast, 28.0, 7.0), np.where(fast, 115.0, 17.0))
    return np.asarray(within[None])


def _trend(weeks: int, products: int, rng: np.random.Generator) -> Array:
    yearly = rng.normal(0, 0.03) + rng.normal(0, 0.04, products)
    return np.asarray((np.arange(weeks) - weeks / 2)[:, None] / 52 * yearly)


def event_effects(events: pl.DataFrame, region: str, calendar: list[date], category: list[str]) -> Array:
    """Log effect (weeks, products): an event counts by the share of its days that fall into the week."""
    effect = np.zeros((len(calendar), len(category)))
    for event in events.filter(pl.col("scope").is_in(["all", region])).iter_rows(named=True):
        lift = np.array([trade.EVENTS[event["event"]].get(name, 0.0) for name in category])
        length = (event["last"] - event["first"]).days + 1
        for number, week in enumerate(calendar):
            days = (min(event["last"], week + timedelta(days=6)) - max(event["first"], week)).days + 1
            if days > 0:
                effect[number] += lift * days / min(length, 7)
    return effect


def _weather_effect(came: climate.Weather, where: pl.Series, codes: pl.Series, category: list[str]) -> Array:
    """Log effect (weeks, stores, products) of a week's mean temperature, against the normal and above 24 °C."""
    weekly = came.temperature.reshape(len(codes), -1, 7).mean(axis=2)
    normal = came.normal.reshape(-1, 7).mean(axis=1)
    warmth = (weekly - normal) / 5
    heat = np.maximum(weekly - 24, 0) / 8
    heat -= heat.mean(axis=1, keepdims=True)  # a hot region does not sell more for being hot
    place = [codes.to_list().index(code) for code in where]
    by_warmth = np.array([trade.WARMTH[name] for name in category])
    by_heat = np.array([trade.HEAT[name] for name in category])
    return np.asarray(warmth.T[:, place, None] * by_warmth + heat.T[:, place, None] * by_heat)


def _erratic(
    region: str, outlets: pl.DataFrame, goods: pl.DataFrame, segment: str | None
) -> npt.NDArray[np.bool_]:
    wanted = (segment or "//").split("/")
    stores = (outlets["store_format"] == wanted[1]).to_numpy() & (region == wanted[0])
    return np.asarray(stores[:, None] & (goods["mover"] == wanted[2]).to_numpy()[None, :])


def _sells(calendar: list[date], outlets: pl.DataFrame, goods: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether a series is delivered in a week: store open and product listed, (weeks, stores, products)."""

    def spans(first: pl.Series, end: pl.Series) -> npt.NDArray[np.bool_]:
        week = np.array(calendar, dtype="datetime64[D]")[:, None]
        begins = first.to_numpy()[None, :]
        ends = end.fill_null(date.max).to_numpy()[None, :]
        return np.asarray((week >= begins) & (week < ends))

    open_ = spans(outlets["opened"], outlets["closed"])
    listed = spans(goods["listed"], goods["delisted"])
    return np.asarray(open_[:, :, None] & listed[:, None, :])


def _shelf(outlets: pl.DataFrame, goods: pl.DataFrame, capacity: trade.Units) -> pl.DataFrame:
    return (
        outlets.select("store", "opened")
        .join(goods.select("product", "listed", minimum_drop="case_pack"), how="cross")
        .select(
            "store",
            "product",
            "minimum_drop",
            capacity=pl.Series(capacity.ravel()),
            valid_from=pl.max_horizontal("opened", "listed"),
        )
    )


def _promotions(
    place: Region, goods: pl.DataFrame, calendar: Calendar, discount: Array, promoted: Array
) -> pl.DataFrame:
    year = np.array([week.year for week in calendar.weeks])
    regular = goods["price"].to_numpy()[None, :] * 1.03 ** (year - year[0])[:, None]
    return (
        pl.DataFrame({"week": calendar.weeks})
        .join(goods.select("product"), how="cross")
        .select(
            "week",
            pl.lit(place.name).alias("region"),
            "product",
            price=pl.Series(np.round(regular * (1 - discount), 2).ravel()),
            promotion=pl.Series(promoted.ravel().astype(np.int64)),
            announced=assortment.instant("week", hour=8, days=-PLANNED_DAYS),
        )
    )


def _observed(came: climate.Weather, codes: pl.Series, calendar: Calendar) -> pl.DataFrame:
    days = 7 * calendar.complete
    return (
        pl.DataFrame({"postal_code": codes})
        .join(pl.DataFrame({"date": calendar.days[:days]}), how="cross")
        .with_columns(
            temperature=pl.Series(came.temperature[:, :days].ravel()),
            precipitation=pl.Series(came.precipitation[:, :days].ravel()),
        )
    )


def _forecasts(
    came: climate.Weather, codes: pl.Series, calendar: Calendar, rng: np.random.Generator
) -> pl.DataFrame:
    """Issued on the Monday after each complete week, 06:00 UTC, for that day and the following ones."""
    issued = 7 * np.arange(1, calendar.complete + 1)
    temperature, precipitation = climate.forecasts(came, issued, rng)
    return (
        pl.DataFrame({"postal_code": codes})
        .join(pl.DataFrame({"issued": calendar.weeks[1 : calendar.complete + 1]}), how="cross")
        .join(pl.DataFrame({"ahead": range(climate.DAYS_AHEAD)}), how="cross")
        .select(
            "postal_code",
            issued_at=assortment.instant("issued", hour=6),
            date=pl.col("issued") + pl.duration(days="ahead"),
            temperature=pl.Series(temperature.ravel()),
            precipitation=pl.Series(precipitation.ravel()),
        )
    )


def _history(
    played: trade.Trade,
    calendar: list[date],
    outlets: pl.DataFrame,
    goods: pl.DataFrame,
    sells: npt.NDArray[np.bool_],
) -> pl.DataFrame:
    """One row per week in which a series was to be delivered, by week, store and product."""
    week, store, product = np.nonzero(sells)
    units = {
        name: getattr(played, name)[sells] for name in ("rate", "demand", "delivered", "sold", "returned")
    }
    return pl.DataFrame(
        {
            "week": pl.Series(calendar).gather(week),
            "store": outlets["store"].gather(store),
            "product": goods["product"].gather(product),
            **units,
            **{f"back_{weeks + 1}": played.back[..., weeks][sells] for weeks in range(3)},
        }
    ).with_columns(sold_out=pl.col("demand") > pl.col("delivered"))
